import type { Table } from '../store/table.ts';
import type { StripePort } from '../stripe/port.ts';

/** What an operation may reach besides its input. Tests pass their own clock, randomness and table. */
export interface Deps {
  readonly stage: string;
  readonly table: Table;
  readonly now: () => Date;
  /** From 0 up to but not including 1. */
  readonly random: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly sleep: (ms: number) => Promise<void>;
}

/** For operations that may move money. */
export interface PaymentDeps extends Deps {
  /** Connected when it is first asked for: most calls of a function that may need Stripe do not. */
  readonly stripe: () => Promise<StripePort>;
  /** Tells those who watch the service what happened to money, whichever way it came about. */
  readonly report: (happened: MoneyEvent) => void;
}

export interface MoneyEvent {
  /** A fix was paid for by card; a card was refused, or its bank wants the cardholder; a second payment of a fix went back. */
  readonly kind: 'fix_charged' | 'charge_declined' | 'double_payment_returned';
  readonly customerId: string;
  readonly fixAttemptId: string;
  /** Null where Stripe refused before there was any. */
  readonly paymentIntentId: string | null;
  /** US cents. */
  readonly amountCents: number;
}
