import { joinHeldNotices } from '../lib/operations/notices/join-held.ts';
import { warnLowBalances } from '../lib/operations/notices/warn-low-balances.ts';
import { runningDeps } from '../lib/runtime/running.ts';

/**
 * Runs every 10 minutes, and when an operator asks. A customer who could not be warned stays due for the next
 * run, and so do notices that could not be joined.
 */
export const handler = async (): Promise<{ readonly warned: number; readonly failed: number }> => {
  const { warned, failed } = await warnLowBalances(runningDeps());
  const joined = await joinHeldNotices(runningDeps());
  return { warned, failed: failed.length + joined.failed };
};
