import type Stripe from 'stripe';

type HttpClient = NonNullable<Stripe.StripeConfig['httpClient']>;

/** Kept free at the end of a request: to write the outcome of the call, and to answer. */
const RESERVED_MS = 4_000;
/** Even without time left, a call gets a chance: its outcome may only be late. */
const MIN_TIMEOUT_MS = 1_000;

/** A failed request is repeated within seconds. After that, the same request is a new one. */
const REPEATED_WITHIN_MS = 10_000;
/** Failures that are kept to recognise their repeats. */
const MAX_FAILED = 100;

/**
 * Limits each call to the time that its request has left, and reports how long it took. Three places repeat
 * a failed request: the SDK, and our own handling of rate limits and of rotated keys. Only here do all of
 * them show, as a request that is sent again after it failed.
 */
export function timed(
  client: HttpClient,
  timeLeftMs: () => number,
  onCall: (ms: number, isRetry: boolean) => void,
): HttpClient {
  const failed = new Map<string, number>();
  return {
    getClientName: () => client.getClientName(),
    async makeRequest(...request) {
      const [host, port, path, method, headers, body, protocol, timeout] = request;
      const limit = Math.max(MIN_TIMEOUT_MS, Math.min(timeout, timeLeftMs() - RESERVED_MS));
      const what = JSON.stringify([method, path, idempotencyKeyOf(headers), body]);
      const startedMs = performance.now();
      const isRetry = startedMs - (failed.get(what) ?? Number.NEGATIVE_INFINITY) < REPEATED_WITHIN_MS;
      failed.delete(what);
      let hasFailed = true;
      try {
        const response = await client.makeRequest(host, port, path, method, headers, body, protocol, limit);
        hasFailed = isFailure(response.getStatusCode());
        return response;
      } finally {
        if (failed.size >= MAX_FAILED) failed.clear();
        const endedMs = performance.now();
        if (hasFailed) failed.set(what, endedMs);
        onCall(endedMs - startedMs, isRetry);
      }
    },
  };
}

/** Answers after which the same request is sent again: a refused key, a lock, a rate limit. */
const REPEATED: ReadonlySet<number> = new Set([401, 409, 429]);
const isFailure = (status: number): boolean => REPEATED.has(status) || status >= 500;

const idempotencyKeyOf = (headers: Parameters<HttpClient['makeRequest']>[4]): unknown =>
  Object.entries(headers).find(([name]) => name.toLowerCase() === 'idempotency-key')?.[1];
