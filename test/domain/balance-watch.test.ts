import { describe, expect, it } from 'vitest';
import { type BalanceLevel, isBelow, levelOf, watchBalance } from '../../lib/domain/balance-watch.ts';

const watched = (from: number, to: number, balanceLevel: BalanceLevel = 'fine') =>
  watchBalance({ raisedSeq: 3, balanceLevel, balance: from }, { balance: to, seq: 9 });

describe('the level of a balance', () => {
  it('a balance is exhausted at 0 credits, low up to five, and fine above', () => {
    expect([0, 1, 5, 6].map(levelOf)).toEqual(['exhausted', 'low', 'low', 'fine']);
  });

  it('the level never rises as the balance falls', () => {
    expect(isBelow('exhausted', 'low')).toBe(true);
    expect(isBelow('low', 'fine')).toBe(true);
    expect(isBelow('low', 'low')).toBe(false);
    expect(isBelow('fine', 'exhausted')).toBe(false);
  });
});

describe('watching a balance', () => {
  it.each<[string, number, number, BalanceLevel, BalanceLevel]>([
    ['spending above the threshold changes nothing', 8, 7, 'fine', 'fine'],
    ['spending across it is low', 6, 5, 'fine', 'low'],
    ['spending below it stays low', 5, 4, 'low', 'low'],
    ['spending the last one is exhausted', 1, 0, 'low', 'exhausted'],
    ['spending never takes the level up', 9, 8, 'exhausted', 'exhausted'],
    ['a credit bought and spent at once changes nothing', 0, 0, 'exhausted', 'exhausted'],
    ['the same at a level that was not reached by spending', 3, 3, 'fine', 'fine'],
  ])('%s', (_name, from, to, before, after) => {
    expect(watched(from, to, before)).toEqual({ raisedSeq: 3, balanceLevel: after });
  });

  it('a grant starts a new watch even if the balance stays below the threshold', () => {
    expect(watched(0, 60, 'exhausted')).toEqual({ raisedSeq: 9, balanceLevel: 'fine' });
    expect(watched(0, 1, 'exhausted')).toEqual({ raisedSeq: 9, balanceLevel: 'fine' });
  });
});
