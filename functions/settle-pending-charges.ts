import type * as z from 'zod/mini';
import { sweep } from '../lib/operations/work/sweep.ts';
import { settlePendingChargesContract } from '../lib/operators/contracts.ts';
import { openWorkOf } from '../lib/operators/open-work.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { runningDeps } from '../lib/runtime/running.ts';

type Answer = z.output<typeof settlePendingChargesContract.result>;

/**
 * Runs every 5 minutes, and when an operator asks. Also updates the sold prices. Reports work that stays
 * open; the next run retries it.
 * @throws Error if an operator asks for an invalid age
 */
export const handler = async (event: unknown): Promise<Answer> => {
  const { older_than_seconds: seconds } = settlePendingChargesContract.input.parse(event);
  const ageMs = seconds === undefined ? undefined : seconds * 1_000;
  const { settled, waiting, failed } = await sweep(paymentDeps(runningDeps()), ageMs);
  return { settled, waiting: waiting.map(openWorkOf), failed: failed.map(({ work }) => openWorkOf(work)) };
};
