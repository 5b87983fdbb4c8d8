import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ENTRY_SOURCES,
  emptyLedger,
  entryHash,
  GENESIS_HASH,
  isGrantSource,
  type Posting,
  post,
} from '../../lib/domain/ledger.ts';

const AT = new Date('2026-01-02T03:04:05.678Z');
const grant = (amount: number): Posting => ({ amount, source: 'adjustment', metadata: { reason: 'test' } });

describe('posting to a ledger', () => {
  it('posting numbers entries from 1, carries the balance, and chains the hashes', () => {
    const { state, entries } = post(emptyLedger('c1'), [grant(5), grant(-2)], AT);
    expect(entries.map(({ seq, balanceAfter }) => [seq, balanceAfter])).toEqual([
      [1, 5],
      [2, 3],
    ]);
    expect(entries[0]?.prevHash).toBe(GENESIS_HASH);
    expect(entries[1]?.prevHash).toBe(entries[0]?.hash);
    expect(state).toEqual({ customerId: 'c1', balance: 3, seq: 2, chain: entries[1]?.hash });
  });

  it('posting all at once or one by one ends in the same ledger', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 20 }), (amounts) => {
        const postings = amounts.map(grant);
        const together = post(emptyLedger('c1'), postings, AT).state;
        const oneByOne = postings.reduce(
          (state, posting) => post(state, [posting], AT).state,
          emptyLedger('c1'),
        );
        expect(oneByOne).toEqual(together);
      }),
    );
  });

  it.each([0, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('posting rejects an amount of %s', (amount) => {
    expect(() => post(emptyLedger('c1'), [grant(amount)], AT)).toThrow(RangeError);
  });

  it('posting never goes below zero, even between two postings', () => {
    expect(() => post(emptyLedger('c1'), [grant(-1), grant(5)], AT)).toThrow(/balance of -1/);
  });

  it('the hash covers every field of an entry, and the order of metadata does not matter', () => {
    const { entries } = post(emptyLedger('c1'), [{ ...grant(5), metadata: { a: 1, b: 'x' } }], AT);
    const [entry] = entries;
    if (entry === undefined) throw new Error('no entry');
    const changed = [
      { ...entry, customerId: 'c2' },
      { ...entry, seq: 2 },
      { ...entry, amount: 6 },
      { ...entry, balanceAfter: 6 },
      { ...entry, source: 'purchased' as const },
      { ...entry, metadata: { a: 1, b: 'y' } },
      { ...entry, createdAt: '2026-01-02T03:04:05.679Z' },
      { ...entry, prevHash: '1'.repeat(64) },
    ];
    for (const other of changed) expect(entryHash(other)).not.toBe(entry.hash);
    expect(entryHash({ ...entry, metadata: { b: 'x', a: 1 } })).toBe(entry.hash);
  });

  it('the hash of a written entry is the same in every release', () => {
    const { entries } = post(emptyLedger('c1'), [{ ...grant(5), metadata: { b: 'x', a: 1, c: 2 } }], AT);
    const hash = '6f2d8b660b965a42320f86f24cb348c8cea600d2caf2eb6a60a7f05ab8a2ea8c';
    expect(entries[0]?.hash).toBe(hash);
    expect(entries[0]?.prevHash).toBe('0'.repeat(64));
  });
});

describe('the sources of entries', () => {
  it('sign-up, the first card, a Pro payment and an adjustment grant credits', () => {
    expect(ENTRY_SOURCES.filter(isGrantSource)).toEqual([
      ...['trial_signup', 'trial_billing_added', 'pro_subscription_payment', 'adjustment'],
    ]);
  });
});
