import type { ReconcileReport } from '../../domain/reconciliation.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { paymentsFault } from '../payments/payment-problems.ts';
import { Prices } from './auditor/inquiry.ts';
import { checkCustomers } from './check-customers.ts';
import { HeldRun } from './held-run.ts';
import { applyMissedEvents } from './missed-events.ts';
import { reportOpenWork } from './open-work.ts';
import { paced } from './rate-limiter.ts';
import { totalDays } from './total-days.ts';
import { findUnownedMoney } from './unowned-money.ts';
import { MINUTE_MS, type Work } from './work.ts';

/** Less than a function may run, by more than what is begun then can take. */
const BUDGET_MS = 13 * MINUTE_MS;
/** Parts of the table that are read side by side. */
const SEGMENTS = 4;
/** A sixth of what DynamoDB gives a single partition: no request notices it. A million units are a gigabyte or four. */
const READ_UNITS_PER_SECOND = 500;
/** 10 MB: what a function holds easily, and reads in a few seconds. */
const LARGE_ABOVE_UNITS = 2_500;
/** Stripe lets through 100 a second, 25 of one kind. */
const STRIPE_CALLS_PER_SECOND = 20;

export interface ReconcileOptions {
  /** Its name: a run that was begun is taken up where it stands, one that is finished is answered. */
  readonly run: string;
  /** How long to go on, in milliseconds; 13 minutes. */
  readonly budgetMs?: number;
  /** 4; a run that was begun keeps its own. */
  readonly segments?: number;
  /** Looks at the last 10 minutes too, which else are left to Stripe's own delivery; a run that was begun keeps its own. */
  readonly upToNow?: boolean;
  /** At most, on average; 500. */
  readonly readUnitsPerSecond?: number;
  /** A customer whose items take more read units than this is read part by part; 2,500. */
  readonly largeAboveUnits?: number;
  /** Hears how far it is, time and again. */
  readonly onProgress?: (report: ReconcileReport) => void;
  /** Hears the whole report before it is noted that it is there: an invocation that dies then leaves it to the next. */
  readonly onFinished?: (report: ReconcileReport) => void;
}

export interface Reconciled {
  readonly run: string;
  /**
   * `finished` now, or `was_finished` before. `unfinished`: the time was up, and calling it again goes on. `taken_over`: another
   * invocation is at it.
   */
  readonly state: 'finished' | 'was_finished' | 'unfinished' | 'taken_over';
  readonly report: ReconcileReport;
}

/**
 * Holds everything against everything: Stripe's events against their records, each ledger against its invariants and its money at
 * Stripe, the money at Stripe against its owners. It changes nothing but for applying events that never came, and reports those.
 * Safe to repeat and to cut off anywhere: what was saved is gone on from.
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_unavailable, ledger_busy: the run stands where it
 * was, and the same call goes on
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
  const held = await HeldRun.take(deps, { run, budgetMs, segments, upToNow, onAdvance });
  if (held.isFinished) return { run, state: 'was_finished', report: held.run.report };
  const work: Work = {
    deps,
    held,
    meter: paced(readUnitsPerSecond, deps),
    largeAboveUnits,
    prices: new Prices((await deps.stripe()).proPriceId),
    beforeAsking: paced(STRIPE_CALLS_PER_SECOND, deps),
  };
  try {
    await goThrough(work, onFinished);
  } catch (error) {
    // Saved as far as it came; should that fail too, the first error is the one to hear of.
    await held.save().catch(() => {});
    throw paymentsFault(error);
  }
  await held.save();
  return { run, state: stateOf(held), report: held.run.report };
}

/** The name of the day's run, in UTC. */
export const dailyRun = (at: Date): string => at.toISOString().slice(0, 10);

async function goThrough(work: Work, onFinished: (report: ReconcileReport) => void): Promise<void> {
  const { deps, held } = work;
  for (const part of [applyMissedEvents, checkCustomers, findUnownedMoney, totalDays, reportOpenWork]) {
    await part(work);
    if (held.isOver) return;
  }
  // Whoever has taken the run up by now tells of it.
  await held.save();
  if (held.isTaken) return;
  const report = { ...held.run.report, finishedAt: deps.now().toISOString() };
  onFinished(report);
  await held.advance((run) => ({ ...run, report }));
}

function stateOf(held: HeldRun): Reconciled['state'] {
  if (held.isTaken) return 'taken_over';
  return held.isFinished ? 'finished' : 'unfinished';
}
