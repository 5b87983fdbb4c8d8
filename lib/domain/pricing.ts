/** Amounts that are the same for all plans. Money is integer US cents; credits are integers. */

/** Free credits: at sign-up, and with the first payment method. plans.ts has the credits of plans. */
export const GRANTED_CREDITS = { trial: 5, firstPaymentMethod: 5 } as const;

/** Credits that one merged fix costs. */
export const FIX_CREDITS = 1;

/** A customer is warned at or below this balance. */
export const LOW_BALANCE_CREDITS = 5;

/** An operator's grant above this needs confirmation and raises an alarm. */
export const LARGE_GRANT_CREDITS = 1_000;

/** Formats cents: 2900 → "$29.00", 179700 → "$1,797.00". */
export function formatUsd(cents: number): string {
  const dollars = Math.trunc(cents / 100).toLocaleString('en-US');
  return `$${dollars}.${String(cents % 100).padStart(2, '0')}`;
}
