import { BillingError } from '../lib/errors.ts';
import { stripeWebhookContract } from '../lib/http/contracts/payments.ts';
import { type SignedRequest, signedEndpoint } from '../lib/http/endpoint.ts';
import { applyEvent } from '../lib/operations/events/apply-event.ts';
import type { Deps } from '../lib/runtime/deps.ts';
import { type BusinessMetric, countBusiness, logger } from '../lib/runtime/observe.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { readParameter } from '../lib/settings/parameters.ts';
import { isLiveStage, parseWebhookSecrets } from '../lib/settings/stripe.ts';
import { parseEvent, type StripeEvent } from '../lib/stripe/event.ts';

/** POST /api/webhooks/stripe */
export const handler = signedEndpoint(stripeWebhookContract, async (deps, request) => {
  // Whoever brings no signature is not Stripe, nor somebody who would be: what scans the internet is nothing to wake people for.
  const refused = request.signature === undefined ? thrown : counted('SignatureRefused');
  const event = await signedEvent(deps, request).catch(refused);
  const { outcome, reason, customerId } = await applyEvent(paymentDeps(deps), event).catch(
    counted('EventFailed'),
  );
  countBusiness(METRICS[outcome]);
  const payment = outcome === 'processed' ? PAYMENTS.get(event.type) : undefined;
  if (payment !== undefined) countBusiness(payment);
  const line = { event_id: event.id, type: event.type, outcome, reason, customer_id: customerId };
  if (outcome === 'parked') logger.warn('event', line);
  else logger.info('event', line);
  return { status: 200, body: { received: true, outcome } };
});

/**
 * @throws BillingError invalid_signature, malformed_json, wrong_mode, invalid_request; Error where the secrets cannot be read, or
 * are none
 */
async function signedEvent(deps: Deps, { body, signature }: SignedRequest): Promise<StripeEvent> {
  const secrets = parseWebhookSecrets(await readParameter(process.env, 'STRIPE_WEBHOOK_SECRETS'));
  const { verifiedPayload } = await import('../lib/stripe/verify-signature.ts');
  const event = readable(verifiedPayload(body, signature, secrets, deps.now()));
  if (event.livemode === isLiveStage(deps.stage)) return event;
  const mode = event.livemode ? 'A live' : 'A test';
  throw new BillingError('wrong_mode', `${mode} event does not belong to the stage ${deps.stage}.`);
}

const counted = (metric: 'SignatureRefused' | 'EventFailed') => (error: unknown) => {
  countBusiness(metric);
  throw error;
};

const thrown = (error: unknown) => {
  throw error;
};

const METRICS = {
  processed: 'EventProcessed',
  duplicate: 'EventIgnored',
  ignored: 'EventIgnored',
  parked: 'EventParked',
} as const;

/** What the money of a subscription came to. Stripe collects it by itself, so nothing but its events tells. */
const PAYMENTS: ReadonlyMap<string, BusinessMetric> = new Map([
  ['invoice.paid', 'InvoicePaid'],
  ['invoice.payment_failed', 'InvoiceFailed'],
]);

/** @throws BillingError invalid_request for what is signed but is no event, for there is nothing to record it under. */
function readable(payload: unknown): StripeEvent {
  const event = parseEvent(payload);
  if (event !== null) return event;
  throw new BillingError(
    'invalid_request',
    'The body is signed, but it is not an event of the kind we read.',
  );
}
