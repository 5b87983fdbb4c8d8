import { stripeWebhookContract } from '../lib/http/contracts/payments.ts';
import { signedEndpoint } from '../lib/http/endpoint.ts';
import { receiveEvent } from '../lib/operations/events/receive-event.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { readParameter } from '../lib/settings/parameters.ts';
import { parseWebhookSecrets } from '../lib/settings/stripe.ts';

/** POST /api/webhooks/stripe */
export const handler = signedEndpoint(stripeWebhookContract, async (deps, delivery) => {
  const { outcome } = await receiveEvent(paymentDeps(deps), delivery, webhookSecrets);
  return { status: 200, body: { received: true, outcome } };
});

/** @throws Error if the secrets cannot be read or are malformed */
const webhookSecrets = async (): Promise<readonly string[]> =>
  parseWebhookSecrets(await readParameter(process.env, 'STRIPE_WEBHOOK_SECRETS'));
