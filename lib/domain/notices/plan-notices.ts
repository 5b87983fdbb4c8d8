import type { CustomerHead } from '../customer.ts';
import type { Notice } from '../notice.ts';
import { endingOf, endOfPro, givesPro, type Subscription } from '../subscription.ts';

/* Notices about the Pro subscription. */

/** What the notices need of the head after a change. */
type After = Pick<CustomerHead, 'subscription'>;

/** The end of a Pro subscription. Null if nothing ended: a paused subscription can resume. */
export function subscriptionEnded(before: CustomerHead, after: After, at: Date): Notice | null {
  const { customerId, subscription, balance } = before;
  if (subscription === null || !canGivePro(subscription) || canGivePro(after.subscription)) return null;
  const unpaid = subscription.state === 'past_due' || after.subscription?.state === 'unpaid';
  const atOnce = !unpaid && endingOf(subscription, after.subscription) === 'now';
  return {
    customerId,
    id: subscription.id,
    createdAt: at.toISOString(),
    content: {
      kind: 'subscription_ended',
      subscriptionId: subscription.id,
      unpaid,
      atOnce,
      credits: balance,
    },
  };
}

const canGivePro = (subscription: Subscription | null): boolean =>
  subscription !== null && (givesPro(subscription.state) || subscription.state === 'paused');

/** A cancellation at the period end was set or withdrawn. Null if neither. */
export function cancellationChanged(before: CustomerHead, after: After, at: Date): Notice | null {
  const { customerId, subscription: old, balance: credits, revision } = before;
  const { subscription: now } = after;
  if (old === null || now === null || old.id !== now.id) return null;
  if (!givesPro(old.state) || !givesPro(now.state)) return null;
  if (old.cancelAtPeriodEnd === now.cancelAtPeriodEnd) return null;
  const end = now.currentPeriodEnd;
  return {
    customerId,
    // Each change of the head has its own revision, so the id is unique.
    id: `${now.id}-${revision}`,
    createdAt: at.toISOString(),
    content: now.cancelAtPeriodEnd
      ? { kind: 'pro_cancelled', endsAt: end, credits }
      : { kind: 'pro_resumed', renewsAt: end },
  };
}

/**
 * The start of a trial of Pro, which grants no credits; null for any other change. The head can alternate
 * between two subscriptions, so nothing starts if the one before gave Pro.
 */
export function trialStarted(before: CustomerHead, after: After, at: Date): Notice | null {
  const { customerId, balance: left, subscription: old } = before;
  const { subscription } = after;
  if (subscription?.state !== 'trialing' || old?.id === subscription.id) return null;
  if (old !== null && givesPro(old.state)) return null;
  const renewsAt = subscription.cancelAtPeriodEnd ? null : subscription.currentPeriodEnd;
  return {
    customerId,
    id: subscription.id,
    createdAt: at.toISOString(),
    content: { kind: 'pro_started', amountCents: 0, credits: 0, netted: 0, left, renewsAt },
  };
}

/**
 * A paid invoice has granted credits. Null if all of them were taken back in the same change.
 * @param before the head before the grant
 * @param after the head with the granted credits and the current subscription
 */
export function proPaid(
  before: Pick<CustomerHead, 'customerId' | 'debt'>,
  after: Pick<CustomerHead, 'balance' | 'debt' | 'subscription'>,
  invoice: {
    readonly id: string;
    readonly isFirst: boolean;
    /** Below 0 if it credits more unused time than it charges: then nothing is paid for it. */
    readonly totalCents: number;
    /** Credits that were granted and not taken back. */
    readonly credits: number;
  },
  at: Date,
): Notice | null {
  const { id, isFirst, totalCents, credits } = invoice;
  if (credits <= 0) return null;
  const amountCents = Math.max(0, totalCents);
  const netted = Math.max(0, before.debt - after.debt);
  const facts = { amountCents, credits, netted, left: after.balance, renewsAt: endOfPaidPeriod(after, at) };
  return {
    customerId: before.customerId,
    id,
    createdAt: at.toISOString(),
    content: { kind: isFirst ? 'pro_started' : 'pro_renewed', ...facts },
  };
}

/** Null if the head does not have the period that was just paid, or the subscription ends with it. */
function endOfPaidPeriod({ subscription }: After, at: Date): string | null {
  const end = subscription?.cancelAtPeriodEnd === false ? subscription.currentPeriodEnd : null;
  return end !== null && Date.parse(end) > at.getTime() ? end : null;
}

interface FailedPayment {
  readonly id: string;
  readonly number: string | null;
  readonly amountCents: number;
  readonly attempt: number;
  readonly nextAttemptAt: string | null;
  /** The bank's reason; null if unknown. */
  readonly declineCode: string | null;
  /** The card that was tried; null if unknown. */
  readonly cardKey: string | null;
  /** When the card was tried, in ISO 8601. All events that report one try have the same time. */
  readonly failedAt: string;
}

/**
 * A failed renewal payment: one letter per card and UTC day, however often the card is tried. If the bank
 * only asks the cardholder to confirm, the kind is `renewal_approval`.
 */
export function paymentFailed(
  { customerId, balance }: Pick<CustomerHead, 'customerId' | 'balance'>,
  { subscription }: After,
  invoice: FailedPayment,
  at: Date,
): Notice {
  const { id: invoiceId, number: invoiceNumber, amountCents, cardKey, failedAt, ...failure } = invoice;
  const end = subscription === null ? 0 : endOfPro(subscription);
  const rateEndsAt = end > at.getTime() ? new Date(end).toISOString() : null;
  const unpaid = { invoiceId, invoiceNumber, amountCents, rateEndsAt };
  return {
    customerId,
    id: `${invoiceId}-${failedAt.slice(0, 10)}-${cardKey ?? 'unknown'}`,
    createdAt: at.toISOString(),
    content:
      failure.declineCode === 'authentication_required'
        ? { kind: 'renewal_approval', ...unpaid }
        : { kind: 'payment_failed', ...unpaid, ...failure, credits: balance },
  };
}
