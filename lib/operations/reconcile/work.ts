import { asOf as asOfReport } from '../../domain/reconciliation.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import type { Meter } from '../../store/paging.ts';
import type { Prices } from './auditor/inquiry.ts';
import type { RunLease } from './run-lease.ts';

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** The context of each part of a reconciliation. */
export interface Work {
  readonly deps: PaymentDeps;
  readonly lease: RunLease;
  /** Enforces the limit of read units. */
  readonly meter: Meter;
  /** Read units above which a customer is read in parts. */
  readonly largeAboveUnits: number;
  /** The prices that the auditor has read, for all customers. */
  readonly prices: Prices;
  /** Enforces the limit of calls to Stripe; awaited before each call. */
  readonly beforeAsking: (calls: number) => Promise<void>;
}

/** The moment as of which the run compares. */
export const asOf = ({ lease }: Pick<Work, 'lease'>): Date => asOfReport(lease.run.report);

/** The end of the time compared; null to include the newest, whatever Stripe's clock says. */
export const endOf = (work: Pick<Work, 'lease'>): Date | null =>
  work.lease.run.report.upToNow ? null : asOf(work);
