/** What does not differ between plans. Money is integer US cents, credits are integers. */

/** Credits that are gifts: at sign-up, and with the first payment method. What a plan brings is said in plans.ts. */
export const GRANTED_CREDITS = { trial: 5, firstPaymentMethod: 5 } as const;

/** Credits one merged fix costs. */
export const FIX_CREDITS = 1;

/** At or below this balance a customer is warned. */
export const LOW_BALANCE_CREDITS = 5;

/** An operator's grant above this is confirmed first, and an alarm tells of it. */
export const LARGE_GRANT_CREDITS = 1_000;

/** Cents as people write them: 2900 → "$29.00". */
export function formatUsd(cents: number): string {
  return `$${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}
