import { warnLowBalances } from '../lib/operations/notices/warn-low-balances.ts';
import { countBusiness, loggableError, logger } from '../lib/runtime/observe.ts';
import { startRuntime } from '../lib/runtime/start.ts';

let runtime: ReturnType<typeof startRuntime> | undefined;

/** Every hour, and when an operator asks for it. Who could not be warned is logged and counted, and is due for the next run. */
export const handler = async (): Promise<{ readonly warned: number; readonly failed: number }> => {
  runtime ??= startRuntime(process.env);
  const { warned, failed } = await warnLowBalances(runtime);
  for (const { customerId, error } of failed) {
    logger.error('customer not warned', { customer_id: customerId, error: loggableError(error) });
  }
  countBusiness('LowBalanceWarned', warned);
  countBusiness('WarningFailed', failed.length);
  logger.info('warned', { warned, failed: failed.length });
  return { warned, failed: failed.length };
};
