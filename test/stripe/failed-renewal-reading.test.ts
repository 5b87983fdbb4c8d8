import { describe, expect, it } from 'vitest';
import { readFailedRenewal } from '../../lib/stripe/readers/invoices.ts';
import {
  type Asked,
  forSubscription,
  invoiceFrom,
  lineFrom,
  list,
  PRICES,
  priced,
  stripeWith,
} from '../support/stripe-objects.ts';

/* A renewal that Stripe could not collect: which invoices count, the card that was tried, and the reason. */

describe('a failed renewal', () => {
  const OPEN = { status: 'open', amount_remaining: 700, attempt_count: 2 };
  const failed = (facts: Parameters<typeof invoiceFrom>[0]) =>
    readFailedRenewal(stripeWith({ 'invoices/in_1': invoiceFrom({ ...OPEN, ...facts }) }), 'in_1', PRICES);
  const isFailed = async (facts: Parameters<typeof invoiceFrom>[0]) => (await failed(facts)) !== null;
  const ofSubscription = (subscription: unknown) => ({ parent: { subscription_details: { subscription } } });

  it('an open invoice is a failed renewal, with the next attempt if there is one', async () => {
    expect(await failed({})).toEqual({
      id: 'in_1',
      number: 'RSOLV-0001',
      amountCents: 700,
      attempt: 2,
      nextAttemptAt: null,
      declineCode: null,
      cardKey: null,
    });
    expect(await failed({ next_payment_attempt: 60 })).toMatchObject({
      nextAttemptAt: '1970-01-01T00:01:00.000Z',
    });
    expect(await isFailed({ status: 'uncollectible' })).toBe(true);
    for (const status of ['paid', 'void', 'draft']) expect(await isFailed({ status })).toBe(false);
  });

  it.each(['subscription_update', 'subscription_threshold', 'manual', 'subscription', null])(
    'an invoice of a Pro subscription is a failed renewal under the billing reason %s',
    async (billing_reason) => {
      expect(await isFailed({ billing_reason })).toBe(true);
    },
  );

  it('the first invoice of a subscription is no failed renewal, even without the label of a first one', async () => {
    expect(await isFailed({ billing_reason: 'subscription_create' })).toBe(false);
    for (const [status, isLater] of [
      ['incomplete', false],
      ['incomplete_expired', false],
      ['past_due', true],
      ['active', true],
    ] as const) {
      const parent = ofSubscription({ id: 'sub_1', status });
      expect(await isFailed({ ...parent, billing_reason: 'subscription_update' })).toBe(isLater);
    }
  });

  it('an invoice without a line at a known price, or without a subscription, is no failed renewal', async () => {
    expect(await isFailed({ lines: [lineFrom({ pricing: priced('price_other', 'prod_other') })] })).toBe(
      false,
    );
    const unused = lineFrom({ amount: -500, parent: forSubscription({ proration: true }) });
    expect(await isFailed({ lines: [unused] })).toBe(false);
    for (const parent of [null, { subscription_details: null }]) {
      expect(await isFailed({ parent, billing_reason: 'manual' })).toBe(false);
    }
    expect(await isFailed(ofSubscription(null))).toBe(false);
  });
});

describe('the card of a failed renewal', () => {
  const triedWith = async (...intents: readonly unknown[]) => {
    const asked: Asked[] = [];
    const payments = list(...intents.map((intent) => ({ payment: { payment_intent: intent } })));
    const invoice = invoiceFrom({ status: 'open', payments });
    const failed = await readFailedRenewal(stripeWith({ 'invoices/in_1': invoice }, asked), 'in_1', PRICES);
    const [{ query } = { query: new URLSearchParams() }] = asked;
    expect([query.get('expand[0]'), query.get('expand[1]')]).toEqual([
      'payments.data.payment.payment_intent',
      'parent.subscription_details.subscription',
    ]);
    return failed?.cardKey;
  };
  const declined = (payment_method: object | undefined) => ({ last_payment_error: { payment_method } });

  it('the card is the one of the last declined try, by its fingerprint', async () => {
    const first = declined({ id: 'pm_1', card: { fingerprint: 'fp_1' } });
    expect(await triedWith(first)).toBe('fp_1');
    expect(await triedWith(first, declined({ id: 'pm_2', card: { fingerprint: 'fp_2' } }))).toBe('fp_2');
  });

  it('a card without a fingerprint, and a method that is no card, count by their ids', async () => {
    expect(await triedWith(declined({ id: 'pm_1', card: {} }))).toBe('pm_1');
    expect(await triedWith(declined({ id: 'pm_1' }))).toBe('pm_1');
  });

  it('the card is unknown while no try was declined', async () => {
    for (const intent of [null, 'pi_1', {}, { last_payment_error: null }, declined(undefined)]) {
      expect(await triedWith(intent)).toBeNull();
    }
    const known = declined({ id: 'pm_1', card: { fingerprint: 'fp_1' } });
    expect(await triedWith(known, 'pi_2')).toBe('fp_1');
  });
});

describe('the reason of a failed renewal', () => {
  /** Stripe may list the tries in any order. */
  const failedAfter = async (...errors: readonly unknown[]) => {
    const tries = errors.map((last_payment_error, created) => ({
      payment: { payment_intent: { last_payment_error, created } },
    }));
    const read = async (listed: typeof tries) => {
      const invoice = invoiceFrom({ status: 'open', payments: list(...listed) });
      const failed = await readFailedRenewal(stripeWith({ 'invoices/in_1': invoice }), 'in_1', PRICES);
      return [failed?.declineCode, failed?.cardKey];
    };
    const found = await read(tries);
    expect(await read(tries.toReversed())).toEqual(found);
    return found;
  };
  const ERROR = { code: 'card_declined', decline_code: 'do_not_honor', payment_method: { id: 'pm_1' } };

  it.each([
    ["the bank's code", [ERROR], ['do_not_honor', 'pm_1']],
    [
      "the error's code without one of the bank",
      [{ ...ERROR, decline_code: null }],
      ['card_declined', 'pm_1'],
    ],
    ['none if Stripe names none', [{ payment_method: { id: 'pm_1' } }], [null, 'pm_1']],
    ['that of the last try', [ERROR, { ...ERROR, decline_code: 'lost_card' }], ['lost_card', 'pm_1']],
    ['that of the last try with a card', [ERROR, { code: 'api_error' }, null], ['do_not_honor', 'pm_1']],
    ['that of the last error if no error names a card', [{ code: 'a' }, { code: 'b' }, null], ['b', null]],
    ['none without a failed try', [null], [null, null]],
    ['none without any try', [], [null, null]],
  ])('the reason of a failed renewal is %s', async (_, errors, expected) => {
    expect(await failedAfter(...errors)).toEqual(expected);
  });
});
