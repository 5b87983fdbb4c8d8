import type * as z from 'zod/mini';
import { sweep } from '../lib/operations/work/sweep.ts';
import { settlePendingChargesContract } from '../lib/operators/contracts.ts';
import { openWorkOf } from '../lib/operators/open-work.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { runningDeps } from '../lib/runtime/running.ts';

type Answer = z.output<typeof settlePendingChargesContract.result>;

/**
 * Every 5 minutes, and whenever an operator asks. Also keeps the prices that customers are shown. What stays open is reported, and tried again by the next run.
 * @throws Error when an operator asks for an age that is none
 */
export const handler = async (event: unknown): Promise<Answer> => {
  const { older_than_seconds: seconds } = settlePendingChargesContract.input.parse(event);
  const ageMs = seconds === undefined ? undefined : seconds * 1_000;
  const { settled, waiting, failed } = await sweep(paymentDeps(runningDeps()), ageMs);
  return { settled, waiting: waiting.map(openWorkOf), failed: failed.map(({ work }) => openWorkOf(work)) };
};
