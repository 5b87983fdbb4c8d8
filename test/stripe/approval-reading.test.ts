import { describe, expect, it } from 'vitest';
import type { Subscribed } from '../../lib/stripe/port.ts';
import { approvalOf, withPayment } from '../../lib/stripe/readers/approvals.ts';
import { readInvoice } from '../../lib/stripe/readers/invoices.ts';
import { type Asked, invoiceFrom, PRICES, paged, stripeWith } from '../support/stripe-objects.ts';

/* Payments that their cardholder may have to approve. */

const intentFrom = (facts: object = {}) => ({
  id: 'pi_1',
  object: 'payment_intent',
  status: 'succeeded',
  last_payment_error: null,
  next_action: null,
  client_secret: 'pi_1_secret',
  ...facts,
});

const read = async (facts: object) =>
  approvalOf(await stripeWith({ 'payment_intents/pi_1': intentFrom(facts) }).paymentIntents.retrieve('pi_1'));

/** An approval without a next step and without a decline. */
const plain = (state: string, paymentIntentId = 'pi_1') => ({
  paymentIntentId,
  state,
  next: null,
  decline: null,
});

describe('a payment that may need its cardholder', () => {
  const ABSENT = { code: 'authentication_required', decline_code: 'authentication_required' };

  it.each([
    ['succeeded', null, 'succeeded'],
    ['canceled', null, 'canceled'],
    ['requires_confirmation', null, 'unconfirmed'],
    ['requires_payment_method', null, 'unconfirmed'],
    ['requires_payment_method', undefined, 'unconfirmed'],
    ['requires_payment_method', ABSENT, 'unconfirmed'],
    ['processing', null, 'processing'],
    ['requires_capture', null, 'processing'],
    ['newer_than_this_code', null, 'processing'],
    // The error of an earlier try stays when the payment goes on.
    ['succeeded', { code: 'card_declined' }, 'succeeded'],
    ['canceled', { code: 'card_declined' }, 'canceled'],
    ['requires_confirmation', { code: 'card_declined' }, 'unconfirmed'],
  ])('a payment at %s with the error %j is %s', async (status, last_payment_error, state) => {
    expect(await read({ status, last_payment_error })).toEqual(plain(state));
  });

  it.each([
    [
      { code: 'card_declined', decline_code: 'do_not_honor' },
      { code: 'card_declined', declineCode: 'do_not_honor' },
    ],
    [{ code: 'expired_card' }, { code: 'expired_card', declineCode: null }],
    [{ decline_code: 'lost_card' }, { code: 'card_declined', declineCode: 'lost_card' }],
    [{}, { code: 'card_declined', declineCode: null }],
  ])('a payment whose last try failed with %j is declined with %j', async (last_payment_error, decline) => {
    expect(await read({ status: 'requires_payment_method', last_payment_error })).toEqual({
      ...plain('failed'),
      decline,
    });
  });

  const SCRIPT = { kind: 'script', clientSecret: 'pi_1_secret' };
  const BANK = 'https://hooks.stripe.com/redirect/1';
  it.each([
    [{ next_action: { redirect_to_url: { url: BANK } } }, { kind: 'redirect', url: BANK }],
    [{ next_action: { redirect_to_url: { url: null } } }, SCRIPT],
    [{ next_action: { type: 'use_stripe_sdk' } }, SCRIPT],
    [{ next_action: null }, SCRIPT],
    [{ next_action: null, client_secret: null }, null],
  ])('a payment that waits with %j has the next step %j', async (facts, next) => {
    // A card may have been declined before the one that waits.
    const waiting = { status: 'requires_action', last_payment_error: { code: 'card_declined' } };
    expect(await read({ ...waiting, ...facts })).toEqual({ ...plain('waiting'), next });
  });

  it.each(['succeeded', 'canceled', 'processing', 'requires_confirmation'])(
    'a payment at %s has no next step, although it has a client secret',
    async (status) => {
      const next_action = { redirect_to_url: { url: BANK } };
      expect((await read({ status, next_action })).next).toBeNull();
    },
  );
});

describe('the payment of a first invoice', () => {
  const subscribedWith = async (invoice: object | null): Promise<Subscribed> => ({
    subscription: {
      id: 'sub_1',
      plan: 'pro',
      state: 'incomplete',
      cancelAtPeriodEnd: false,
      currentPeriodEnd: null,
      coveredUntil: null,
      collects: true,
      created: 7,
      endsAt: null,
      ownCard: null,
      isReplaced: false,
    },
    invoice:
      invoice === null ? null : await readInvoice(stripeWith({ 'invoices/in_1': invoice }), 'in_1', PRICES),
  });
  const payment = (payment_intent: unknown, facts: object = {}) => ({
    id: 'inpay_1',
    object: 'invoice_payment',
    is_default: true,
    payment: { type: 'payment_intent', payment_intent },
    ...facts,
  });
  /** What is read beside an unpaid invoice with these payments, and the requests for it. */
  const paymentAmong = async (...payments: readonly { readonly id: string }[]) => {
    const asked: Asked[] = [];
    const subscribed = await subscribedWith(invoiceFrom({ status: 'open' }));
    const answers = {
      invoice_payments: paged(...payments),
      'payment_intents/pi_2': intentFrom({ id: 'pi_2' }),
    };
    const ordered = await withPayment(stripeWith(answers, asked), subscribed);
    expect(ordered).toEqual({ ...subscribed, payment: ordered.payment });
    return { found: ordered.payment, asked };
  };

  it.each([
    ['without an invoice', null],
    ['with a paid invoice', invoiceFrom()],
  ])('an order %s has no payment, and none is read', async (_, invoice) => {
    const asked: Asked[] = [];
    const subscribed = await subscribedWith(invoice);
    expect(await withPayment(stripeWith({}, asked), subscribed)).toEqual({ ...subscribed, payment: null });
    expect(asked).toEqual([]);
  });

  it("the payment is read together with the invoice's list of payments", async () => {
    const { found, asked } = await paymentAmong(payment(intentFrom()));
    expect(found).toEqual(plain('succeeded'));
    expect(asked.map(({ path, query }) => [path, Object.fromEntries(query)])).toEqual([
      ['invoice_payments', { invoice: 'in_1', limit: '100', 'expand[0]': 'data.payment.payment_intent' }],
    ]);
  });

  it('the payment is read with another call if Stripe sent only its id', async () => {
    const { found, asked } = await paymentAmong(payment('pi_2'));
    expect(found).toEqual(plain('succeeded', 'pi_2'));
    expect(asked.map(({ path }) => path)).toEqual(['invoice_payments', 'payment_intents/pi_2']);
  });

  it('the payment is the default one of the invoice, wherever it is in the list', async () => {
    const other = payment(intentFrom({ id: 'pi_3' }), { id: 'inpay_2', is_default: false });
    expect((await paymentAmong(payment(intentFrom()), other)).found).toEqual(plain('succeeded'));
    expect((await paymentAmong(other, payment(intentFrom()))).found).toEqual(plain('succeeded'));
  });

  it.each([
    ['no payment', []],
    ['only a payment that is not the default', [payment('pi_2', { is_default: false })]],
    ['a payment outside Stripe', [payment(null)]],
    ['a payment by a charge alone', [payment(undefined)]],
  ])('an invoice with %s has no payment to approve', async (_, payments) => {
    const { found, asked } = await paymentAmong(...payments);
    expect(found).toBeNull();
    expect(asked.map(({ path }) => path)).toEqual(['invoice_payments']);
  });
});
