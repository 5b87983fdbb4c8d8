import type { Table } from '../store/table.ts';
import type { StripePort } from '../stripe/port.ts';
import type { Report } from './business-events.ts';

/** What an operation may reach besides its input. Tests pass their own clock, randomness and table. */
export interface Deps {
  readonly stage: string;
  readonly table: Table;
  readonly now: () => Date;
  /** From 0 up to but not including 1. */
  readonly random: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly sleep: (ms: number) => Promise<void>;
  /** Tells those who watch the service what happened. */
  readonly report: Report;
}

/** For operations that may move money. */
export interface PaymentDeps extends Deps {
  /** Connected when it is first asked for: most calls of a function that may need Stripe do not. */
  readonly stripe: () => Promise<StripePort>;
}
