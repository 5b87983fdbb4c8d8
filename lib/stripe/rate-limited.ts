import type Stripe from 'stripe';
import { discard } from './discard.ts';

type HttpClient = NonNullable<Stripe.StripeConfig['httpClient']>;
type HttpResponse = Awaited<ReturnType<HttpClient['makeRequest']>>;

/** How a call waits between tries. */
export interface Waiting {
  readonly sleep: (ms: number) => Promise<void>;
  /** From 0 to 1, without 1. */
  readonly random: () => number;
  /** How long the waiting function may still run; unlimited if left out. */
  readonly timeLeftMs?: (() => number) | undefined;
}

const MAX_TRIES = 3;
const FIRST_WAIT_MS = 500;
/** Total of all waits for one request to Stripe. */
const MAX_WAIT_MS = 4_000;
/** Time needed after a wait: one more request, up to 10 s, and the write of its outcome. */
const RESERVED_MS = 12_000;

/**
 * Retries a request that Stripe answered with 429, which the SDK does not do. Stripe did nothing and stores
 * no answer under the key. Waits as long as `Retry-After` states, otherwise with exponential backoff. Stops
 * when a wait would be longer than the time left.
 */
export function retryRateLimited(
  client: HttpClient,
  { sleep, random, timeLeftMs = () => Number.POSITIVE_INFINITY }: Waiting,
): HttpClient {
  return {
    getClientName: () => client.getClientName(),
    async makeRequest(...request) {
      let leftMs = MAX_WAIT_MS;
      for (let tries = 1; ; tries++) {
        const response = await client.makeRequest(...request);
        const waitMs = response.getStatusCode() === 429 ? waitOf(response, tries, random()) : null;
        const isTooLong = waitMs === null || waitMs > leftMs || waitMs > timeLeftMs() - RESERVED_MS;
        if (isTooLong || tries === MAX_TRIES) return response;
        await discard(response);
        leftMs -= waitMs;
        await sleep(waitMs);
      }
    },
  };
}

function waitOf(response: HttpResponse, tries: number, random: number): number {
  const header = Object.entries(response.getHeaders()).find(([name]) => name.toLowerCase() === 'retry-after');
  const seconds = Number(header?.[1] ?? Number.NaN);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1_000;
  return FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + random / 2);
}
