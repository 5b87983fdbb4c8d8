import type * as z from 'zod/mini';
import { settlePendingCharges } from '../lib/operations/work/sweep.ts';
import { settlePendingChargesContract } from '../lib/operators/contracts.ts';
import { openWorkOf } from '../lib/operators/open-work.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { runningDeps } from '../lib/runtime/running.ts';

type Answer = z.output<typeof settlePendingChargesContract.result>;

/**
 * Every 5 minutes, and whenever an operator asks. What stays open is reported, and tried again by the next run.
 * @throws Error when an operator asks for an age that is none
 */
export const handler = async (event: unknown): Promise<Answer> => {
  const { older_than_seconds: seconds } = settlePendingChargesContract.input.parse(event);
  const age = seconds === undefined ? [] : [seconds * 1_000];
  const { settled, waiting, failed } = await settlePendingCharges(paymentDeps(runningDeps()), ...age);
  return { settled, waiting: waiting.map(openWorkOf), failed: failed.map(({ work }) => openWorkOf(work)) };
};
