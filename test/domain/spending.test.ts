import { describe, expect, it } from 'vitest';
import { chargeObstacles } from '../../lib/domain/payments/charge-obstacles.ts';
import { addedCents, exposureOf, mergeCost } from '../../lib/domain/payments/exposure.ts';
import {
  changeBetween,
  countedIn,
  exceedsLimit,
  heldBy,
  newlyReached,
  nextMonthStart,
  reservedCents,
  roomCents,
  type Spending,
  spentBy,
} from '../../lib/domain/payments/spending.ts';
import { verifySpending } from '../../lib/domain/payments/verify-spending.ts';
import { waitingBill } from '../../lib/domain/payments/waiting-fixes.ts';
import { chargeOf, fixOf, headWith, NOTHING_SPENT } from '../support/heads.ts';

const AT = new Date('2026-01-20T12:00:00.000Z');
const CARD = { paymentMethodId: 'pm_1', stripeCustomerId: 'cus_1', cardKey: 'fp_1' };

const spent = (facts: Partial<Spending> = {}): Spending => ({ ...NOTHING_SPENT, ...facts });

describe('the limit of a month', () => {
  it.each([
    [null, 1_000_000, null, false],
    [0, 0, 0, true],
    [2_900, 0, 2_900, false],
    [2_899, 0, 2_899, true],
    [29_000, 26_100, 2_900, false],
    [29_000, 26_101, 2_899, true],
    [29_000, 58_000, 0, true],
  ])(
    'a limit of %j cents with %i committed leaves %j, and a charge of $29.00 exceeds it: %s',
    (limit, committedCents, room, exceeds) => {
      expect(roomCents(limit, spent({ committedCents }))).toBe(room);
      expect(exceedsLimit(limit, spent({ committedCents }), 2_900)).toBe(exceeds);
    },
  );

  it.each([
    ['2026-01', '2026-02-01T00:00:00.000Z'],
    ['2026-12', '2027-01-01T00:00:00.000Z'],
  ])('the limit of %s starts again at %s', (month, renewsAt) => {
    expect(nextMonthStart(month)).toBe(renewsAt);
  });

  it.each([
    [null, 0, 0, null],
    [29_000, 0, 0, null],
    [29_000, 11_600, 0, 50],
    [29_000, 14_500, 50, null],
    [29_000, 20_300, 50, 80],
    [8_700, 2_900, 0, 50],
    [8_700, 2_901, 0, 100],
    [29_000, 20_300, 0, 80],
    [29_000, 26_100, 80, 100],
    [30_000, 26_100, 80, 100],
    [29_000, 26_100, 100, null],
    [2_900, 0, 0, 100],
  ])(
    'of a limit of %j cents, a charge of $29.00 after %i, noticed at %i percent, reaches %j',
    (limit, committedCents, noticedPercent, reached) => {
      expect(newlyReached(limit, spent({ committedCents, noticedPercent }), 2_900)).toBe(reached);
    },
  );
});

describe('what a charge holds', () => {
  it.each([
    ['charging', 2_900, 0],
    ['action_required', 2_900, 2_900],
    ['declined', 0, 0],
    ['closed', 0, 0],
  ] as const)(
    'a charge that is %s reserves %i cents, %i of them waiting',
    (state, committedCents, awaitingCents) => {
      expect(heldBy(chargeOf({ state }))).toEqual({ committedCents, spentCents: 0, awaitingCents });
    },
  );

  it('a charge of an earlier release, and no charge, hold nothing', () => {
    const nothing = { committedCents: 0, spentCents: 0, awaitingCents: 0 };
    expect([heldBy(null), heldBy(chargeOf({ spendingMonth: null }))]).toEqual([nothing, nothing]);
  });

  it('a paid charge moves its amount from reserved to spent', () => {
    const change = changeBetween(heldBy(chargeOf({ state: 'action_required' })), spentBy(2_900));
    expect(change).toEqual({ committedCents: 0, spentCents: 2_900, awaitingCents: -2_900 });
  });

  it('a change is the difference in each sum', () => {
    const before = { committedCents: 4_400, spentCents: 1_500, awaitingCents: 2_900 };
    const after = { committedCents: 7_000, spentCents: 5_000, awaitingCents: 100 };
    expect(changeBetween(before, after)).toEqual({
      committedCents: 2_600,
      spentCents: 3_500,
      awaitingCents: -2_800,
    });
  });

  it.each(['declined', 'closed'] as const)('a fix whose charge is %s counts in no month', (state) => {
    expect(countedIn({ charge: chargeOf({ state }), billed: null })).toEqual([]);
  });

  it('a billed fix with another charge in flight counts both, each in its own month', () => {
    const billed = {
      outcome: 'charged_and_consumed',
      amountCents: 1_500,
      billedAt: AT.toISOString(),
      seq: 2,
      paymentIntentId: 'pi_1',
      spendingMonth: '2025-12',
    } as const;
    expect(countedIn({ charge: chargeOf(), billed })).toEqual([
      { month: '2026-01', committedCents: 2_900, spentCents: 0, awaitingCents: 0 },
      { month: '2025-12', committedCents: 1_500, spentCents: 1_500, awaitingCents: 0 },
    ]);
    expect(countedIn({ charge: null, billed: { ...billed, spendingMonth: null } })).toEqual([]);
  });
});

describe('verifying the sums of a month', () => {
  const fix = (counted: ReturnType<typeof countedIn>) => ({
    id: 'f1',
    billed: false,
    announcedAttempts: 1,
    paymentIntentId: null,
    counted,
  });
  const fixes = [
    fix(countedIn({ charge: chargeOf({ state: 'action_required' }), billed: null })),
    fix([{ month: '2026-01', ...spentBy(1_500) }]),
  ];
  const second = { month: '2026-01', ...spentBy(2_900) };
  const right = spent({ committedCents: 7_300, spentCents: 4_400, awaitingCents: 2_900 });
  const messages = (months: readonly Spending[]) =>
    verifySpending({ fixes, spending: { months, secondPayments: [second] } }).map(({ message }) => message);

  it('sums that equal their charges are sound, and a part of a ledger is not checked', () => {
    expect(messages([right])).toEqual([]);
    expect(verifySpending({ fixes })).toEqual([]);
    expect(reservedCents(right)).toBe(2_900);
  });

  it('a fix without recorded charges adds nothing to the sums', () => {
    const { counted: _, ...uncounted } = fix([]);
    expect(verifySpending({ fixes: [uncounted], spending: { months: [], secondPayments: [] } })).toEqual([]);
  });

  it('a missing month is named with each sum that it lacks', () => {
    expect(messages([])).toEqual([
      'the spending of 2026-01 reserves 0 cents, but its charges add up to 2900',
      'the spending of 2026-01 counts as spent 0 cents, but its charges add up to 4400',
      'the spending of 2026-01 counts as waiting for a cardholder 0 cents, but its charges add up to 2900',
    ]);
  });

  it('a wrong sum, and a month without charges, are named', () => {
    expect(messages([{ ...right, spentCents: 4_399 }])).toEqual([
      'the spending of 2026-01 reserves 2901 cents, but its charges add up to 2900',
      'the spending of 2026-01 counts as spent 4399 cents, but its charges add up to 4400',
    ]);
    const unfounded = ['2026-03', '2026-02'].map((month) => ({ ...NOTHING_SPENT, month, committedCents: 5 }));
    expect(messages([right, ...unfounded])).toEqual([
      'the spending of 2026-02 reserves 5 cents, but its charges add up to 0',
      'the spending of 2026-03 reserves 5 cents, but its charges add up to 0',
    ]);
  });
});

describe('obstacles', () => {
  it('the limit stands after the account and before the card among the reasons', () => {
    const head = headWith({ balance: 0, ...CARD, openDisputes: ['du_1'], spendingLimitCents: 0 });
    const declines = [AT.toISOString()];
    const tries = {
      declines,
      underWay: [],
      lastCode: 'x',
      isHard: false,
      isWaitSkipped: false,
      letterDay: null,
    };
    const asked = { cards: { fp_1: tries }, at: AT, byPerson: false };
    const wanted = { amountCents: 2_900, spending: NOTHING_SPENT };
    expect(chargeObstacles(head, { ...asked, wanted })).toEqual([
      'account_disputed',
      'spending_limit_reached',
      'card_declined',
    ]);
    // A subscription is not counted.
    expect(chargeObstacles(head, asked)).toEqual(['account_disputed', 'card_declined']);
  });
});

describe('what merging costs', () => {
  const basis = (facts: Parameters<typeof headWith>[0], spending = NOTHING_SPENT) => ({
    head: headWith(facts),
    cards: {},
    spending,
    at: AT,
  });

  it('a credit pays if there is one, else the card, unless something blocks it', () => {
    const limited = { ...CARD, balance: 0, spendingLimitCents: 2_899 };
    expect(mergeCost(basis({ balance: 3 }), fixOf())).toEqual({ kind: 'credit', amountCents: 0, left: 3 });
    expect(mergeCost(basis({ balance: 0, ...CARD }), fixOf())).toEqual({
      kind: 'charge',
      amountCents: 2_900,
    });
    expect(mergeCost(basis({ balance: 0 }), fixOf())).toMatchObject({ reason: 'no_billing_info' });
    expect(mergeCost(basis(limited), fixOf())).toMatchObject({ reason: 'spending_limit_reached' });
  });

  it('a fix whose charge is announced costs that charge, whatever the balance is', () => {
    const fix = fixOf({ charge: chargeOf({ amountCents: 1_500 }) });
    expect(mergeCost(basis({ balance: 5 }), fix)).toEqual({ kind: 'charge', amountCents: 1_500 });
  });

  it('a payment that waits for its approval has room already, as long as the same card pays', () => {
    const head = { ...CARD, balance: 0, spendingLimitCents: 2_900 };
    const full = basis(head, spent({ committedCents: 2_900, awaitingCents: 2_900 }));
    const charge = chargeOf({ state: 'action_required', spendingMonth: full.spending.month });
    const asked = fixOf({ charge: { ...charge, paymentMethodId: CARD.paymentMethodId } });
    const another = fixOf({ charge: { ...charge, paymentMethodId: 'pm_before' } });
    const old = fixOf({ charge: { ...charge, paymentMethodId: 'pm_before', spendingMonth: '2025-12' } });
    expect([asked, another, old, fixOf()].map((fix) => addedCents(full, fix))).toEqual([0, 0, 2_900, 2_900]);
    expect(mergeCost(full, asked)).toEqual({ kind: 'charge', amountCents: charge.amountCents });
    expect(mergeCost(full, fixOf())).toMatchObject({ reason: 'spending_limit_reached' });
    // The reserved amount is for one of the two.
    expect(exposureOf(full, 2)).toMatchObject({ roomCents: 0, beyondLimit: 1 });
    expect(waitingBill(full, [asked, fixOf()])).toMatchObject({
      ...{ fixes: [asked], charged: 1, reasons: ['spending_limit_reached'] },
    });
    expect(waitingBill(full, [fixOf(), asked])).toMatchObject({ fixes: [], charged: 0 });
  });

  it('merging all takes the credits first, then charges, and says how many the limit leaves no room for', () => {
    const head = { ...CARD, balance: 4, spendingLimitCents: 29_000 };
    expect(exposureOf(basis(head, spent({ committedCents: 20_300, spentCents: 20_300 })), 9)).toEqual({
      fixes: 9,
      isMore: false,
      coveredByCredits: 4,
      fixPriceCents: 2_900,
      costCents: 14_500,
      roomCents: 8_700,
      beyondLimit: 2,
      reasons: [],
    });
    const unlimited = basis({ ...head, spendingLimitCents: null });
    expect(exposureOf(unlimited, 101)).toMatchObject({
      fixes: 100,
      isMore: true,
      beyondLimit: 0,
      roomCents: null,
    });
    expect(exposureOf(unlimited, 100)).toMatchObject({ fixes: 100, isMore: false });
  });
});
