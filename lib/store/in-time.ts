import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';

/* How calls to the table wait, and end before the time of their request is over. */

/** What the calls of a table need besides its client. */
export interface TableTools {
  readonly sleep: (ms: number) => Promise<void>;
  /** From 0 up to but not including 1. */
  readonly random: () => number;
  /** A new idempotency token for a transaction. */
  readonly newToken: () => string;
  /** Time left for the current request, in milliseconds. Infinite outside a request. */
  readonly timeLeftMs: () => number;
  /** Called after each call, with its duration and the repeats that the SDK made of it. */
  readonly onCall?: (ms: number, retries: number) => void;
}

/** A call that uses up every attempt takes less. Only a request with less time left needs a deadline. */
const LONGEST_CALL_MS = 7_000;
/** Kept free at the end of a request, for its answer and its log line. */
export const RESERVED_MS = 1_500;
const FIRST_WAIT_MS = 50;

export const TOOLS: TableTools = {
  sleep: (ms) => sleep(ms),
  random: Math.random,
  newToken: randomUUID,
  timeLeftMs: () => Number.POSITIVE_INFINITY,
};

/**
 * Waits longer before each round, with full jitter.
 * @returns false, without a wait, if the request would have no time left to answer
 */
export async function waitBefore(tools: TableTools, round: number): Promise<boolean> {
  const waitMs = tools.random() * FIRST_WAIT_MS * 2 ** round;
  if (waitMs > tools.timeLeftMs() - RESERVED_MS) return false;
  await tools.sleep(waitMs);
  return true;
}

interface SendOptions {
  readonly abortSignal?: AbortSignal;
}

/** The SDK says how often it sent a call. */
interface Answered {
  readonly $metadata?: { readonly attempts?: number | undefined };
}

/** Stops a call before the time of its request is over, so that the request can still be answered. */
export async function inTime<T extends Answered>(
  tools: TableTools,
  call: (options?: SendOptions) => Promise<T>,
): Promise<T> {
  const leftMs = tools.timeLeftMs() - RESERVED_MS;
  if (leftMs <= 0) throw new Error('no time is left for a call');
  // The SDK keeps its middleware only for calls without options.
  const options = leftMs >= LONGEST_CALL_MS ? undefined : { abortSignal: AbortSignal.timeout(leftMs) };
  const startedMs = performance.now();
  let attempts = 1;
  try {
    const answer = await call(options);
    attempts = answer.$metadata?.attempts ?? 1;
    return answer;
  } catch (error) {
    if (error instanceof DynamoDBServiceException) attempts = error.$metadata.attempts ?? 1;
    throw error;
  } finally {
    tools.onCall?.(performance.now() - startedMs, attempts - 1);
  }
}
