import { describe, expect, it } from 'vitest';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import type { FixAttempt, FixCharge } from '../../lib/domain/fix-attempt.ts';
import { type CardTries, NO_TRIES } from '../../lib/domain/payments/card-tries.ts';
import { cardRefusal } from '../../lib/domain/payments/charge-obstacles.ts';
import {
  addedCents,
  exposureOf,
  type MergeCost,
  mergeCost,
  nextObstacles,
} from '../../lib/domain/payments/exposure.ts';
import { chargeOf, fixOf, headWith, NOTHING_SPENT, onPlan } from '../support/heads.ts';

const AT = new Date('2026-01-20T12:00:00.000Z');
const CARD = { paymentMethodId: 'pm_1', stripeCustomerId: 'cus_1', cardKey: 'fp_1' };
const DECLINED: CardTries = { ...NO_TRIES, declines: [AT.toISOString()], lastCode: 'do_not_honor' };
const BILLED = {
  outcome: 'credit_consumed',
  amountCents: 0,
  billedAt: AT.toISOString(),
  seq: 2,
  paymentIntentId: null,
  spendingMonth: null,
} as const;

const basisOf = (facts: Partial<CustomerHead>, tries: CardTries = NO_TRIES) => ({
  head: headWith(facts),
  cards: { fp_1: tries },
  spending: NOTHING_SPENT,
  at: AT,
});

/** A payment that waits for its cardholder's confirmation. */
const asked = (facts: Partial<FixCharge> = {}): Partial<FixAttempt> => ({
  charge: chargeOf({ state: 'action_required', ...facts }),
});
const blocked = (reason: 'no_billing_info' | 'spending_limit_reached' | 'card_declined'): MergeCost => ({
  kind: 'blocked',
  amountCents: 0,
  reason,
});

describe('what merging one fix costs', () => {
  it.each<[string, Partial<CustomerHead>, Partial<FixAttempt>, MergeCost | null]>([
    ['that is billed', CARD, { billed: BILLED }, null],
    ['with the last credit', { ...CARD, balance: 1 }, {}, { kind: 'credit', amountCents: 0, left: 1 }],
    ['without credits and without a card', {}, {}, blocked('no_billing_info')],
    ['at the Pro rate', { ...CARD, ...onPlan('pro') }, {}, { kind: 'charge', amountCents: 1_500 }],
    [
      'whose payment of an earlier price waits for approval',
      { ...CARD, spendingLimitCents: 0 },
      asked({ amountCents: 1_500 }),
      { kind: 'charge', amountCents: 1_500 },
    ],
    [
      'whose payment waits for the approval of another card',
      CARD,
      asked({ amountCents: 1_500, paymentMethodId: 'pm_before' }),
      { kind: 'charge', amountCents: 2_900 },
    ],
    [
      'whose charge was declined, beyond the limit',
      { ...CARD, spendingLimitCents: 2_899 },
      { charge: chargeOf({ state: 'declined' }) },
      blocked('spending_limit_reached'),
    ],
  ])('merging a fix %s costs exactly what billing takes', (_, facts, fix, cost) => {
    expect(mergeCost(basisOf(facts), fixOf(fix))).toEqual(cost);
  });

  it('merging does not skip the wait after a decline', () => {
    expect(mergeCost(basisOf(CARD, DECLINED), fixOf())).toEqual(blocked('card_declined'));
    expect(nextObstacles(basisOf(CARD, DECLINED))).toEqual(['card_declined']);
  });
});

describe('what a charge adds to its month', () => {
  const other = { paymentMethodId: 'pm_before' };

  it.each<[string, Partial<FixAttempt>, number]>([
    ['without a charge', {}, 2_900],
    ['whose payment waits for approval on the same card', asked(), 0],
    ['whose payment waited in another month', asked({ spendingMonth: '2025-12' }), 0],
    ['whose charge on the same card was declined', { charge: chargeOf({ state: 'declined' }) }, 2_900],
    ['whose charge on the same card was closed', { charge: chargeOf({ state: 'closed' }) }, 2_900],
    ['that reserved its amount for another card', asked(other), 0],
    ['that reserved less for another card', asked({ ...other, amountCents: 1_500 }), 1_400],
    ['that reserved more for another card', asked({ ...other, amountCents: 4_000 }), 0],
    ['that reserved in another month for another card', asked({ ...other, spendingMonth: '2025-12' }), 2_900],
    ['of an earlier release, with another card', asked({ ...other, spendingMonth: null }), 2_900],
  ])('charging a fix %s adds the price less what the fix has reserved', (_, fix, cents) => {
    expect(addedCents(basisOf(CARD), fixOf(fix))).toBe(cents);
  });
});

describe('what merging all fixes costs', () => {
  it.each([
    [5, 2, 0, 2],
    [2, 2, 0, 2],
    [1, 3, 5_800, 1],
    [0, 3, 8_700, 0],
  ])(
    'with %i credits, %i fixes cost %i cents and %i credits',
    (balance, fixes, costCents, coveredByCredits) => {
      expect(exposureOf(basisOf({ ...CARD, balance, spendingLimitCents: null }), fixes)).toEqual({
        ...{ fixes, isMore: false, coveredByCredits, fixPriceCents: 2_900, costCents },
        ...{ roomCents: null, beyondLimit: 0, reasons: [] },
      });
    },
  );
});

describe('the refusal of a card', () => {
  it.each([
    ['the declined card', CARD, { retryAt: new Date('2026-01-20T13:00:00.000Z') }],
    ['another card', { ...CARD, cardKey: 'fp_2' }, null],
    ['no payment method', { ...CARD, paymentMethodId: null }, null],
    ['a payment method without a key', { ...CARD, cardKey: null }, null],
  ])('after a decline, %s on file is refused until %o', (_, card, refusal) => {
    // Without a key there is no record to read, also none under the text "null".
    const request = { cards: { fp_1: DECLINED, null: DECLINED }, at: AT, byPerson: false };
    expect(cardRefusal(card, request)).toEqual(refusal);
  });
});
