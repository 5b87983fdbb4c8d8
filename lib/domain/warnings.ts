import type { CustomerHead } from './customer.ts';
import type { TriesByCard } from './payments/card-tries.ts';
import {
  type CardRefusal,
  type ChargeRequest,
  cardRefusal,
  chargeObstacles,
  isOverLimit,
} from './payments/charge-obstacles.ts';
import { nextMonthStart, type Spending } from './payments/spending.ts';
import { isSold } from './plans.ts';
import { FIX_CREDITS, formatUsd, LOW_BALANCE_CREDITS } from './pricing.ts';
import { endOfPro, fixPriceAt, planAt, type Subscription } from './subscription.ts';

export const WARNING_CODES = [
  'no_credits_no_card',
  'no_credits',
  'low_credits',
  'past_due',
  'not_collected',
  'free_period',
  'account_disputed',
  'spending_limit_reached',
  'card_declined',
  'credits_owed',
] as const;
export type WarningCode = (typeof WARNING_CODES)[number];

export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
}

/**
 * Warnings that matter before the next fix or purchase; empty if there are none.
 * @param cards recent tries of the customer's cards
 * @param spending of this month
 */
export function accountWarnings(
  head: CustomerHead,
  cards: TriesByCard,
  spending: Spending,
  at: Date,
): Warning[] {
  const { balance, debt, subscription } = head;
  const isDisputed = head.openDisputes.length > 0;
  const wanted = { amountCents: fixPriceAt(head, at), spending };
  const asked = { cards, at, byPerson: false, wanted };
  const refusal = cardRefusal(head, asked);
  const warnings: Warning[] = [];
  if (balance < FIX_CREDITS) warnings.push(outOfCredits(head, asked));
  else if (balance <= LOW_BALANCE_CREDITS) {
    warnings.push({ code: 'low_credits', message: `${creditsOf(balance)} left.` });
  }
  if (subscription?.state === 'past_due') {
    warnings.push({ code: 'past_due', message: pastDueMessage(subscription, isDisputed, at) });
  }
  if (subscription?.state === 'active' && !subscription.collects && at.getTime() >= endOfPro(subscription)) {
    warnings.push({ code: 'not_collected', message: NOT_COLLECTED });
  }
  if (head.freeUntil !== null && at.toISOString() < head.freeUntil && isSold(planAt(head, at))) {
    warnings.push({ code: 'free_period', message: FREE_PERIOD });
  }
  if (isDisputed) warnings.push({ code: 'account_disputed', message: DISPUTED });
  if (isOverLimit(head, wanted)) {
    warnings.push({ code: 'spending_limit_reached', message: limitMessage(spending) });
  }
  if (refusal !== null) warnings.push({ code: 'card_declined', message: declinedMessage(refusal) });
  if (debt > 0) {
    const message = `You owe ${creditsOf(debt)}: the next credits that you get are reduced by that number.`;
    warnings.push({ code: 'credits_owed', message });
  }
  return warnings;
}

const NOT_COLLECTED =
  'Your subscription is active, but no card is charged for it and no period is paid: ' +
  'fixes cost the pay-as-you-go price. Ask support.';

const FREE_PERIOD = 'This period costs $0, so it brought no credits. The first paid period brings them.';

const DISPUTED =
  'A payment is disputed: until it is settled no card is charged, and only credits pay for fixes. ' +
  'Ask support.';

const creditsOf = (count: number): string => (count === 1 ? '1 credit' : `${count} credits`);

/** What happens to the next fix, by the same rules as billing. */
function outOfCredits(head: CustomerHead, asked: ChargeRequest): Warning {
  const [obstacle] = chargeObstacles(head, asked);
  switch (obstacle) {
    case 'no_billing_info': {
      const message =
        'No credits left and no payment method on file: the next fix is blocked. Add a payment method.';
      return { code: 'no_credits_no_card', message };
    }
    case 'account_disputed':
      return {
        code: 'no_credits',
        message: 'No credits left and a payment is disputed: the next fix is blocked.',
      };
    case 'spending_limit_reached':
      return {
        code: 'no_credits',
        message: 'No credits left and the monthly spending limit is reached: the next fix is blocked.',
      };
    case 'card_declined':
      return {
        code: 'no_credits',
        message: 'No credits left and the card was declined: the next fix is blocked.',
      };
    case undefined: {
      const price = formatUsd(fixPriceAt(head, asked.at));
      return { code: 'no_credits', message: `No credits left: the next fix is charged ${price}.` };
    }
    default:
      return obstacle satisfies never;
  }
}

const limitMessage = ({ month }: Spending): string =>
  'The monthly spending limit leaves no room for another fix: only credits pay for fixes until ' +
  `${nextMonthStart(month).slice(0, 10)}. Raise the limit, or wait.`;

function declinedMessage({ retryAt }: CardRefusal): string {
  if (retryAt === null)
    return 'The card was declined, and its bank will not accept it again. Add another card.';
  const time = retryAt.toISOString();
  return `The card was declined. It is not charged again before ${time}. Add another card, or wait.`;
}

function pastDueMessage(subscription: Subscription, isDisputed: boolean, at: Date): string {
  const end = endOfPro(subscription);
  const rate =
    at.getTime() < end
      ? `The Pro rate ends on ${new Date(end).toISOString().slice(0, 10)}`
      : 'The Pro rate has ended';
  return `The last Pro invoice could not be paid. ${rate}. ${howToPay(subscription, isDisputed)}`;
}

/** How the open invoice can be paid, by the same rules as renewals. */
function howToPay({ collects, cancelAtPeriodEnd }: Subscription, isDisputed: boolean): string {
  if (isDisputed) return 'The invoice is not paid while a payment is disputed. Ask support.';
  if (!collects) return 'The invoice is not paid by card. Ask support.';
  if (cancelAtPeriodEnd)
    return 'The subscription is set to end. To keep it, subscribe again: that pays the invoice.';
  return 'Add a card or subscribe again to pay the invoice.';
}
