import { countBusiness, loggableError, logger } from '../lib/http/observe.ts';
import { paymentDeps } from '../lib/http/payment-deps.ts';
import { settlePendingCharges } from '../lib/operations/settle-pending-charges.ts';
import { startRuntime } from '../lib/runtime.ts';

let runtime: ReturnType<typeof startRuntime> | undefined;

/** Every 5 minutes. What stays open is logged and counted, and tried again by the next run. */
export const handler = async (): Promise<void> => {
  runtime ??= startRuntime(process.env);
  const { settled, failed } = await settlePendingCharges(paymentDeps(runtime));
  for (const { work, error } of failed) {
    logger.error('charge still pending', { work: work.item, error: loggableError(error) });
    countBusiness('PendingChargeFailed');
  }
  logger.info('settled', { settled, failed: failed.length });
};
