import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { isFault, NOT_A_CARD, StripeFault } from '../../lib/stripe/fault.ts';
import { openStripe } from '../../lib/stripe/sdk.ts';
import { translateError } from '../../lib/stripe/translate-error.ts';

/* Which kind of fault an error of the SDK is. The error answers pass through the SDK, so they have its types. */

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
