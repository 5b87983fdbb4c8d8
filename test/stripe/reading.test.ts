import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import type { KnownPrice } from '../../lib/domain/plans.ts';
import { SUBSCRIPTION_STATES } from '../../lib/domain/subscription.ts';
import {
  isAbout,
  isOurVersion,
  moneyOf,
  objectIdOf,
  parseEvent,
  type StripeEvent,
  subjectOf,
} from '../../lib/stripe/event.ts';
import { HANDLED_EVENT_TYPES, isHandled } from '../../lib/stripe/event-types.ts';
import { isFault, NOT_A_CARD, StripeFault } from '../../lib/stripe/fault.ts';
import type { PriceBook } from '../../lib/stripe/prices.ts';
import { proSubscriptionOf } from '../../lib/stripe/readers/account.ts';
import { fixMetadata, fixPaymentOf, fixReferenceOf } from '../../lib/stripe/readers/payments.ts';
import { idOf } from '../../lib/stripe/reference.ts';
import { openStripe } from '../../lib/stripe/sdk.ts';
import { translateError } from '../../lib/stripe/translate-error.ts';

/*
 * What is read from Stripe's answers and events, and what is ignored. The answers pass through the SDK, so
 * they have its types.
 */

/** The SDK with one answer for every request. */
function answering(body: unknown, status = 200, headers: Record<string, string> = {}): Stripe {
  return openStripe(
    { secretKey: 'sk_test_1', apiBase: null },
    {
      maxNetworkRetries: 0,
      sleep: async () => {},
      httpClient: {
        getClientName: () => 'one answer',
        makeRequest: async () => ({
          getStatusCode: () => status,
          getHeaders: () => ({ 'content-type': 'application/json', 'request-id': 'req_1', ...headers }),
          getRawResponse: () => body,
          toStream: () => {
            throw new Error('nothing is streamed here');
          },
          toJSON: async () => body,
        }),
      },
    },
  );
}

const event = (facts: Record<string, unknown> = {}): StripeEvent => {
  const parsed = parseEvent({ ...EVENT, ...facts });
  if (parsed === null) throw new Error('no event');
  return parsed;
};
const EVENT = {
  id: 'evt_1A',
  object: 'event',
  type: 'invoice.paid',
  created: 1_767_225_600,
  livemode: false,
  api_version: '2026-10-28.endive',
  data: { object: { id: 'in_1', customer: 'cus_1' } },
};
const about = (type: string, object: unknown, more: object = {}) =>
  subjectOf(event({ type, data: { object, ...more } }));

describe('what is an event', () => {
  it('an event has all fields of an event', () => {
    expect(parseEvent(EVENT)).toEqual(EVENT);
    expect(parseEvent({ ...EVENT, api_version: null })?.api_version).toBeNull();
    expect(parseEvent({ ...EVENT, data: { object: null } })?.data).toEqual({ object: null });
  });

  it.each<[string, object]>([
    ['with an id of something else', { id: 'in_1' }],
    ['with an id that goes on after it', { id: 'evt_1 ' }],
    ['with something before its id', { id: ' evt_1' }],
    ['with an id that is too long', { id: `evt_${'x'.repeat(251)}` }],
    ['that is another object', { object: 'invoice' }],
    ['with blanks in its type', { type: 'invoice paid' }],
    ['with a type that is too long', { type: 'x'.repeat(201) }],
    ['from before time', { created: -1 }],
    ['from after the year 9999', { created: 253_402_300_800 }],
    ['at no whole second', { created: 1.5 }],
    ['that does not say whether it is live', { livemode: undefined }],
    ['about nothing', { data: null }],
    ['that does not say about what', { data: {} }],
  ])('a value %s is no event', (_name, facts) => {
    expect(parseEvent({ ...EVENT, ...facts })).toBeNull();
  });

  it('an event has our API version if it names one, and only at the end', () => {
    const of = (version: string | null | undefined) => isOurVersion(event({ api_version: version }));
    expect(of('2026-10-28.endive')).toBe(true);
    expect(of('2026-10-28.endivex')).toBe(false);
    expect(of('2026-10-28.xendive')).toBe(false);
    expect(of('2026-10-28xendive')).toBe(false);
    expect(of(null)).toBe(false);
    expect(of(undefined)).toBe(false);
  });
});

describe('what an event is about', () => {
  it.each<[string, unknown, object]>([
    [
      'invoice.paid',
      { id: 'in_1', customer: 'cus_1' },
      { kind: 'invoice', invoiceId: 'in_1', stripeCustomerId: 'cus_1' },
    ],
    ...['finalized', 'updated', 'voided', 'marked_uncollectible'].map((what): [string, unknown, object] => [
      `invoice.${what}`,
      { id: 'in_1', customer: 'cus_1' },
      { kind: 'invoice', invoiceId: 'in_1', stripeCustomerId: 'cus_1' },
    ]),
    ...['created', 'updated', 'voided'].map((what): [string, unknown, object] => [
      `credit_note.${what}`,
      { id: 'cn_1', invoice: 'in_1', customer: 'cus_1' },
      { kind: 'invoice', invoiceId: 'in_1', stripeCustomerId: 'cus_1' },
    ]),
    [
      'invoice.payment_failed',
      { id: 'in_1', customer: { id: 'cus_1' } },
      {
        kind: 'failed_invoice',
        invoiceId: 'in_1',
        stripeCustomerId: 'cus_1',
        failedAt: '2026-01-01T00:00:00.000Z',
      },
    ],
    ...['created', 'updated', 'deleted', 'paused', 'resumed'].map((what): [string, unknown, object] => [
      `customer.subscription.${what}`,
      { id: 'sub_1', customer: 'cus_1' },
      { kind: 'account', stripeCustomerId: 'cus_1' },
    ]),
    ['customer.deleted', { id: 'cus_1' }, { kind: 'account', stripeCustomerId: 'cus_1' }],
    ...['succeeded', 'payment_failed'].map((what): [string, unknown, object] => [
      `payment_intent.${what}`,
      { id: 'pi_1', customer: null },
      { kind: 'payment', paymentIntentId: 'pi_1', stripeCustomerId: null },
    ]),
    ['charge.refunded', { id: 'ch_1', customer: 'cus_1' }, { kind: 'returned_money', chargeId: 'ch_1' }],
    ...[
      ...['created', 'updated', 'failed'].map((what) => `refund.${what}`),
      ...['created', 'updated', 'funds_withdrawn', 'funds_reinstated', 'closed'].map(
        (what) => `charge.dispute.${what}`,
      ),
    ].map((type): [string, unknown, object] => [
      type,
      { id: 're_1', charge: 'ch_1' },
      { kind: 'returned_money', chargeId: 'ch_1' },
    ]),
    [
      'payment_method.detached',
      { id: 'pm_1', customer: 'cus_1' },
      { kind: 'detached_card', paymentMethodId: 'pm_1', stripeCustomerId: 'cus_1' },
    ],
    [
      'checkout.session.completed',
      { id: 'cs_1', customer: 'cus_1' },
      { kind: 'card_session', stripeCustomerId: 'cus_1' },
    ],
    ['setup_intent.succeeded', { id: 'seti_1' }, { kind: 'card_session', stripeCustomerId: null }],
  ])('the event %s names the object to read at Stripe', (type, object, subject) => {
    expect(about(type, object)).toEqual(subject);
  });

  it('every handled type of event names an object', () => {
    for (const type of HANDLED_EVENT_TYPES) {
      expect(about(type, { id: 'x_1', customer: 'cus_1', charge: 'ch_1', invoice: 'in_1' }).kind).not.toBe(
        'nothing',
      );
    }
    expect(about('customer.created', { id: 'cus_1' })).toEqual({ kind: 'nothing' });
    expect(HANDLED_EVENT_TYPES).toContain('invoice.paid');
    expect(['invoice.paid', 'customer.created'].map(isHandled)).toEqual([true, false]);
  });

  it('a detached card names its customer in the change, if that is still there', () => {
    const detached = (previous: unknown) =>
      about('payment_method.detached', { id: 'pm_1', customer: null }, { previous_attributes: previous });
    const card = { kind: 'detached_card', paymentMethodId: 'pm_1' };
    expect(detached({ customer: 'cus_1' })).toEqual({ ...card, stripeCustomerId: 'cus_1' });
    expect(detached({})).toEqual({ ...card, stripeCustomerId: null });
    expect(detached(undefined)).toEqual({ ...card, stripeCustomerId: null });
    expect(detached({ customer: 7 })).toEqual({ ...card, stripeCustomerId: null });
  });

  it.each([
    ['invoice.paid', { id: 'in_1' }],
    ['invoice.payment_failed', { id: 'in_1', customer: null }],
    ['customer.subscription.updated', { id: 'sub_1' }],
    ['refund.updated', { id: 're_1', charge: null }],
    ['invoice.paid', { id: 'in 1', customer: 'cus_1' }],
    ['invoice.paid', { id: ' in_1', customer: 'cus_1' }],
    ['invoice.paid', { id: `in_${'1'.repeat(253)}`, customer: 'cus_1' }],
    ['invoice.paid', { id: '', customer: 'cus_1' }],
    ['invoice.paid', { id: 'in_1', customer: {} }],
    ['invoice.paid', null],
  ])('the event %s of %j has an unknown shape', (type, object) => {
    expect(about(type, object)).toEqual({ kind: 'unreadable' });
  });

  it('an event names its object for the record, if it has a name', () => {
    expect(objectIdOf(event())).toBe('in_1');
    expect(objectIdOf(event({ data: { object: {} } }))).toBeNull();
  });

  it.each([
    ['invoice.paid', { object: 'invoice', total: 59_900, amount_paid: 0, currency: 'usd' }, 59_900],
    ['payment_intent.succeeded', { object: 'payment_intent', amount: 2_900, currency: 'usd' }, 2_900],
    ['charge.refunded', { object: 'charge', amount: 2_900, amount_refunded: 100, currency: 'usd' }, 100],
    ['charge.updated', { object: 'charge', amount: 2_900, amount_refunded: 100, currency: 'usd' }, 2_900],
    ['refund.failed', { object: 'refund', amount: 2_900, currency: 'eur' }, 2_900],
    ['charge.dispute.created', { object: 'dispute', amount: 59_900, currency: 'usd' }, 59_900],
    ['credit_note.created', { object: 'credit_note', amount: 0, currency: 'usd' }, 0],
  ])('an event has the amount and the currency of its object: %s', (type, object, amount) => {
    expect(moneyOf(event({ type, data: { object } }))).toEqual({ amount, currency: object.currency });
  });

  it.each([
    { object: 'subscription', currency: 'usd' },
    { object: 'invoice', total: '59900', currency: 'usd' },
    { object: 'invoice', total: 59_900 },
    { object: 'invoice', total: 59_900, currency: 'not one' },
    { id: 'pm_1' },
    null,
  ])('an event has no amount if its object has none: %j', (object) => {
    expect(moneyOf(event({ data: { object } }))).toEqual({ amount: null, currency: null });
  });

  it("an event belongs to a customer if its object is the customer, or the customer's", () => {
    const isTheirs = (object: unknown) => isAbout(event({ data: { object } }), 'cus_1');
    expect(isTheirs({ id: 'cus_1' })).toBe(true);
    expect(isTheirs({ id: 'in_1', customer: { id: 'cus_1' } })).toBe(true);
    expect(isTheirs({ id: 'in_1', customer: 'cus_2' })).toBe(false);
    expect(isTheirs({ id: 'in_1' })).toBe(false);
    expect(isTheirs(null)).toBe(false);
  });
});

describe('a payment for a fix', () => {
  const reference = { customerId: 'c1', fixAttemptId: 'f1', attempt: 2 };
  const INTENT = {
    id: 'pi_1',
    object: 'payment_intent',
    status: 'succeeded',
    amount: 2_900,
    amount_received: 2_800,
    customer: 'cus_1',
    metadata: fixMetadata(reference),
    last_payment_error: null,
    client_secret: 'pi_1_secret',
  };
  const read = async (facts: object = {}) =>
    fixPaymentOf(await answering({ ...INTENT, ...facts }).paymentIntents.retrieve('pi_1'));

  it('a payment for a fix names customer, fix and attempt in its metadata, and is recognised only by that', () => {
    const metadata = { purpose: 'fix', customer_id: 'c1', fix_attempt_id: 'f1', attempt: '2' };
    expect(fixMetadata(reference)).toEqual(metadata);
    expect(fixReferenceOf(metadata)).toEqual(reference);
    expect(fixReferenceOf({ ...metadata, attempt: '10' })?.attempt).toBe(10);
    for (const name of Object.keys(metadata)) {
      const others = Object.entries(metadata).filter(([one]) => one !== name);
      expect(fixReferenceOf(Object.fromEntries(others)), name).toBeNull();
    }
    for (const attempt of ['', '0', '01', 'x1', '1x', '-1', '1.5', '1234567890']) {
      expect(fixReferenceOf({ ...metadata, attempt }), attempt).toBeNull();
    }
    expect(fixReferenceOf({ ...metadata, purpose: 'other' })).toBeNull();
    expect(fixReferenceOf(null)).toBeNull();
  });

  it('a succeeded payment has the received amount', async () => {
    expect(await read()).toEqual({
      ...reference,
      paymentIntentId: 'pi_1',
      stripeCustomerId: 'cus_1',
      state: 'succeeded',
      amountCents: 2_800,
      decline: null,
      clientSecret: 'pi_1_secret',
    });
  });

  it('a payment that was not made for a fix is none', async () => {
    expect(await read({ metadata: {} })).toBeNull();
  });

  it('a declined payment has the reason', async () => {
    const declined = { status: 'requires_payment_method' };
    expect(
      await read({ ...declined, last_payment_error: { code: 'expired_card', decline_code: 'expired_card' } }),
    ).toMatchObject({
      state: 'declined',
      amountCents: 2_900,
      decline: { code: 'expired_card', declineCode: 'expired_card' },
    });
    expect(await read({ ...declined, last_payment_error: {} })).toMatchObject({
      decline: { code: 'card_declined', declineCode: null },
    });
    expect(await read({ ...declined, customer: null })).toMatchObject({
      state: 'declined',
      stripeCustomerId: null,
      decline: null,
    });
  });

  it.each([
    ['canceled', null, 'canceled'],
    ['processing', null, 'processing'],
    ['requires_action', null, 'action_required'],
    ['requires_payment_method', { code: 'authentication_required' }, 'action_required'],
    ['requires_payment_method', { code: 'card_declined' }, 'declined'],
    ['requires_payment_method', null, 'declined'],
    ['requires_capture', null, 'declined'],
    ['requires_confirmation', null, 'declined'],
    ['something_newer_than_we_are', null, 'processing'],
  ])('a payment at %s, with %j, is %s', async (status, error, state) => {
    expect(await read({ status, last_payment_error: error })).toMatchObject({ state });
  });
});

describe('a reference', () => {
  it('a reference is an id, or an object that has one, or nothing', () => {
    expect(['x', { id: 'x' }, null, undefined].map(idOf)).toEqual(['x', 'x', null, null]);
  });
});

const PRO: KnownPrice = { id: 'price_pro', plan: 'pro', credits: 60, unitCents: 59_900 };
/** A price book with one price. */
const PRICES: PriceBook = {
  soldPrice: async () => PRO,
  learn: () => {},
  find: async (id) => (id === PRO.id ? { kind: 'known', price: PRO } : { kind: 'foreign' }),
};

describe('a subscription', () => {
  const SUBSCRIPTION = {
    id: 'sub_1',
    object: 'subscription',
    status: 'active',
    cancel_at_period_end: false,
    cancel_at: null,
    collection_method: 'charge_automatically',
    pause_collection: null,
    default_payment_method: null,
    ended_at: null,
    created: 7,
    items: {
      data: [{ price: { id: 'price_other' } }, { price: { id: 'price_pro' }, current_period_end: 60 }],
    },
  };
  const read = async (facts: object = {}) =>
    proSubscriptionOf(await answering({ ...SUBSCRIPTION, ...facts }).subscriptions.retrieve('sub_1'), PRICES);

  it('a subscription to Pro is read with the end of its own period', async () => {
    expect(await read()).toEqual({
      id: 'sub_1',
      plan: 'pro',
      state: 'active',
      cancelAtPeriodEnd: false,
      currentPeriodEnd: '1970-01-01T00:01:00.000Z',
      coveredUntil: null,
      collects: true,
      created: 7,
      endsAt: null,
      ownCard: null,
      isReplaced: false,
    });
  });

  it('a subscription that we ended for a new one carries our comment', async () => {
    const replaced = async (cancellation_details: object | null) =>
      (await read({ cancellation_details }))?.isReplaced;
    expect(await replaced({ comment: 'Replaced by a new subscription' })).toBe(true);
    for (const other of [null, { comment: null }, { comment: 'Too expensive' }]) {
      expect(await replaced(other)).toBe(false);
    }
  });

  it('a subscription to another product is none', async () => {
    expect(await read({ items: { data: [{ price: { id: 'price_other' } }] } })).toBeNull();
  });

  it('a subscription set to end in any way ends with its period, unless it is over', async () => {
    const ends = async (facts: object) => (await read(facts))?.cancelAtPeriodEnd;
    expect(await ends({ cancel_at_period_end: true })).toBe(true);
    expect(await read({ cancel_at_period_end: true })).toMatchObject({ endsAt: 60 });
    expect(await ends({ cancel_at: 60 })).toBe(true);
    expect(await ends({ cancel_at: 60, status: 'canceled' })).toBe(false);
    expect(await ends({ cancel_at_period_end: true, status: 'incomplete_expired' })).toBe(false);
  });

  it('a date after the end of the period is no cancellation at period end', async () => {
    expect(await read({ cancel_at: 61 })).toMatchObject({ cancelAtPeriodEnd: false, endsAt: 61 });
    expect(await read({ cancel_at: 60 })).toMatchObject({ cancelAtPeriodEnd: true, endsAt: 60 });
    const flagged = await read({ cancel_at: 61, cancel_at_period_end: true });
    expect(flagged).toMatchObject({ cancelAtPeriodEnd: true, endsAt: 60 });
  });

  it('after an immediate cancellation the current period ends with the subscription', async () => {
    const ended = await read({ status: 'canceled', ended_at: 20 });
    expect(ended?.currentPeriodEnd).toBe('1970-01-01T00:00:20.000Z');
  });

  it('a subscription whose collection is paused, or that is paid by hand, does not collect', async () => {
    expect(await read({ pause_collection: { behavior: 'void' } })).toMatchObject({ collects: false });
    expect(await read({ collection_method: 'send_invoice' })).toMatchObject({ collects: false });
  });

  it("a subscription's own card is read, also one of the older kind", async () => {
    expect(await read({ default_payment_method: 'pm_own' })).toMatchObject({ ownCard: 'pm_own' });
    expect(await read({ default_source: { id: 'card_own' } })).toMatchObject({ ownCard: 'card_own' });
  });

  it("a subscription has one of Stripe's states, and an unknown newer state needs a person", async () => {
    for (const status of SUBSCRIPTION_STATES) expect((await read({ status }))?.state).toBe(status);
    const newer = read({ status: 'newer' });
    await expect(newer).rejects.toMatchObject({
      kind: 'misconfigured',
      facts: { code: 'unknown_subscription_status' },
    });
  });
});

describe('what went wrong', () => {
  const failed = async (status: number, error: object, headers: Record<string, string> = {}) => {
    const stripe = answering({ error }, status, headers);
    const caught: unknown = await stripe.balance.retrieve().catch((reason: unknown) => reason);
    return translateError(caught);
  };

  it.each<[string, number, object, string]>([
    ['a card that was refused', 402, { type: 'card_error', code: 'card_declined' }, 'declined'],
    [
      'a bank that wants the cardholder',
      402,
      { type: 'card_error', code: 'authentication_required' },
      'authentication_required',
    ],
    [
      'a bank that says so in its own code',
      402,
      { type: 'card_error', code: 'card_declined', decline_code: 'authentication_required' },
      'authentication_required',
    ],
    ['too many calls', 429, { type: 'invalid_request_error' }, 'transient'],
    ['a fault of Stripe’s', 500, { type: 'api_error' }, 'indeterminate'],
    ['a key that made another call', 400, { type: 'idempotency_error' }, 'indeterminate'],
    [
      'a customer who is not there',
      404,
      { type: 'invalid_request_error', code: 'resource_missing', param: 'customer' },
      'refused',
    ],
    [
      'something that is not there',
      404,
      { type: 'invalid_request_error', code: 'resource_missing' },
      'refused',
    ],
    [
      'our price, which is not there',
      404,
      { type: 'invalid_request_error', code: 'resource_missing', param: 'items[0][price]' },
      'misconfigured',
    ],
    [
      'a method of somebody else’s',
      400,
      { type: 'invalid_request_error', param: 'payment_method' },
      'refused',
    ],
    ['a customer who cannot be used', 400, { type: 'invalid_request_error', param: 'customer' }, 'refused'],
    [
      'a payment that is over',
      400,
      { type: 'invalid_request_error', code: 'payment_intent_unexpected_state' },
      'refused',
    ],
    [
      'a charge that went back',
      400,
      { type: 'invalid_request_error', code: 'charge_already_refunded' },
      'refused',
    ],
    ['a call that makes no sense', 400, { type: 'invalid_request_error', param: 'amount' }, 'misconfigured'],
    ['nothing in particular', 400, { type: 'invalid_request_error' }, 'misconfigured'],
    ['a key that is not good', 401, { type: 'invalid_request_error' }, 'misconfigured'],
    ['a key that may not', 403, { type: 'invalid_request_error' }, 'misconfigured'],
    [
      'a key that may not look at customers',
      403,
      { type: 'invalid_request_error', param: 'customer' },
      'misconfigured',
    ],
  ])('the error of %s is recognised', async (_name, status, error, kind) => {
    const fault = await failed(status, error);
    expect(fault.kind).toBe(kind);
    expect(fault.facts).toMatchObject({ answered: true, replayed: false, requestId: 'req_1' });
  });

  it("a fault has Stripe's own codes, or none if there are none", async () => {
    const error = { type: 'card_error', code: 'card_declined', decline_code: 'expired_card', param: 'p' };
    expect((await failed(402, error)).facts).toMatchObject({
      code: 'card_declined',
      declineCode: 'expired_card',
      param: 'p',
    });
    expect((await failed(402, { type: 'card_error' })).facts.declineCode).toBeUndefined();
  });

  it('a replayed response is recognised', async () => {
    const again = await failed(500, { type: 'api_error' }, { 'idempotent-replayed': 'true' });
    expect(again.facts).toMatchObject({ answered: true, replayed: true });
    const other = await failed(500, { type: 'api_error' }, { 'idempotent-replayed': 'false' });
    expect(other.facts.replayed).toBe(false);
  });

  it('a cut connection is no response: the outcome of the call is unknown', () => {
    const fault = translateError(
      new Stripe.errors.StripeConnectionError({ message: 'cut', type: 'api_error' }),
    );
    expect(fault).toMatchObject({ kind: 'indeterminate', facts: { answered: false, replayed: false } });
  });

  it("an error is rethrown if it is translated already, or is none of Stripe's", () => {
    const fault = new StripeFault('refused');
    expect(translateError(fault)).toBe(fault);
    const other = new TypeError('not Stripe’s');
    expect(() => translateError(other)).toThrow(other);
  });

  it('a fault is logged by its kind and codes', () => {
    const fault = new StripeFault('refused', {
      code: 'resource_missing',
      param: 'customer',
      requestId: 'req_1',
    });
    expect(fault.message).toBe('Stripe: refused, resource_missing, param customer, request req_1');
    expect(new StripeFault('refused', { code: NOT_A_CARD }).message).toBe('Stripe: refused, not_a_card');
    expect(new StripeFault('transient').message).toBe('Stripe: transient');
    expect(fault.name).toBe('StripeFault');
  });

  it('a fault is matched by kind', () => {
    expect(isFault(new StripeFault('refused'), 'declined', 'refused')).toBe(true);
    expect(isFault(new StripeFault('refused'), 'declined')).toBe(false);
    expect(isFault({ kind: 'refused' }, 'refused')).toBe(false);
  });
});
