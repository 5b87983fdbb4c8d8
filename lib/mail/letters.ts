import type { Notice, NoticeContent, ReturnReason, WithoutCredits } from '../domain/notice.ts';
import { FIX_PRICE_CENTS, PLANS, type SoldPrices, soldPriceOf } from '../domain/plans.ts';
import { formatUsd, GRANTED_CREDITS } from '../domain/pricing.ts';
import { keyIssued, keyRevoked, signIn } from './access-letters.ts';
import { addressChanged, closingAsked, confirmAddress } from './account-letters.ts';
import { longDay } from './day.ts';
import { digest } from './digest-letter.ts';
import type { Letter } from './letter.ts';
import { limitChanged, limitNear, limitReached } from './limit-letters.ts';

/**
 * The letter of a notice. Pure: the same notice and prices always make the same letter.
 * @param url for a letter that signs in or confirms an address
 * @param quoted for a digest: the letters of its first notices
 */
export function letterOf(
  { content, createdAt }: Pick<Notice, 'content' | 'createdAt'>,
  prices: SoldPrices,
  url?: string,
  quoted: readonly Letter[] = [],
): Letter {
  const day = longDay(new Date(createdAt));
  switch (content.kind) {
    case 'low_balance':
      return lowBalance(content, day, prices);
    case 'exhausted':
      return exhausted(content, day, prices);
    case 'fix_blocked':
      return fixBlocked(content, day);
    case 'card_declined':
      return cardDeclined(content, day);
    case 'payment_failed':
      return paymentFailed(content, day);
    case 'subscription_ended':
      return subscriptionEnded(content, day);
    case 'dispute':
      return dispute(content, day);
    case 'credits_removed':
      return creditsRemoved(content, day);
    case 'limit_near':
      return limitNear(content, day);
    case 'limit_reached':
      return limitReached(content, day);
    case 'limit_changed':
      return limitChanged(content, day);
    case 'key_issued':
      return keyIssued(content, day, url);
    case 'key_revoked':
      return keyRevoked(content, day);
    case 'sign_in':
      return signIn(url, day);
    case 'confirm_address':
      return confirmAddress(url, day);
    case 'address_changed':
      return addressChanged(day);
    case 'closing_asked':
      return closingAsked(content, day);
    case 'digest':
      return digest(content, quoted, day);
    default:
      return content satisfies never;
  }
}

type Content<K extends NoticeContent['kind']> = Extract<NoticeContent, { readonly kind: K }>;

/** 1 → "1 credit", 60 → "60 credits". */
const credits = (count: number): string => `${count.toLocaleString('en-US')} credit${count === 1 ? '' : 's'}`;

/** The Pro offer at the time the letter is sent. */
function proOffer(prices: SoldPrices): string {
  const { credits: brings, monthCents } = soldPriceOf(prices, 'pro');
  return `Pro includes ${credits(brings)} each month, for ${formatUsd(monthCents)}.`;
}

const SETTLE_DISPUTE = 'Reply to this message so that we can resolve the dispute together.';

const withoutCredits = ({ hasCard, isDisputed, isOverLimit, isDeclined, rate }: WithoutCredits): string => {
  if (!hasCard) return 'fixes are blocked, because no card is on file.';
  if (isDisputed) return 'fixes are blocked: no card is charged while a payment is disputed with your bank.';
  if (isOverLimit) return 'fixes are blocked, because your spending limit of this month is reached.';
  if (isDeclined) return 'fixes may be blocked, because your card was declined when we last charged it.';
  return `each merged fix is charged to your card: ${formatUsd(FIX_PRICE_CENTS[rate])}.`;
};

const nextFor = (facts: WithoutCredits, prices: SoldPrices): string => {
  const { hasCard, isDisputed, isOverLimit, isDeclined, rate } = facts;
  if (!hasCard) {
    const offer = `Your first card earns ${credits(GRANTED_CREDITS.firstPaymentMethod)}.`;
    return `Add a card so that your fixes are not blocked. ${offer}`;
  }
  if (isDisputed) return SETTLE_DISPUTE;
  if (isOverLimit) return 'Raise the limit with PUT /api/v1/spending-limit, or wait until next month.';
  if (isDeclined) return 'Add another card so that your fixes are not blocked.';
  return PLANS[rate].sold !== null ? 'No action needed.' : `No action needed. ${proOffer(prices)}`;
};

function lowBalance(
  { credits: left, ...facts }: Content<'low_balance'>,
  day: string,
  prices: SoldPrices,
): Letter {
  return {
    subject: `${credits(left)} left`,
    paragraphs: [
      `As of ${day}, your account has ${credits(left)} left. Each merged fix takes one.`,
      `After that, ${withoutCredits(facts)}`,
    ],
    next: nextFor(facts, prices),
  };
}

function exhausted(facts: Content<'exhausted'>, day: string, prices: SoldPrices): Letter {
  return {
    subject: 'No credits left',
    paragraphs: [`As of ${day}, your account has no credits left.`, `From now on, ${withoutCredits(facts)}`],
    next: nextFor(facts, prices),
  };
}

function fixBlocked({ reason, repo, prNumber }: Content<'fix_blocked'>, day: string): Letter {
  const subject = `A merged fix is waiting: ${repo} #${prNumber}`;
  const merged =
    `The fix in ${repo}, pull request ${prNumber}, could not be billed on ${day}. Your ` +
    'account has no credits';
  if (reason === 'account_disputed') {
    return {
      subject,
      paragraphs: [`${merged}, and no card is charged while a payment is disputed with your bank.`],
      next: `${SETTLE_DISPUTE} Nothing was charged.`,
    };
  }
  if (reason === 'spending_limit_reached') {
    return {
      subject,
      paragraphs: [
        `${merged}, and your monthly spending limit leaves no room for another charge. Nothing was charged.`,
      ],
      next: 'Raise the limit with PUT /api/v1/spending-limit. RSOLV then bills the fix at its next attempt.',
    };
  }
  return {
    subject,
    paragraphs: [`${merged} and no card on file. Nothing was charged.`],
    next: 'Add a card. RSOLV then bills the fix at its next attempt.',
  };
}

/** The bank's reason, if it helps the reader. A bank's suspicion is not passed on. */
const DECLINES: Readonly<Record<string, string>> = {
  insufficient_funds: 'There were not enough funds.',
  expired_card: 'The card has expired.',
  incorrect_cvc: 'The security code was wrong.',
  card_velocity_exceeded: 'The card has reached its limit.',
  processing_error: "The bank's systems made an error.",
  authentication_required: 'The bank asks you to confirm the payment yourself.',
};

function cardDeclined(content: Content<'card_declined'>, day: string): Letter {
  const { amountCents, declineCode, repo, prNumber } = content;
  const why = DECLINES[declineCode ?? ''] ?? 'The bank did not say why.';
  return {
    subject: `Your card was declined for a fix in ${repo}`,
    paragraphs: [
      `On ${day} we tried to charge your card ${formatUsd(amountCents)} for the fix in ${repo}, pull ` +
        `request ${prNumber}, and it was declined. ${why}`,
      'Nothing was charged.',
    ],
    next:
      declineCode === 'authentication_required'
        ? 'Confirm the payment in RSOLV, or add another card. The fix is then billed.'
        : 'Add another card. RSOLV then bills the fix at its next attempt.',
  };
}

function paymentFailed(content: Content<'payment_failed'>, day: string): Letter {
  const { amountCents, attempt, nextAttemptAt, rateEndsAt } = content;
  const which = attempt === 1 ? '' : ` This was attempt number ${attempt}.`;
  return {
    subject: `Your Pro payment of ${formatUsd(amountCents)} did not go through`,
    paragraphs: [
      `On ${day} we could not collect ${formatUsd(amountCents)} for your Pro subscription.${which}`,
      nextAttemptAt === null
        ? 'We will not try again automatically. Without a payment, your subscription ends. You keep your ' +
          'credits.'
        : `We will try again on ${longDay(new Date(nextAttemptAt))}.`,
      rateEndsAt === null
        ? `Your Pro rate has ended: a fix without a credit costs ${formatUsd(FIX_PRICE_CENTS.pay_as_you_go)}.`
        : `Your Pro rate ends on ${longDay(new Date(rateEndsAt))} unless the payment arrives by then.`,
    ],
    next: 'Check the card on file, or add another one.',
  };
}

function subscriptionEnded({ unpaid, credits: left }: Content<'subscription_ended'>, day: string): Letter {
  const kept = left === 0 ? '' : ` You keep your ${credits(left)}.`;
  return {
    subject: 'Your Pro subscription has ended',
    paragraphs: [
      'Your Pro subscription ended on ' +
        `${day}${unpaid ? ', because its last invoice was not paid' : ''}.${kept}`,
      `A fix without a credit now costs ${formatUsd(FIX_PRICE_CENTS.pay_as_you_go)}.`,
    ],
    next: 'You can subscribe again at any time.',
  };
}

function dispute({ amountCents, disputeId }: Content<'dispute'>, day: string): Letter {
  return {
    subject: `A payment of ${formatUsd(amountCents)} is disputed`,
    paragraphs: [
      `On ${day} your bank told us that a payment of ${formatUsd(amountCents)} is disputed (${disputeId}).`,
      'Until the dispute is settled, we do not charge your cards. You can still spend your credits. We ' +
        'may remove the credits that the payment paid for.',
    ],
    next: 'If the dispute is a mistake, tell your bank and reply to this message.',
  };
}

/** How the money was returned, as the end of a sentence. */
const RETURNS: Readonly<Record<ReturnReason, string>> = {
  refund: 'refunded',
  dispute: 'withdrawn by your bank in a dispute',
  credit_note: 'credited to you with a credit note',
  plan_change: 'credited to you when your subscription changed',
};

function creditsRemoved(content: Content<'credits_removed'>, day: string): Letter {
  const { removed, owed, left, returnedCents, reasons, invoiceId } = content;
  const how = reasons.length === 0 ? 'returned' : reasons.map((reason) => RETURNS[reason]).join(' and ');
  const debt = owed === 0 ? '' : ` You owe ${credits(owed)}: your next grant is reduced by this number.`;
  const what =
    removed === 0 ? 'no credits, because none were left' : `${credits(removed)} that this money paid for`;
  return {
    subject: removed === 0 ? `You owe ${credits(owed)}` : `${credits(removed)} removed from your account`,
    paragraphs: [
      `${formatUsd(returnedCents)} of your payment for invoice ${invoiceId} was ${how}.`,
      `On ${day} we removed ${what}. Your balance is ${credits(left)}.${debt}`,
    ],
    next: 'No action needed. Reply to this message if you think this is wrong.',
  };
}
