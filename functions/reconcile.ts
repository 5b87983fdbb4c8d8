import { answerRun } from '../lib/operators/answer-run.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { runningDeps } from '../lib/runtime/running.ts';

/** Runs every 15 minutes at night, and when an operator asks. */
export const handler = (event: unknown) => answerRun(paymentDeps(runningDeps()), event);
