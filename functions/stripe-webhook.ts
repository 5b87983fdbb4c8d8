import { stripeWebhookContract } from '../lib/http/contracts/payments.ts';
import { signedEndpoint } from '../lib/http/endpoint.ts';
import { receiveEvent } from '../lib/operations/events/receive-event.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { webhookSecrets } from '../lib/runtime/webhook-secrets.ts';

/** POST /api/webhooks/stripe */
export const handler = signedEndpoint(stripeWebhookContract, async (deps, delivery) => {
  const { outcome } = await receiveEvent(paymentDeps(deps), delivery, webhookSecrets(deps, process.env));
  return { status: 200, body: { received: true, outcome } };
});
