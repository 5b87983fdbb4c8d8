import type { Table } from '../store/table.ts';
import type { StripePort } from '../stripe/port.ts';
import type { Report } from './business-events.ts';

/** The dependencies of an operation. Tests pass their own clock, randomness and table. */
export interface Deps {
  readonly stage: string;
  /** The calls that one API key may make in a minute; 0 for no limit. */
  readonly keyCallsPerMinute: number;
  readonly table: Table;
  readonly now: () => Date;
  /** From 0 up to but not including 1. */
  readonly random: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly sleep: (ms: number) => Promise<void>;
  /** Reports business events to metrics and the log. */
  readonly report: Report;
}

/** For operations that may move money. */
export interface PaymentDeps extends Deps {
  /** Connects on first use: most calls of a function that may need Stripe do not. */
  readonly stripe: () => Promise<StripePort>;
}
