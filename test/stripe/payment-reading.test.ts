import { describe, expect, it } from 'vitest';
import { fixMetadata, fixPaymentOf, fixReferenceOf } from '../../lib/stripe/readers/payments.ts';
import { stripeWith } from '../support/stripe-objects.ts';

/* Payments for fixes, as they are read from Stripe's answers. */

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
    fixPaymentOf(
      await stripeWith({ 'payment_intents/pi_1': { ...INTENT, ...facts } }).paymentIntents.retrieve('pi_1'),
    );

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
