import { asOf as asOfReport } from '../../domain/reconciliation.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import type { Meter } from '../../store/paging.ts';
import type { Prices } from './auditor/inquiry.ts';
import type { HeldRun } from './held-run.ts';

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** What each part of a reconciliation works with. */
export interface Work {
  readonly deps: PaymentDeps;
  readonly held: HeldRun;
  /** Keeps to the limit of read units. */
  readonly meter: Meter;
  /** Read units above which a customer is read part by part. */
  readonly largeAboveUnits: number;
  /** What the auditor has read of prices, for all customers. */
  readonly prices: Prices;
  /** Keeps to the limit of calls to Stripe; awaited before them. */
  readonly beforeAsking: (calls: number) => Promise<void>;
}

/** The moment that the run looks at things as of. */
export const asOf = ({ held }: Pick<Work, 'held'>): Date => asOfReport(held.run.report);

/** Where what is looked at ends; null where the newest belongs to it, by whichever clock Stripe goes. */
export const endOf = (work: Pick<Work, 'held'>): Date | null =>
  work.held.run.report.upToNow ? null : asOf(work);
