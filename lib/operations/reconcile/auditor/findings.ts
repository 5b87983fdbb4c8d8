import type { Violation } from '../../../domain/ledger-records.ts';

/** A difference between Stripe's money and the ledger. Every one of them breaks invariant 5. */
export const difference = (message: string, seq: number | null = null): Violation => ({
  invariant: 5,
  seq,
  message,
});

/** What the head says otherwise than Stripe: no invariant of the ledger. */
export const otherwise = (message: string): Violation => ({ invariant: null, seq: null, message });
