import type { PaymentDeps } from '../../deps.ts';
import type { Meter } from '../../store/audit.ts';
import type { HeldRun } from './held-run.ts';

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** What came about later is left to Stripe's own delivery, which has most often brought it by now. */
const LEFT_TO_STRIPE_MS = 10 * MINUTE_MS;

/** What each part of a reconciliation works with. */
export interface Work {
  readonly deps: PaymentDeps;
  readonly held: HeldRun;
  /** Keeps to the limit of read units. */
  readonly meter: Meter;
  /** Keeps to the limit of calls to Stripe; awaited before them. */
  readonly beforeAsking: (calls: number) => Promise<void>;
}

/** The moment that the run looks at things as of; the same one after it was taken up again. */
export const asOf = ({ held }: Pick<Work, 'held'>): Date =>
  new Date(Date.parse(held.run.report.startedAt) - LEFT_TO_STRIPE_MS);
