import type { CustomerHead, CustomerProfile } from '../../domain/customer.ts';
import type { Notice } from '../../domain/notice.ts';
import { cardChanged } from '../../domain/notices/card-notices.ts';
import {
  cancellationChanged,
  paymentFailed,
  subscriptionEnded,
  trialStarted,
} from '../../domain/notices/plan-notices.ts';
import { newReminders } from '../../domain/notices/reminders.ts';
import { cardKeyOf } from '../../domain/payments/card-tries.ts';
import { currentSubscription, type ProSubscription, planWith } from '../../domain/subscription.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { type Key, keys } from '../../store/keys.ts';
import { putNewNotice, putNotice, scheduleNotice } from '../../store/notices.ts';
import { bindStripeId } from '../../store/owners.ts';
import type { Write } from '../../store/table.ts';
import type { DefaultCard, FailedRenewal, StripeAccount } from '../../stripe/port.ts';
import { changeLedger, type Receipt } from '../ledger/change-ledger.ts';

export interface Synced extends Known {
  readonly wrote: boolean;
}

/**
 * Copies the customer's card and subscription from Stripe to the head. Reads Stripe each time, so cause,
 * number and order of events do not matter. Idempotent.
 * @param failedRenewal a renewal that Stripe could not collect; its notice is stored in the same transaction,
 * once per card and day
 * @param of syncs only if this is still the customer's Stripe customer; changes of a former one do not count
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
    decide: ({ head, related: isNotified }, account) => {
      if (!account) return { kind: 'done', answer: { head, account: null } };
      // Writes even if nothing changed, so that a concurrent call cannot write an older answer over this one.
      const profile = profileOf(head, account);
      return {
        kind: 'write',
        profile,
        writes: (_, at) => [
          ...accountWrites(head, profile, account, at),
          ...(failedRenewal && !isNotified
            ? [putNewNotice(paymentFailed(head, profile, failedRenewal, at))]
            : []),
        ],
        answer: ({ head: after }) => ({ head: after, account }),
      };
    },
  });
  return { ...answer, wrote };
}

/** A failed renewal, and the time of its event. */
type ReportedFailure = FailedRenewal & { readonly failedAt: string };

interface Known {
  readonly head: CustomerHead;
  /** As Stripe had it when the head was written; null if Stripe was not asked. */
  readonly account: StripeAccount | null;
}

/**
 * One notice per card and day: two events may report one attempt, and a card may be tried many times a day.
 */
function keyOfFailure(customerId: string, renewal: ReportedFailure, at: Date): Key {
  const { content, id } = paymentFailed({ customerId, balance: 0 }, { subscription: null }, renewal, at);
  return keys.notice(customerId, content.kind, id);
}

/** All Pro subscriptions of the account, of any state. */
export const subscriptionsOf = (account: StripeAccount | null): readonly ProSubscription[] =>
  account?.kind === 'account' ? account.subscriptions : [];

type AccountProfile = Pick<
  CustomerProfile,
  | 'paymentMethodId'
  | 'cardKey'
  | 'cardExpires'
  | 'subscription'
  | 'subscriptionType'
  | 'stripeCustomerId'
  | 'formerStripeCustomerId'
>;

/** The head's fields as they follow from the Stripe account. Pure. */
export function profileOf(head: CustomerHead, account: StripeAccount): AccountProfile {
  if (account.kind === 'deleted') {
    // Cleared rather than kept as last seen, because the last state seen depends on the order of events.
    return {
      paymentMethodId: null,
      cardKey: null,
      cardExpires: null,
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

/** A card as the head stores it: its id, the key that its tries are counted by, and its last month. */
export const cardOnFile = (
  card: DefaultCard | null,
): Pick<CustomerProfile, 'paymentMethodId' | 'cardKey' | 'cardExpires'> => ({
  paymentMethodId: card?.paymentMethodId ?? null,
  cardKey: card === null ? null : cardKeyOf(card),
  cardExpires: card?.expires ?? null,
});

/**
 * The writes that accompany a profile copied from the account: the binding of a new card, and the notices of
 * every change of the card and of the subscription.
 */
export const accountWrites = (
  head: CustomerHead,
  profile: AccountProfile,
  account: StripeAccount | null,
  at: Date,
): Write[] => [
  ...bindCard(head, profile),
  ...[
    cardChanged(head, profile.paymentMethodId, at),
    cancellationChanged(head, profile, at),
    trialStarted(head, profile, at),
    endOfSubscription(head, profile, account, at),
  ].flatMap((notice) => (notice === null ? [] : [putNotice(notice)])),
  ...newReminders(head, profile, at).map(({ notice, sendAt }) => scheduleNotice(notice, sendAt)),
];

/** Null for a subscription that another one replaces: the other one's letter says what is new. */
function endOfSubscription(
  head: CustomerHead,
  profile: AccountProfile,
  account: StripeAccount | null,
  at: Date,
): Notice | null {
  const { subscription } = head;
  const isReplaced = subscriptionsOf(account).some((one) => one.isReplaced && one.id === subscription?.id);
  return isReplaced ? null : subscriptionEnded(head, profile, at);
}

/** Binds a card that was added elsewhere, so that events which name the card find their owner. */
export function bindCard(
  { customerId, paymentMethodId: before }: CustomerHead,
  { paymentMethodId }: AccountProfile,
) {
  if (paymentMethodId === null || paymentMethodId === before) return [];
  return [bindStripeId(paymentMethodId, customerId)];
}
