import type * as z from 'zod/mini';
import { settlePendingCharges } from '../lib/operations/work/sweep.ts';
import { settlePendingChargesContract } from '../lib/operators/contracts.ts';
import { openWorkOf } from '../lib/operators/open-work.ts';
import { countBusiness, loggableError, logger } from '../lib/runtime/observe.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { startRuntime } from '../lib/runtime/start.ts';

type Answer = z.output<typeof settlePendingChargesContract.result>;

let runtime: ReturnType<typeof startRuntime> | undefined;

/**
 * Every 5 minutes, and whenever an operator asks. What stays open is logged and counted, and tried again by the next run.
 * @throws Error when an operator asks for an age that is none
 */
export const handler = async (event: unknown): Promise<Answer> => {
  const { older_than_seconds: seconds } = settlePendingChargesContract.input.parse(event);
  runtime ??= startRuntime(process.env);
  const age = seconds === undefined ? [] : [seconds * 1_000];
  const { settled, failed } = await settlePendingCharges(paymentDeps(runtime), ...age);
  for (const { work, error } of failed) {
    logger.error('charge still pending', { work: work.item, key: work.key, error: loggableError(error) });
    countBusiness('PendingChargeFailed');
  }
  logger.info('settled', { settled, failed: failed.length });
  return { settled, failed: failed.map(({ work }) => openWorkOf(work)) };
};
