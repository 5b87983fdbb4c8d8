import type { ReconcileReport } from '../../domain/reconciliation.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { paymentsFault } from '../payments/payment-problems.ts';
import { Prices } from './auditor/inquiry.ts';
import { checkCustomers } from './check-customers.ts';
import { applyMissedEvents } from './missed-events.ts';
import { reportOpenWork } from './open-work.ts';
import { rateLimiter } from './rate-limiter.ts';
import { RunLease } from './run-lease.ts';
import { totalDays } from './total-days.ts';
import { findUnownedMoney } from './unowned-money.ts';
import { MINUTE_MS, type Work } from './work.ts';

/** No step starts later. The function's timeout leaves time for one step. */
const BUDGET_MS = 13 * MINUTE_MS;
/** Parts of the table that are read in parallel. */
const SEGMENTS = 4;
/**
 * A sixth of the limit of one DynamoDB partition, so no request is slowed. A million units read one to four
 * gigabytes.
 */
const READ_UNITS_PER_SECOND = 500;
/** 10 MB: fits a function's memory, and is read in a few seconds. */
const LARGE_ABOVE_UNITS = 2_500;
/** Stripe's limits are 100 a second, and 25 for one kind of call. */
const STRIPE_CALLS_PER_SECOND = 20;

export interface ReconcileOptions {
  /** The name of the run. An open run is resumed; a finished run returns its report. */
  readonly run: string;
  /** Time limit in milliseconds; default 13 minutes. */
  readonly budgetMs?: number;
  /** Default 4; a resumed run keeps its own value. */
  readonly segments?: number;
  /**
   * Includes the last 10 minutes, which are otherwise left to Stripe's delivery. A resumed run keeps its own
   * value.
   */
  readonly upToNow?: boolean;
  /** The maximum on average; default 500. */
  readonly readUnitsPerSecond?: number;
  /** A customer whose items take more read units is read in parts; default 2,500. */
  readonly largeAboveUnits?: number;
  /** Called with the report after each step. */
  readonly onProgress?: (report: ReconcileReport) => void;
  /**
   * Called with the full report before the run is stored as finished. After a crash, the next invocation
   * repeats the call.
   */
  readonly onFinished?: (report: ReconcileReport) => void;
}

export interface Reconciled {
  readonly run: string;
  /**
   * `finished` now, or `was_finished` before. `unfinished`: the time limit was reached; call again to
   * continue. `taken_over`: another invocation has the run.
   */
  readonly state: 'finished' | 'was_finished' | 'unfinished' | 'taken_over';
  readonly report: ReconcileReport;
}

/**
 * Compares Stripe's events with their records, each ledger with its invariants and its money at Stripe, and
 * the money on our account with its owners. Changes nothing, except that it applies and reports missed
 * events. Idempotent, and safe to interrupt: the next call continues from the last save.
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_unavailable, ledger_busy: the run
 * keeps its place, and the same call continues
 */
export async function reconcile(
  deps: PaymentDeps,
  {
    run,
    budgetMs = BUDGET_MS,
    segments = SEGMENTS,
    upToNow = false,
    readUnitsPerSecond = READ_UNITS_PER_SECOND,
    largeAboveUnits = LARGE_ABOVE_UNITS,
    onProgress = () => {},
    onFinished = () => {},
  }: ReconcileOptions,
): Promise<Reconciled> {
  const onAdvance = ({ report }: { readonly report: ReconcileReport }) => onProgress(report);
  const lease = await RunLease.acquire(deps, { run, budgetMs, segments, upToNow, onAdvance });
  if (lease.isFinished) return { run, state: 'was_finished', report: lease.run.report };
  const work: Work = {
    deps,
    lease,
    meter: rateLimiter(readUnitsPerSecond, deps),
    largeAboveUnits,
    prices: new Prices((await deps.stripe()).proPriceId),
    beforeAsking: rateLimiter(STRIPE_CALLS_PER_SECOND, deps),
  };
  try {
    await runChecks(work, onFinished);
  } catch (error) {
    // Saves the progress. If saving fails too, the first error is reported.
    await lease.save().catch(() => {});
    throw paymentsFault(error);
  }
  await lease.save();
  return { run, state: stateOf(lease), report: lease.run.report };
}

/** The name of a day's run, in UTC. */
export const dailyRun = (at: Date): string => at.toISOString().slice(0, 10);

async function runChecks(work: Work, onFinished: (report: ReconcileReport) => void): Promise<void> {
  const { deps, lease } = work;
  for (const part of [applyMissedEvents, checkCustomers, findUnownedMoney, totalDays, reportOpenWork]) {
    await part(work);
    if (lease.mustStop) return;
  }
  // If another invocation has taken over the run, that invocation reports the result.
  await lease.save();
  if (lease.isLost) return;
  const report = { ...lease.run.report, finishedAt: deps.now().toISOString() };
  onFinished(report);
  await lease.advance((run) => ({ ...run, report }));
}

function stateOf(lease: RunLease): Reconciled['state'] {
  if (lease.isLost) return 'taken_over';
  return lease.isFinished ? 'finished' : 'unfinished';
}
