import type { WithoutCredits } from '../domain/notice.ts';
import type { FixObstacle } from '../domain/payments/charge-obstacles.ts';
import { FIX_PRICE_CENTS, PLANS, type SoldPrices, soldPriceOf } from '../domain/plans.ts';
import { formatUsd, GRANTED_CREDITS } from '../domain/pricing.ts';
import type { Content, Letter, Link, Sending } from './letter.ts';
import { buttonTo, taskButton } from './places.ts';
import { counted, credits, pullRequestLink, pullRequestText } from './words.ts';

/* Letters about few credits, none, and fixes that wait for them. */

/** The Pro offer at the time the letter is sent. */
function proOffer(prices: SoldPrices): string {
  const { credits: brings, monthCents } = soldPriceOf(prices, 'pro');
  return `Pro includes ${credits(brings)} each month, for ${formatUsd(monthCents)}.`;
}

const SETTLE_DISPUTE = 'Reply to this message so that we can resolve the dispute together.';
const FIRST_CARD = `The first card of an account earns ${credits(GRANTED_CREDITS.firstPaymentMethod)}.`;

const withoutCredits = ({ hasCard, isDisputed, isOverLimit, isDeclined, rate }: WithoutCredits): string => {
  if (!hasCard) return 'fixes are blocked, because no card is on file.';
  if (isDisputed) return 'fixes are blocked: no card is charged while a payment is disputed with your bank.';
  if (isOverLimit) return 'fixes are blocked, because your spending limit of this month is reached.';
  if (isDeclined) return 'fixes may be blocked, because your card was declined when we last charged it.';
  return `each merged fix is charged to your card: ${formatUsd(FIX_PRICE_CENTS[rate])}.`;
};

/** What can be done, and where. */
function stepAfter(
  facts: WithoutCredits,
  prices: SoldPrices,
  sending: Sending,
): { readonly next: string; readonly button: Link } {
  const { hasCard, isDisputed, isOverLimit, isDeclined, rate } = facts;
  if (!hasCard) {
    const next = `Add a card so that your fixes are not blocked. ${FIRST_CARD}`;
    return { next, button: taskButton('card', 'Add a card', sending) };
  }
  if (isDisputed) return { next: SETTLE_DISPUTE, button: disputesButton(sending) };
  if (isOverLimit)
    return { next: 'Raise the limit so that your fixes are not blocked.', button: limitButton(sending) };
  if (isDeclined) {
    const next = 'Add another card so that your fixes are not blocked.';
    return { next, button: taskButton('card', 'Add another card', sending) };
  }
  if (PLANS[rate].sold !== null)
    return { next: 'No action needed.', button: buttonTo('account', 'See your credits', sending) };
  const next = `No action needed. ${proOffer(prices)}`;
  return { next, button: buttonTo('plan', 'See your plan', sending) };
}

const disputesButton = (sending: Sending): Link => buttonTo('documents', 'See the dispute', sending);
const limitButton = (sending: Sending): Link => buttonTo('limit', 'Change the limit', sending);

export function lowBalance(
  { credits: left, ...facts }: Content<'low_balance'>,
  day: string,
  prices: SoldPrices,
  sending: Sending,
): Letter {
  return {
    subject: `RSOLV: ${credits(left)} left`,
    paragraphs: [
      `As of ${day}, your account has ${credits(left)} left. Each merged fix takes one.`,
      `With no credits left, ${withoutCredits(facts)}`,
    ],
    ...stepAfter(facts, prices, sending),
  };
}

export function exhausted(
  facts: Content<'exhausted'>,
  day: string,
  prices: SoldPrices,
  sending: Sending,
): Letter {
  const { waitingFixes: waiting = 0 } = sending;
  return {
    subject: waiting === 0 ? 'RSOLV: no credits left' : `RSOLV: no credits left, ${waitingText(waiting)}`,
    paragraphs: [
      `As of ${day}, your account has no credits left.`,
      `From now on, ${withoutCredits(facts)}`,
      ...(waiting === 0 ? [] : [`${capital(waitingText(waiting))}. Nothing was charged.`]),
    ],
    ...stepAfter(facts, prices, sending),
  };
}

/** More are not counted. */
const MAX_COUNTED_WAITING = 100;

const waitingText = (count: number): string =>
  count >= MAX_COUNTED_WAITING
    ? `${MAX_COUNTED_WAITING} or more merged fixes are waiting`
    : `${counted(count, 'merged fix').replace('fixs', 'fixes')} ${count === 1 ? 'is' : 'are'} waiting`;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Why the fix was not charged, and what can be done, and where. */
const BLOCKED: Readonly<
  Record<
    FixObstacle,
    { readonly why: string; readonly next: string; readonly button: (sending: Sending) => Link }
  >
> = {
  no_billing_info: {
    why: ' and no card on file',
    next: `Add a card. You can then bill what is waiting, on the billing page. ${FIRST_CARD}`,
    button: (sending) => taskButton('card', 'Add a card', sending),
  },
  account_disputed: {
    why: ', and no card is charged while a payment is disputed with your bank',
    next: SETTLE_DISPUTE,
    button: disputesButton,
  },
  spending_limit_reached: {
    why: ', and your monthly spending limit leaves no room for another charge',
    next: 'Raise the limit. You can then bill what is waiting, on the billing page.',
    button: limitButton,
  },
};

/** Also says that no credits are left, so the two are one letter. */
export function fixBlocked(
  { reason, ...pullRequest }: Content<'fix_blocked'>,
  day: string,
  sending: Sending,
): Letter {
  const { why, next, button } = BLOCKED[reason];
  const waiting = sending.waitingFixes ?? 1;
  const others = waiting === 1 ? [] : [`In all, ${waitingText(waiting)}.`];
  return {
    subject: `RSOLV: no credits left, ${waitingText(waiting)}`,
    paragraphs: [
      `The merged fix in ${pullRequestText(pullRequest)}, could not be billed on ${day}. Your account has ` +
        `no credits left${why}. Nothing was charged.`,
      ...others,
      'We send this message once. Further fixes that wait for the same reason are on your billing page.',
    ],
    next,
    links: pullRequestLink(pullRequest),
    button: button(sending),
  };
}
