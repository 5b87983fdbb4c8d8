import { answerRun } from '../lib/operators/answer-run.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { runningDeps } from '../lib/runtime/running.ts';

/** Every 15 minutes in the night, and whenever an operator asks. */
export const handler = (event: unknown) => answerRun(paymentDeps(runningDeps()), event);
