import type { ReturnReason } from '../domain/notice.ts';
import type { DisputeOutcome } from '../domain/notices/money-content.ts';
import { formatUsd } from '../domain/pricing.ts';
import type { Content, Letter, Sending } from './letter.ts';
import { approvalButton, buttonTo, taskButton } from './places.ts';
import { credits, declineText, pullRequestLink, pullRequestText } from './words.ts';

/* Letters about charges for fixes, and about money that goes back. */

export function cardDeclined(content: Content<'card_declined'>, day: string, sending: Sending): Letter {
  const { amountCents, declineCode, fixId, ...pullRequest } = content;
  const isAsked = declineCode === 'authentication_required';
  const outcome = isAsked ? '' : ', and it was declined';
  return {
    subject: isAsked
      ? `RSOLV: confirm a payment of ${formatUsd(amountCents)}`
      : 'RSOLV: your card was declined for a fix',
    paragraphs: [
      `On ${day} we tried to charge your card ${formatUsd(amountCents)} for the fix in ` +
        `${pullRequestText(pullRequest)}${outcome}. ${declineText(declineCode)}`,
      'Nothing was charged.',
    ],
    next: isAsked
      ? 'Confirm the payment: the fix is then billed. Or add another card, and bill the fix on the ' +
        'billing page.'
      : 'Add another card. You can then bill the fix on the billing page.',
    links: pullRequestLink(pullRequest),
    button: isAsked ? approvalButton(fixId, sending) : taskButton('card', 'Add another card', sending),
  };
}

/** Stripe's own receipt has a link that opens without signing in, so only the page shows that link. */
export function receipt(content: Content<'receipt'>, day: string, sending: Sending): Letter {
  const { amountCents, ...pullRequest } = content;
  return {
    subject: `RSOLV receipt: ${formatUsd(amountCents)} for fix #${pullRequest.prNumber}`,
    paragraphs: [
      `On ${day} we charged your card ${formatUsd(amountCents)} for the merged fix in ` +
        `${pullRequestText(pullRequest)}.`,
    ],
    next: 'No action needed. The receipt is on your billing page.',
    links: pullRequestLink(pullRequest),
    button: buttonTo('documents', 'See the receipt', sending),
  };
}

export function refundMade(content: Content<'refund_made'>, day: string, sending: Sending): Letter {
  const { amountCents, isDouble, pullRequest } = content;
  const amount = formatUsd(amountCents);
  const which = pullRequest === null ? 'a fix' : `the fix in ${pullRequestText(pullRequest)}`;
  return {
    subject: `RSOLV: ${amount} refunded`,
    paragraphs: [
      isDouble
        ? `A fix was paid twice. On ${day} the second payment of ${amount} was returned to you.`
        : `On ${day} ${amount} of your payment for ${which} was returned to your card.`,
      'Banks show a refund after 5 to 10 days.',
    ],
    next: 'No action needed.',
    links: pullRequest === null ? [] : pullRequestLink(pullRequest),
    button: buttonTo('documents', 'See the refund', sending),
  };
}

export function dispute(content: Content<'dispute'>, day: string, sending: Sending): Letter {
  const { amountCents, disputeId } = content;
  return {
    subject: `RSOLV: a payment of ${formatUsd(amountCents)} is disputed`,
    paragraphs: [
      `On ${day} your bank told us that a payment of ${formatUsd(amountCents)} is disputed (${disputeId}).`,
      'Until the dispute is settled, we do not charge your cards. You can still spend your credits. We ' +
        'may remove the credits that the payment paid for.',
    ],
    next: 'If the dispute is a mistake, tell your bank and reply to this message.',
    button: buttonTo('documents', 'See the dispute', sending),
  };
}

/** The customer's bank decides for the customer, or for us. */
const OUTCOMES: Readonly<Record<DisputeOutcome, string>> = {
  won: 'was decided for RSOLV: the payment stands, and the bank returned the money to us.',
  lost: 'was decided for you: you keep the money that your bank returned to you.',
  closed: 'was closed. No money moved.',
};

export function disputeClosed(content: Content<'dispute_closed'>, day: string, sending: Sending): Letter {
  const { amountCents, disputeId, outcome } = content;
  return {
    subject: `RSOLV: the dispute of ${formatUsd(amountCents)} is closed`,
    paragraphs: [
      `On ${day} the dispute ${disputeId} of ${formatUsd(amountCents)} ${OUTCOMES[outcome]}`,
      'It no longer keeps us from charging your card. If another dispute is open, that one still does.',
    ],
    next: 'No action needed. Reply to this message if you think this is wrong.',
    button: buttonTo('documents', 'See the dispute', sending),
  };
}

/** How the money was returned, as the end of a sentence. */
const RETURNS: Readonly<Record<ReturnReason, string>> = {
  refund: 'refunded',
  dispute: 'withdrawn by your bank in a dispute',
  credit_note: 'credited to you with a credit note',
  plan_change: 'credited to you when your subscription changed',
};

export function creditsRemoved(content: Content<'credits_removed'>, day: string, sending: Sending): Letter {
  const { removed, owed, left, returnedCents, reasons, invoiceId } = content;
  const how = reasons.length === 0 ? 'returned' : reasons.map((reason) => RETURNS[reason]).join(' and ');
  const debt =
    owed === 0 ? '' : ` You owe ${credits(owed)}: the next credits that you get are reduced by this number.`;
  const what =
    removed === 0 ? 'no credits, because none were left' : `${credits(removed)} that this money paid for`;
  return {
    subject:
      removed === 0
        ? `RSOLV: you owe ${credits(owed)}`
        : `RSOLV: ${credits(removed)} removed from your account`,
    paragraphs: [
      `${formatUsd(returnedCents)} of your payment for invoice ${invoiceId} was ${how}.`,
      `On ${day} we removed ${what}. Your balance is ${credits(left)}.${debt}`,
    ],
    next: 'No action needed. Reply to this message if you think this is wrong.',
    button: buttonTo('statement', 'See the statement', sending),
  };
}
