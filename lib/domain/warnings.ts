import type { CustomerHead } from './customer.ts';
import { FIX_PRICE_CENTS, fixRate } from './plans.ts';
import { FIX_CREDITS, formatUsd, LOW_BALANCE_CREDITS } from './pricing.ts';
import { endOfPro, planAt, type Subscription } from './subscription.ts';

export type WarningCode = 'no_credits_no_card' | 'no_credits' | 'low_credits' | 'past_due';

export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
}

/** What the customer should know before their next fix; empty when all is well. */
export function accountWarnings(head: CustomerHead, at: Date): Warning[] {
  const warnings: Warning[] = [];
  const price = formatUsd(FIX_PRICE_CENTS[fixRate(planAt(head, at))]);
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
    warnings.push({ code: 'past_due', message: pastDueMessage(head.subscription, at) });
  }
  return warnings;
}

function pastDueMessage(subscription: Subscription, at: Date): string {
  const end = endOfPro(subscription);
  const rate =
    at.getTime() < end
      ? `The Pro rate ends on ${new Date(end).toISOString().slice(0, 10)}`
      : 'The Pro rate has ended';
  return `The last Pro invoice could not be paid. ${rate}. Add a card to pay the invoice.`;
}
