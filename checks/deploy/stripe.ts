import { startStripeDouble } from '../../local/stripe-double/server.ts';

const API_KEY = 'sk_test_deploy';

export interface Stripe {
  readonly url: string;
  readonly apiKey: string;
  stop(): Promise<void>;
}

/** The stand-in for Stripe. It delivers webhooks to the deployed API. */
export async function startStripe(): Promise<Stripe> {
  const { url, stop } = await startStripeDouble({ apiKey: API_KEY });
  return { url, apiKey: API_KEY, stop };
}
