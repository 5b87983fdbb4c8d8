import type * as z from 'zod/mini';
import type { ReconcileReport } from '../lib/domain/reconciliation.ts';
import { verdict } from '../lib/domain/reconciliation-text.ts';
import { BillingError } from '../lib/errors.ts';
import { countBusiness, logger } from '../lib/http/observe.ts';
import { paymentDeps } from '../lib/http/payment-deps.ts';
import { dailyRun, reconcile } from '../lib/operations/reconcile.ts';
import { reconcileContract, ScheduledEvent } from '../lib/operators/reconcile-contract.ts';
import { startRuntime } from '../lib/runtime.ts';

let runtime: ReturnType<typeof startRuntime> | undefined;

type Answer = z.output<typeof reconcileContract.result>;

/**
 * Every 15 minutes in the night, and whenever an operator asks. The schedule's runs are named by their day: what one invocation
 * does not finish the next one goes on with, and when it is finished there is nothing to do.
 * @throws BillingError invalid_request, and what `reconcile` throws
 */
export const handler = async (event: unknown): Promise<Answer> => {
  runtime ??= startRuntime(process.env);
  const deps = paymentDeps(runtime);
  const { state, run, report } = await reconcile(deps, optionsOf(event, deps.now()));
  if (state === 'finished') tell(report);
  logger.info('reconcile', { run, state, verdict: verdict(report) });
  return { run, done: report.finishedAt !== null, report };
};

function optionsOf(event: unknown, now: Date): Parameters<typeof reconcile>[1] {
  if (ScheduledEvent.safeParse(event).success) return { run: dailyRun(now) };
  const asked = reconcileContract.input.safeParse(event);
  if (asked.success) {
    const { run, budget_seconds: seconds, up_to_now: upToNow = false } = asked.data;
    return { run, upToNow, ...(seconds !== undefined && { budgetMs: seconds * 1000 }) };
  }
  throw new BillingError(
    'invalid_request',
    'Send { "run": "<name>" }, of up to 64 letters, digits and _.-; "budget_seconds", from 1 to 780, and "up_to_now": true may be beside it.',
  );
}

/** Once for each run, when it is finished. Ids and no more: the report holds nothing else. */
function tell({ run, drift, missed, open }: ReconcileReport): void {
  countBusiness('Drift', drift.count);
  countBusiness('MissedEvent', missed.count);
  countBusiness('ReconcileCompleted');
  for (const { customerId, invariant, seq, message } of drift.named) {
    logger.error('drift', { run, customer_id: customerId, invariant, seq, finding: message });
  }
  for (const { eventId, type, outcome, customerId, reason } of missed.named) {
    logger.warn('missed event', { run, event_id: eventId, type, outcome, customer_id: customerId, reason });
  }
  for (const { customerId, since, message } of open.named) {
    logger.warn('open work', { run, customer_id: customerId, since, finding: message });
  }
}
