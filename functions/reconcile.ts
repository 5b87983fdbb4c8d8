import type * as z from 'zod/mini';
import { type ReconcileReport, verdict } from '../lib/domain/reconciliation.ts';
import { BillingError } from '../lib/errors.ts';
import { dailyRun, type ReconcileOptions, reconcile } from '../lib/operations/reconcile/run.ts';
import type { OperatorAnswer } from '../lib/operators/contract.ts';
import { reconcileContract, ScheduledEvent } from '../lib/operators/reconcile-contract.ts';
import type { PaymentDeps } from '../lib/runtime/deps.ts';
import { countBusiness, loggableError, logger } from '../lib/runtime/observe.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { startRuntime } from '../lib/runtime/start.ts';

let runtime: ReturnType<typeof startRuntime> | undefined;

type Answer = z.output<typeof reconcileContract.result>;
type Refused = Extract<OperatorAnswer<never>, { ok: false }>;

/**
 * Every 15 minutes in the night, and whenever an operator asks. The schedule's runs are named by their day: what one invocation
 * does not finish the next one goes on with, and when it is finished there is nothing to do. A schedule's run that fails throws,
 * to be tried again and to be heard of; an operator is answered what Stripe or the table has failed with.
 * @throws BillingError invalid_request, and on the schedule what `reconcile` throws
 */
export const handler = async (event: unknown): Promise<Answer | Refused> => {
  runtime ??= startRuntime(process.env);
  const deps = paymentDeps(runtime);
  const options = optionsOf(event, deps.now());
  try {
    return await answerOf(deps, options);
  } catch (error) {
    if (isScheduled(event) || !(error instanceof BillingError)) throw error;
    logger.error('reconcile', { run: options.run, state: 'failed', error: loggableError(error) });
    return { ok: false, problem: { code: error.code, detail: error.message } };
  }
};

async function answerOf(deps: PaymentDeps, options: ReconcileOptions): Promise<Answer> {
  const { state, run, report } = await reconcile(deps, { ...options, onFinished: tell });
  logger.info('reconcile', { run, state, verdict: verdict(report) });
  return { run, done: report.finishedAt !== null, report };
}

const isScheduled = (event: unknown): boolean => ScheduledEvent.safeParse(event).success;

function optionsOf(event: unknown, now: Date): ReconcileOptions {
  if (isScheduled(event)) return { run: dailyRun(now) };
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

/** Of each run when it is finished; once more where that could not be noted. Ids and no more: the report holds nothing else. */
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
