import type * as z from 'zod/mini';
import { verdict } from '../domain/reconciliation.ts';
import { BillingError } from '../errors.ts';
import { reportFindings } from '../operations/reconcile/report-findings.ts';
import { dailyRun, type ReconcileOptions, reconcile } from '../operations/reconcile/run.ts';
import type { PaymentDeps } from '../runtime/deps.ts';
import type { OperatorAnswer } from './contract.ts';
import { reconcileContract, ScheduledEvent } from './reconcile-contract.ts';

type Answer = z.output<typeof reconcileContract.result>;
type Refused = Extract<OperatorAnswer<never>, { ok: false }>;

/**
 * Reconciles as far as one invocation can. A scheduled run is named by its day: the next invocation continues
 * an unfinished run and does nothing for a finished one. A failed scheduled run throws, so that it is
 * retried. An operator gets the error of Stripe or of the table instead.
 * @throws BillingError invalid_request, and on the schedule what `reconcile` throws
 */
export async function answerRun(deps: PaymentDeps, event: unknown): Promise<Answer | Refused> {
  const options = optionsOf(event, deps.now());
  try {
    const onFinished = (report: Answer['report']) => reportFindings(deps, report);
    const { state, run, report } = await reconcile(deps, { ...options, onFinished });
    deps.report({ kind: 'reconcile_answered', run, state, verdict: verdict(report) });
    return { run, done: report.finishedAt !== null, report };
  } catch (error) {
    if (isScheduled(event) || !(error instanceof BillingError)) throw error;
    deps.report({ kind: 'reconcile_failed', run: options.run, state: 'failed', error });
    return { ok: false, problem: { code: error.code, detail: error.message } };
  }
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
    'Send { "run": "<name>" }, of up to 64 letters, digits and _.-; "budget_seconds", from 1 to 780, and ' +
      '"up_to_now": true may be beside it.',
  );
}
