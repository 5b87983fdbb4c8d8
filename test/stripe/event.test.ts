import { describe, expect, it } from 'vitest';
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
import { idOf } from '../../lib/stripe/reference.ts';

/* What is an event of Stripe's, which object it is about, and what is ignored. */

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
      'refund.created',
      { id: 're_1', charge: 'ch_1', payment_intent: 'pi_1' },
      { kind: 'returned_money', chargeId: 'ch_1' },
    ],
    [
      'refund.created',
      { id: 're_1', charge: null, payment_intent: null },
      { kind: 'returned_money', chargeId: null },
    ],
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
    ['refund.updated', { id: 're_1', charge: null, payment_intent: 'pi_1' }],
    ['refund.updated', { id: 're_1', charge: null }],
    ['refund.updated', { id: 're_1', payment_intent: null }],
    ['charge.dispute.created', { id: 'du_1', charge: null, payment_intent: null }],
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

describe('a reference', () => {
  it('a reference is an id, or an object that has one, or nothing', () => {
    expect(['x', { id: 'x' }, null, undefined].map(idOf)).toEqual(['x', 'x', null, null]);
  });
});
