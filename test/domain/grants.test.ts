import { describe, expect, it } from 'vitest';
import { type CreditChange, grant, takeBack } from '../../lib/domain/grants.ts';

const amounts = ({ postings }: CreditChange) => postings.map(({ amount }) => amount);
const debtChanges = ({ postings }: CreditChange) => postings.map(({ metadata }) => metadata['debt_change']);

describe('a grant', () => {
  it('a grant without debt is one entry', () => {
    const change = grant({ balance: 3, debt: 0 }, 5, 'adjustment', { why: 'test' });
    expect(change).toEqual({
      postings: [{ amount: 5, source: 'adjustment', metadata: { why: 'test' } }],
      debt: 0,
    });
  });

  it.each([
    ['less than it', 20, [60, -20], 0],
    ['as much', 60, [60, -60], 0],
    ['more', 100, [60, -60], 40],
  ] as const)('a grant pays a debt of %s first and records it in an entry', (_name, debt, expected, left) => {
    const change = grant({ balance: 0, debt }, 60, 'pro_subscription_payment', {});
    expect(amounts(change)).toEqual(expected);
    expect(change.debt).toBe(left);
    expect(change.postings.map(({ source }) => source)).toEqual([
      'pro_subscription_payment',
      'refund_reversal',
    ]);
    expect(change.postings[1]?.metadata).toEqual({
      reason: 'debt_netted',
      debt_change: left - debt,
      debt_after: left,
    });
  });
});

describe('taking credits back', () => {
  it.each([
    ['all of it is there', { balance: 70, debt: 0 }, 60, -60, 0],
    ['some of it is spent: the rest is owed', { balance: 10, debt: 0 }, 60, -10, 50],
    ['all of it is spent', { balance: 0, debt: 0 }, 60, 0, 60],
    ['something is owed already', { balance: 0, debt: 7 }, 60, 0, 67],
    ['nothing is to be taken', { balance: 5, debt: 0 }, 0, 0, 0],
    ['it is given back', { balance: 5, debt: 0 }, -60, 60, 0],
    ['it is given back where some is owed: that first', { balance: 0, debt: 50 }, -60, 10, 0],
    ['less is given back than is owed', { balance: 0, debt: 50 }, -20, 0, 30],
  ] as const)('%s', (_name, owing, credits, amount, debt) => {
    const change = takeBack(owing, credits, { reason: 'test' });
    // Object.is: a ledger with -0 has another hash than one with 0.
    expect(amounts(change)).toEqual([amount]);
    expect(change.debt).toBe(debt);
    expect(debtChanges(change)).toEqual([debt - owing.debt]);
    expect(change.postings[0]).toMatchObject({
      source: 'refund_reversal',
      metadata: { reason: 'test', debt_after: debt },
    });
  });
});
