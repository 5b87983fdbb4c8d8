import type Stripe from 'stripe';

type HttpClient = NonNullable<Stripe.StripeConfig['httpClient']>;

/** Reads and drops the body of a response, so that the next request can use the connection. */
export async function discard(response: Awaited<ReturnType<HttpClient['makeRequest']>>): Promise<void> {
  await response.toJSON().catch(() => {});
}
