import { describe, expect, it } from 'vitest';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import type { FixAttempt, FixCharge } from '../../lib/domain/fix-attempt.ts';
import { type CardTries, NO_TRIES } from '../../lib/domain/payments/card-tries.ts';
import type { Spending } from '../../lib/domain/payments/spending.ts';
import {
  isWaiting,
  MAX_ON_A_BILL,
  type WaitingBill,
  waitingBill,
} from '../../lib/domain/payments/waiting-fixes.ts';
import { chargeOf, fixOf, headWith, NOTHING_SPENT, onPlan } from '../support/heads.ts';

const AT = new Date('2026-01-20T12:00:00.000Z');
const CARD = { paymentMethodId: 'pm_1', stripeCustomerId: 'cus_1', cardKey: 'fp_1' };
const DECLINED: CardTries = { ...NO_TRIES, declines: [AT.toISOString()], lastCode: 'do_not_honor' };
const LOST: CardTries = { ...DECLINED, isHard: true };
const BILLED = {
  outcome: 'credit_consumed',
  amountCents: 0,
  billedAt: AT.toISOString(),
  seq: 2,
  paymentIntentId: null,
  spendingMonth: null,
} as const;

const fixes = (count: number): readonly FixAttempt[] =>
  Array.from({ length: count }, (_, n) => fixOf({ id: `f${n + 1}` }));
const idsOf = (all: readonly FixAttempt[]) => all.map(({ id }) => id);

const billOf = (
  facts: Partial<CustomerHead>,
  waiting: readonly FixAttempt[],
  {
    tries = NO_TRIES,
    spending = {},
  }: { readonly tries?: CardTries; readonly spending?: Partial<Spending> } = {},
) => {
  const basis = {
    head: headWith(facts),
    cards: { fp_1: tries },
    spending: { ...NOTHING_SPENT, ...spending },
    at: AT,
  };
  const { fixes: billed, ...bill } = waitingBill(basis, waiting);
  return { ...bill, ids: idsOf(billed) };
};

/** A bill without fixes, at the pay-as-you-go price. */
const NONE: Omit<WaitingBill, 'fixes'> = {
  fromCredits: 0,
  charged: 0,
  cents: 0,
  reasons: [],
};

describe('fixes that wait for billing', () => {
  it.each<[string, Partial<FixAttempt>, boolean]>([
    ['that was never merged', {}, false],
    ['that was blocked', { blockedAtRaise: 0 }, true],
    ['whose charge has no outcome', { charge: chargeOf(), blockedAtRaise: 0 }, false],
    ['whose payment waits for approval', { charge: chargeOf({ state: 'action_required' }) }, true],
    ['whose charge was declined', { charge: chargeOf({ state: 'declined' }) }, true],
    ['whose charge was closed', { charge: chargeOf({ state: 'closed' }) }, true],
    ['that is billed', { billed: BILLED, blockedAtRaise: 0 }, false],
    ['that is billed after a decline', { billed: BILLED, charge: chargeOf({ state: 'closed' }) }, false],
  ])('a fix %s, %o, waits: %s', (_, facts, waits) => {
    expect(isWaiting(fixOf(facts))).toBe(waits);
  });
});

describe('the bill of waiting fixes', () => {
  it.each<[string, Partial<CustomerHead>, number, Omit<WaitingBill, 'fixes'> & { ids: string[] }]>([
    ['no fixes', CARD, 0, { ...NONE, ids: [] }],
    ['more credits than fixes', { ...CARD, balance: 5 }, 2, { ...NONE, ids: ['f1', 'f2'], fromCredits: 2 }],
    [
      'fewer credits than fixes, and no limit',
      { ...CARD, balance: 1, spendingLimitCents: null },
      3,
      { ...NONE, ids: ['f1', 'f2', 'f3'], fromCredits: 1, charged: 2, cents: 5_800 },
    ],
    [
      'the Pro rate',
      { ...CARD, ...onPlan('pro') },
      2,
      { ...NONE, ids: ['f1', 'f2'], charged: 2, cents: 3_000 },
    ],
    [
      'one credit and no card',
      { balance: 1 },
      3,
      { ...NONE, ids: ['f1'], fromCredits: 1, reasons: ['no_billing_info'] },
    ],
    ['enough credits and no card', { balance: 2 }, 2, { ...NONE, ids: ['f1', 'f2'], fromCredits: 2 }],
    [
      'an open dispute and no room',
      { ...CARD, openDisputes: ['du_1'], spendingLimitCents: 0 },
      1,
      { ...NONE, ids: [], reasons: ['account_disputed'] },
    ],
    [
      'a limit for exactly all fixes',
      { ...CARD, spendingLimitCents: 5_800 },
      2,
      { ...NONE, ids: ['f1', 'f2'], charged: 2, cents: 5_800 },
    ],
    [
      'a limit that is one cent short',
      { ...CARD, balance: 1, spendingLimitCents: 5_799 },
      3,
      {
        ...{ ...NONE, ids: ['f1', 'f2'], fromCredits: 1, charged: 1, cents: 2_900 },
        reasons: ['spending_limit_reached'],
      },
    ],
    [
      'no room at all',
      { ...CARD, spendingLimitCents: 0 },
      2,
      { ...NONE, ids: [], reasons: ['spending_limit_reached'] },
    ],
  ])('with %s, credits pay first and the card pays for what the limit allows', (_, facts, count, bill) => {
    expect(billOf(facts, fixes(count))).toEqual(bill);
  });

  it('what was spent in the month leaves less room', () => {
    const spending = { committedCents: 2_901, spentCents: 2_901 };
    expect(billOf({ ...CARD, spendingLimitCents: 8_700 }, fixes(2), { spending })).toEqual({
      ...{ ...NONE, ids: ['f1'], charged: 1, cents: 2_900, reasons: ['spending_limit_reached'] },
    });
  });

  it('a person skips the wait after a decline, but not the permanent rejection of a card', () => {
    const charged = { ...NONE, ids: ['f1'], charged: 1, cents: 2_900 };
    expect(billOf(CARD, fixes(1), { tries: DECLINED })).toEqual(charged);
    expect(billOf(CARD, fixes(1), { tries: LOST })).toEqual({ ...NONE, ids: [], reasons: ['card_declined'] });
  });

  it('a payment that waits for its cardholder costs its own amount, unless another card pays now', () => {
    const waits = chargeOf({ state: 'action_required', amountCents: 1_500 });
    const kept = fixOf({ id: 'kept', charge: waits });
    const closed = fixOf({ id: 'closed', charge: { ...waits, paymentMethodId: 'pm_before' } });
    expect(billOf(CARD, [kept])).toMatchObject({ charged: 1, cents: 1_500 });
    expect(billOf(CARD, [kept, closed, fixOf({ id: 'new' })])).toMatchObject({ charged: 3, cents: 7_300 });
  });

  it('one bill has at most 100 fixes, the first of those that wait', () => {
    const all = fixes(MAX_ON_A_BILL + 1);
    expect(MAX_ON_A_BILL).toBe(100);
    expect(billOf({ balance: 200 }, all)).toEqual({
      ...{ ...NONE, ids: idsOf(all).slice(0, 100), fromCredits: 100 },
    });
  });
});

describe('the room for fixes that have reserved their amount', () => {
  const reserved = (facts: Partial<FixCharge>) => chargeOf({ state: 'action_required', ...facts });
  const before = { paymentMethodId: 'pm_before' };
  const charges: Readonly<Record<string, FixCharge | null>> = {
    new: null,
    kept: reserved({}),
    'other card': reserved(before),
    cheaper: reserved({ ...before, amountCents: 1_500 }),
    'last month': reserved({ ...before, spendingMonth: '2025-12' }),
  };

  it.each([
    [['kept', 'new'], 0, 1],
    [['new', 'kept'], 0, 0],
    [['other card', 'new'], 0, 1],
    [['cheaper', 'kept'], 1_399, 0],
    [['cheaper', 'kept', 'new'], 1_400, 2],
    [['last month'], 2_899, 0],
    [['last month', 'kept', 'new'], 2_900, 2],
    [['new', 'new', 'new'], 5_800, 2],
    [['new', 'new'], 5_800, 2],
  ])('of the fixes %j with room for %i cents, the first %i are charged', (names, room, charged) => {
    const waiting = names.map((id) => fixOf({ id, charge: charges[id] ?? null }));
    const spending = { committedCents: 10_000 - room, awaitingCents: 2_900 };
    expect(billOf({ ...CARD, spendingLimitCents: 10_000 }, waiting, { spending })).toEqual({
      ...{ ...NONE, ids: names.slice(0, charged), charged, cents: charged * 2_900 },
      reasons: charged < names.length ? ['spending_limit_reached'] : [],
    });
  });
});
