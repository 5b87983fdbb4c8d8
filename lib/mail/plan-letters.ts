import { FIX_PRICE_CENTS } from '../domain/plans.ts';
import { formatUsd } from '../domain/pricing.ts';
import { longDay } from './day.ts';
import type { Content, Letter, Sending } from './letter.ts';
import { buttonTo, taskButton } from './places.ts';
import { credits, declineText } from './words.ts';

/* Letters about the Pro subscription and its invoices. */

const WITHOUT_PRO = `a fix without a credit costs ${formatUsd(FIX_PRICE_CENTS.pay_as_you_go)}`;
const ON_PRO = `a fix without a credit costs ${formatUsd(FIX_PRICE_CENTS.pro)}`;

const dayOf = (iso: string): string => longDay(new Date(iso));

const invoiceText = ({ invoiceId, invoiceNumber }: { invoiceId: string; invoiceNumber: string | null }) =>
  `invoice ${invoiceNumber ?? invoiceId}`;

const rateText = (rateEndsAt: string | null): string =>
  rateEndsAt === null
    ? `Your Pro rate has ended: ${WITHOUT_PRO}.`
    : `Your Pro rate ends on ${dayOf(rateEndsAt)} unless the payment arrives by then. After that, ` +
      `${WITHOUT_PRO}.`;

/** The dunning letter: which invoice, how much, why, what comes next, what is left, where to pay or ask. */
export function paymentFailed(content: Content<'payment_failed'>, day: string, sending: Sending): Letter {
  const { amountCents, attempt, nextAttemptAt, rateEndsAt, declineCode, credits: left } = content;
  const which = attempt === 1 ? '' : ` This was attempt number ${attempt}.`;
  return {
    subject: `Your RSOLV Pro payment of ${formatUsd(amountCents)} failed`,
    paragraphs: [
      `On ${day} we could not collect ${formatUsd(amountCents)} for ${invoiceText(content)} of your Pro ` +
        `subscription. ${declineText(declineCode)}${which}`,
      nextAttemptAt === null
        ? 'We will not try again automatically. Without a payment, your subscription ends.'
        : `We will try again on ${dayOf(nextAttemptAt)}.`,
      rateText(rateEndsAt),
      left === null ? 'You keep your credits.' : `You have ${credits(left)} left, and you keep them.`,
    ],
    next: 'Pay the invoice now, or add another card. To ask us anything, reply to this message.',
    button: taskButton('plan', 'Pay the invoice', sending),
  };
}

export function renewalApproval(content: Content<'renewal_approval'>, day: string, sending: Sending): Letter {
  const { amountCents, rateEndsAt } = content;
  return {
    subject: `Confirm your RSOLV Pro payment of ${formatUsd(amountCents)}`,
    paragraphs: [
      `On ${day} your bank asked for your confirmation of ${formatUsd(amountCents)} for ` +
        `${invoiceText(content)} of your Pro subscription. Until you confirm, nothing is charged.`,
      rateText(rateEndsAt),
    ],
    next: 'Confirm the payment, or add another card.',
    button: taskButton('plan', 'Confirm the payment', sending),
  };
}

export function graceEnding({ rateEndsAt }: Content<'grace_ending'>, day: string, sending: Sending): Letter {
  return {
    subject: 'Your RSOLV Pro rate ends soon',
    paragraphs: [
      `As of ${day}, the last invoice of your Pro subscription is not paid.`,
      rateText(rateEndsAt),
    ],
    next: 'Pay the invoice now, or add another card. To ask us anything, reply to this message.',
    button: buttonTo('plan', 'Pay the invoice', sending),
  };
}

const renewsText = (renewsAt: string | null): readonly string[] =>
  renewsAt === null ? [] : [`Pro renews on ${dayOf(renewsAt)}.`];

const nettedText = (netted: number): string =>
  netted === 0 ? '' : ` ${netted.toLocaleString('en-US')} of them made up for credits that you owed.`;

export function proStarted(content: Content<'pro_started'>, day: string, sending: Sending): Letter {
  const { amountCents, credits: brings, netted, left, renewsAt } = content;
  const isTrial = amountCents === 0 && brings === 0;
  return {
    subject: isTrial ? 'Your trial of RSOLV Pro has started' : 'Your RSOLV Pro subscription has started',
    paragraphs: [
      isTrial
        ? `Your trial of Pro started on ${day}. From now on, ${ON_PRO}.`
        : `Your Pro subscription started on ${day}. You paid ${formatUsd(amountCents)}. From now on, ` +
          `${ON_PRO}.`,
      ...(isTrial
        ? []
        : [`We added ${credits(brings)}.${nettedText(netted)} Your balance is ${credits(left)}.`]),
      ...renewsText(renewsAt),
    ],
    next: 'No action needed. You can cancel at any time, and keep your credits.',
    button: buttonTo('plan', 'See your plan', sending),
  };
}

/** Also for a payment within a period, which a change of the subscription causes. */
export function proRenewed(content: Content<'pro_renewed'>, day: string, sending: Sending): Letter {
  const { amountCents, credits: brings, netted, left, renewsAt } = content;
  return {
    subject: `RSOLV Pro: ${formatUsd(amountCents)} paid, ${credits(brings)} added`,
    paragraphs: [
      `On ${day} your payment of ${formatUsd(amountCents)} for Pro arrived. We added ${credits(brings)}.` +
        `${nettedText(netted)} Your balance is ${credits(left)}.`,
      ...renewsText(renewsAt),
    ],
    next: 'No action needed. The invoice is on your billing page.',
    button: buttonTo('documents', 'See the invoice', sending),
  };
}

export function proCancelled(content: Content<'pro_cancelled'>, day: string, sending: Sending): Letter {
  const { endsAt, credits: left } = content;
  const end = endsAt === null ? 'the end of its period' : dayOf(endsAt);
  return {
    subject: 'Your RSOLV Pro subscription is cancelled',
    paragraphs: [
      `On ${day} your Pro subscription was cancelled. It stays active until ${end}: until then, ${ON_PRO}.`,
      `After that, ${WITHOUT_PRO}.${left === 0 ? '' : ` You keep your ${credits(left)}.`}`,
    ],
    next: 'No action needed. To keep Pro, resume it before that day.',
    button: buttonTo('plan', 'Resume Pro', sending),
  };
}

export function proResumed({ renewsAt }: Content<'pro_resumed'>, day: string, sending: Sending): Letter {
  return {
    subject: 'Your RSOLV Pro subscription continues',
    paragraphs: [
      `On ${day} the cancellation of your Pro subscription was withdrawn.`,
      ...renewsText(renewsAt),
    ],
    next: 'No action needed. If you did not expect this, reply to this message.',
    button: buttonTo('plan', 'See your plan', sending),
  };
}

export function subscriptionEnded(
  { unpaid, atOnce, credits: left }: Content<'subscription_ended'>,
  day: string,
  sending: Sending,
): Letter {
  const kept = left === 0 ? '' : ` You keep your ${credits(left)}.`;
  const why = unpaid ? ', because its last invoice was not paid' : '';
  return {
    subject: 'Your RSOLV Pro subscription has ended',
    paragraphs: [
      `Your Pro subscription ended on ${day}${why}.` +
        `${atOnce ? ' It was cancelled with immediate effect.' : ''}${kept}`,
      `From now on, ${WITHOUT_PRO}.`,
    ],
    next: 'You can subscribe again at any time.',
    button: buttonTo('plan', 'See the plans', sending),
  };
}
