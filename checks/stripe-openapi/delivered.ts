import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import type { StripeDouble } from '../../local/stripe-double/server.ts';
import { recorder } from './recorder.ts';
import { playScenario } from './scenario.ts';
import { accountAt } from './scenario-steps.ts';

/** One webhook as received. */
export interface Delivery {
  readonly body: string;
  readonly signature: string;
}

/** Plays the scenario with an endpoint that receives every event. */
export async function playDelivered(
  running: StripeDouble,
  apiKey: string,
): Promise<{ secret: string; deliveries: readonly Delivery[] }> {
  const deliveries: Delivery[] = [];
  const endpoint = createServer((request, response) => {
    void text(request).then((body) => {
      deliveries.push({ body, signature: String(request.headers['stripe-signature']) });
      response.end();
    });
  });
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  try {
    const { stripe } = recorder(running.url, apiKey);
    const account = accountAt(running.url, stripe);
    const made = await stripe.webhookEndpoints.create({
      url: `http://127.0.0.1:${portOf(endpoint.address())}/`,
      enabled_events: ['*'],
      api_version: STRIPE_API_VERSION,
    });
    await playScenario(account);
    await account.control('webhooks/idle');
    return { secret: made.secret ?? '', deliveries };
  } finally {
    endpoint.close();
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the endpoint listens on no port');
  return address.port;
}
