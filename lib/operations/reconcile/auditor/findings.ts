import type { Violation } from '../../../domain/ledger-records.ts';

/** A difference between Stripe's money and the ledger. Each one breaks invariant 5. */
export const moneyDifference = (message: string, seq: number | null = null): Violation => ({
  invariant: 5,
  seq,
  message,
});

/** A difference between the head and Stripe. It breaks no invariant of the ledger. */
export const headDifference = (message: string): Violation => ({ invariant: null, seq: null, message });
