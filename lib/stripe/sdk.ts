import { setTimeout as wait } from 'node:timers/promises';
import Stripe from 'stripe';
import type { StripeConfig } from '../settings/stripe.ts';
import { retryRateLimited, type Waiting } from './rate-limited.ts';
import { type NewerKey, retryRotatedKey } from './rotated-key.ts';
import { timed } from './timed.ts';

/** The version whose shapes lib/stripe reads. An SDK of another version does not compile. */
export const STRIPE_API_VERSION: typeof Stripe.API_VERSION = '2026-10-28.endive';

const TIMEOUT_MS = 10_000;
/** Two calls of 10 s and the pause between them take less than any function that waits for Stripe may run. */
const MAX_RETRIES = 1;

/** The transport to Stripe, if not the network, how a call waits, and where a newer key is. */
export type StripeLine = Pick<Stripe.StripeConfig, 'httpClient' | 'maxNetworkRetries'> &
  Partial<Waiting> & {
    readonly newerKey?: NewerKey;
    /** Called after each request, with its duration, and whether it repeats one that failed. */
    readonly onCall?: (ms: number, isRetry: boolean) => void;
  };

/** The official SDK at the pinned version: limited time and retries, no output. */
export function openStripe(
  { secretKey, apiBase }: Pick<StripeConfig, 'secretKey' | 'apiBase'>,
  {
    sleep = wait,
    random = Math.random,
    timeLeftMs = () => Number.POSITIVE_INFINITY,
    httpClient = Stripe.createNodeHttpClient(),
    newerKey = async () => undefined,
    onCall = () => {},
    ...line
  }: StripeLine = {},
): Stripe {
  return new Stripe(secretKey, {
    apiVersion: STRIPE_API_VERSION,
    timeout: TIMEOUT_MS,
    maxNetworkRetries: MAX_RETRIES,
    telemetry: false,
    ...(apiBase !== null && {
      host: apiBase.hostname.replace(/^\[|\]$/g, ''),
      port: apiBase.port || (apiBase.protocol === 'https:' ? '443' : '80'),
      protocol: apiBase.protocol === 'https:' ? 'https' : 'http',
    }),
    ...line,
    httpClient: retryRotatedKey(
      retryRateLimited(timed(httpClient, timeLeftMs, onCall), { sleep, random, timeLeftMs }),
      secretKey,
      newerKey,
    ),
  });
}
