import type Stripe from 'stripe';

type HttpClient = NonNullable<Stripe.StripeConfig['httpClient']>;

/** Kept free at the end of a request: to write the outcome of the call, and to answer. */
const RESERVED_MS = 4_000;
/** Even without time left, a call gets a chance: its outcome may only be late. */
const MIN_TIMEOUT_MS = 1_000;

/** Limits each call to the time that its request has left, and reports how long it took. */
export function timed(
  client: HttpClient,
  timeLeftMs: () => number,
  onCall: (ms: number) => void,
): HttpClient {
  return {
    getClientName: () => client.getClientName(),
    async makeRequest(...request) {
      const [host, port, path, method, headers, body, protocol, timeout] = request;
      const limit = Math.max(MIN_TIMEOUT_MS, Math.min(timeout, timeLeftMs() - RESERVED_MS));
      const startedMs = performance.now();
      try {
        return await client.makeRequest(host, port, path, method, headers, body, protocol, limit);
      } finally {
        onCall(performance.now() - startedMs);
      }
    },
  };
}
