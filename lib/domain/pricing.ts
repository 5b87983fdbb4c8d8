/** Every number of the price list. Money is integer US cents, credits are integers. */

export type SubscriptionType = 'trial' | 'pay_as_you_go' | 'pro';
export type FixRate = 'pay_as_you_go' | 'pro';

/** Credits granted: at sign-up, with the first payment method, and with each paid Pro invoice. */
export const GRANTED_CREDITS = { trial: 5, firstPaymentMethod: 5, proInvoice: 60 } as const;

/** Credits one merged fix costs. */
export const FIX_CREDITS = 1;

/** What a fix costs when no credits are left. */
export const FIX_PRICE_CENTS: Readonly<Record<FixRate, number>> = { pay_as_you_go: 2900, pro: 1500 };

export const PRO_MONTH_CENTS = 59_900;

/** At or below this balance a customer is warned. */
export const LOW_BALANCE_CREDITS = 5;

/** An operator's grant above this is confirmed first, and an alarm tells of it. */
export const LARGE_GRANT_CREDITS = 1_000;

/** The rate an out-of-credits fix is charged at; a trial customer with a card pays as they go. */
export function fixRate(subscriptionType: SubscriptionType): FixRate {
  switch (subscriptionType) {
    case 'pro':
      return 'pro';
    case 'trial':
    case 'pay_as_you_go':
      return 'pay_as_you_go';
    default:
      return subscriptionType satisfies never;
  }
}

/** Cents as people write them: 2900 → "$29.00". */
export function formatUsd(cents: number): string {
  return `$${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}
