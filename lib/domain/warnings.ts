import type { CustomerHead } from './customer.ts';
import { FIX_PRICE_CENTS, fixRate } from './plans.ts';
import { FIX_CREDITS, formatUsd, LOW_BALANCE_CREDITS } from './pricing.ts';

export type WarningCode = 'no_credits_no_card' | 'no_credits' | 'low_credits' | 'past_due';

export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
}

/** What the customer should know before their next fix; empty when all is well. */
export function accountWarnings(head: CustomerHead): Warning[] {
  const warnings: Warning[] = [];
  const price = formatUsd(FIX_PRICE_CENTS[fixRate(head.subscriptionType)]);
  if (head.balance < FIX_CREDITS && head.paymentMethodId === null) {
    const message =
      'No credits left and no payment method on file: the next fix is blocked. Add a payment method.';
    warnings.push({ code: 'no_credits_no_card', message });
  } else if (head.balance < FIX_CREDITS) {
    warnings.push({ code: 'no_credits', message: `No credits left: the next fix is charged ${price}.` });
  } else if (head.balance <= LOW_BALANCE_CREDITS) {
    const credits = head.balance === 1 ? '1 credit' : `${head.balance} credits`;
    warnings.push({ code: 'low_credits', message: `${credits} left.` });
  }
  if (head.subscription?.state === 'past_due') {
    const message = 'The last Pro invoice could not be paid. Update the payment method to keep the Pro rate.';
    warnings.push({ code: 'past_due', message });
  }
  return warnings;
}
