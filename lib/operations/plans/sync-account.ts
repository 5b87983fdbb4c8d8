import type { CustomerHead, CustomerProfile } from '../../domain/customer.ts';
import { type Notice, paymentFailed, subscriptionEnded } from '../../domain/notice.ts';
import { cardKeyOf } from '../../domain/payments/card-tries.ts';
import { currentSubscription, endOfPro, type ProSubscription, planWith } from '../../domain/subscription.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { type Key, keys } from '../../store/keys.ts';
import { putNewNotice, putNotice } from '../../store/notices.ts';
import { bindStripeId } from '../../store/owners.ts';
import type { Write } from '../../store/table.ts';
import type { DefaultCard, FailedRenewal, StripeAccount } from '../../stripe/port.ts';
import { changeLedger, type Receipt } from '../ledger/change-ledger.ts';

export interface Synced extends Known {
  readonly wrote: boolean;
}

/**
 * Makes the head say what Stripe says now of the customer's card and subscription. Asks Stripe anew every time, so it does
 * not matter which event caused it, how often, or in which order. Safe to repeat.
 * @param failedRenewal that Stripe could not collect for: told in the same transaction, once for each card and day
 * @param of only if this is still the customer's Stripe customer: what an old one does is nobody's business any more
 * @throws StripeFault, BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export async function syncAccount(
  deps: PaymentDeps,
  customerId: string,
  {
    of,
    receipt,
    failedRenewal = null,
  }: {
    readonly of?: string;
    readonly receipt?: Receipt;
    readonly failedRenewal?: ReportedFailure | null;
  } = {},
): Promise<Synced> {
  const { answer, wrote } = await changeLedger<boolean, Known, StripeAccount | null>(deps, {
    customerId,
    relatedKeys: failedRenewal ? [keyOfFailure(customerId, failedRenewal, deps.now())] : [],
    decodeRelated: ([told]) => told !== undefined,
    receipt,
    fetchCurrent: async ({ head: { stripeCustomerId } }) => {
      if (stripeCustomerId === null || (of !== undefined && of !== stripeCustomerId)) return null;
      return (await deps.stripe()).readAccount(stripeCustomerId);
    },
    decide: ({ head, related: isTold }, account) => {
      if (!account) return { kind: 'done', answer: { head, account: null } };
      // Also where it says what the head says: an answer from before, still on its way, must not be written over this one.
      const profile = profileOf(head, account);
      return {
        kind: 'write',
        profile,
        writes: (_, at) => [
          ...bindCard(head, profile),
          ...noticeOfEnd(head, profile, account, at),
          ...(failedRenewal && !isTold
            ? [putNewNotice(failureNotice(head, profile, failedRenewal, at))]
            : []),
        ],
        answer: ({ head: after }) => ({ head: after, account }),
      };
    },
  });
  return { ...answer, wrote };
}

/** A renewal that failed, and when the event says that it did. */
type ReportedFailure = FailedRenewal & { readonly failedAt: string };

interface Known {
  readonly head: CustomerHead;
  /** As Stripe had it when the head was written; null where Stripe was not asked. */
  readonly account: StripeAccount | null;
}

function failureNotice(
  { customerId }: CustomerHead,
  { subscription }: Pick<CustomerProfile, 'subscription'>,
  renewal: ReportedFailure,
  at: Date,
): Notice {
  const end = subscription === null ? 0 : endOfPro(subscription);
  const rateEndsAt = end > at.getTime() ? new Date(end).toISOString() : null;
  return paymentFailed(customerId, { ...renewal, rateEndsAt }, at);
}

/** Two events may report one attempt, and one card may be tried many times a day. */
function keyOfFailure(customerId: string, renewal: ReportedFailure, at: Date): Key {
  const { content, id } = paymentFailed(customerId, { ...renewal, rateEndsAt: null }, at);
  return keys.notice(customerId, content.kind, id);
}

/** All Pro subscriptions of the account, of any state. */
export const subscriptionsOf = (account: StripeAccount | null): readonly ProSubscription[] =>
  account?.kind === 'account' ? account.subscriptions : [];

type AccountProfile = Pick<
  CustomerProfile,
  | 'paymentMethodId'
  | 'cardKey'
  | 'subscription'
  | 'subscriptionType'
  | 'stripeCustomerId'
  | 'formerStripeCustomerId'
>;

/** What the head should say, given what Stripe says. Pure. */
export function profileOf(head: CustomerHead, account: StripeAccount): AccountProfile {
  if (account.kind === 'deleted') {
    // Not the last one heard of: which that was depends on what came when.
    return {
      paymentMethodId: null,
      cardKey: null,
      subscription: null,
      subscriptionType: planWith(null, head.subscriptionType),
      stripeCustomerId: null,
      formerStripeCustomerId: head.stripeCustomerId,
    };
  }
  const subscription = currentSubscription(account.subscriptions);
  return {
    ...cardOnFile(account.card),
    subscription,
    subscriptionType: planWith(subscription, head.subscriptionType),
    stripeCustomerId: head.stripeCustomerId,
    formerStripeCustomerId: head.formerStripeCustomerId,
  };
}

/** A card as the head has it: its id, and what its tries are counted by. */
export const cardOnFile = (
  card: DefaultCard | null,
): Pick<CustomerProfile, 'paymentMethodId' | 'cardKey'> => ({
  paymentMethodId: card?.paymentMethodId ?? null,
  cardKey: card === null ? null : cardKeyOf(card),
});

/** What the customer is told where their subscription is over with this change. */
export function noticeOfEnd(
  head: CustomerHead,
  profile: AccountProfile,
  account: StripeAccount | null,
  at: Date,
): Write[] {
  const { subscription } = head;
  const isReplaced = subscriptionsOf(account).some((one) => one.isReplaced && one.id === subscription?.id);
  const ended = isReplaced ? null : subscriptionEnded(head, profile, at);
  return ended === null ? [] : [putNotice(ended)];
}

/** A card that was put on file elsewhere: an event that names it has to find its owner. */
export function bindCard(
  { customerId, paymentMethodId: before }: CustomerHead,
  { paymentMethodId }: AccountProfile,
) {
  if (paymentMethodId === null || paymentMethodId === before) return [];
  return [bindStripeId(paymentMethodId, customerId)];
}
