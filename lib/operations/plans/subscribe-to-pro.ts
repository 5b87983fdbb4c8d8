import type { CustomerHead } from '../../domain/customer.ts';
import type { SoldPlan } from '../../domain/plans.ts';
import { givesPro, goingOn, isOver } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { readHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { keepOrder, type ProOrder } from '../../store/orders.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { askStripe, cardDeclined } from '../payments/payment-problems.ts';
import { finishOrder, orderOf, payingCustomer } from './finish-order.ts';
import { payRenewal } from './pay-renewal.ts';
import { subscriptionsOf, syncAccount } from './sync-account.ts';
import { useDefaultCard } from './use-default-card.ts';

export interface ProSubscribed {
  /** Whether this call stored the outcome of the order: of several concurrent calls, one. */
  readonly created: boolean;
  readonly head: CustomerHead;
}

/**
 * Subscribes to Pro, pays the first month with the card on file and grants its credits. The order is stored before Stripe
 * is asked, so two at once and a repeat after a crash make one subscription. A customer who is subscribed
 * gets the subscription that exists, with a pending cancellation withdrawn.
 * @param open the customer's newest order, as it was read
 * @param plan at the price that is sold now; an order that was begun keeps its price
 * @throws BillingError account_closed, no_billing_info, account_disputed, card_declined, authentication_required, payment_pending,
 * payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable
 */
export async function subscribeToPro(
  deps: PaymentDeps,
  customerId: string,
  open: ProOrder | null,
  plan: SoldPlan = 'pro',
): Promise<ProSubscribed> {
  // An order that was begun is finished first: Stripe may show its subscription already, while its credits are not granted.
  if (open?.state === 'ordering') {
    const { head, created } = await finishOrder(deps, customerId, open);
    if (isOnPro(head)) return { created, head };
  }
  const cleared = await clearTheWay(deps, customerId);
  if (cleared.subscription?.state === 'past_due') {
    return { created: false, head: await renewPastDue(deps, cleared) };
  }
  const placed = await placeOrder(deps, customerId, plan);
  if (placed.kind === 'subscribed') return { created: false, head: placed.head };
  const { head, created } = await finishOrder(deps, customerId, placed.order);
  if (isOnPro(head)) return { created, head };
  const detail = 'The order came to nothing, and nothing was charged. Send the same request again.';
  throw new BillingError('payments_unavailable', detail);
}

const isOnPro = ({ subscription }: CustomerHead): boolean =>
  subscription !== null && givesPro(subscription.state);

/**
 * Ends every subscription that gives no Pro rate but could still be collected for. If none of the others goes on, withdraws
 * the cancellation of the one that counts.
 */
async function clearTheWay(deps: PaymentDeps, customerId: string): Promise<CustomerHead> {
  const { head, account } = await askStripe(() => syncAccount(deps, customerId));
  await askStripe(() => useDefaultCard(deps, account));
  const open = subscriptionsOf(account).filter(({ state }) => !isOver(state));
  // Unpaid, paused or never paid: it would come back to life beside the new one.
  const toEnd = open.filter(({ state }) => !givesPro(state));
  const toKeep = goingOn(open).length === 0 && isOnPro(head) ? head.subscription : null;
  if (toEnd.length === 0 && toKeep === null) return head;
  const stripe = await deps.stripe();
  for (const { id } of toEnd) await askStripe(() => stripe.cancelSubscription(id));
  if (toKeep !== null) await askStripe(() => stripe.setCancelAtPeriodEnd(toKeep.id, false));
  return (await askStripe(() => syncAccount(deps, customerId))).head;
}

/** Pays what a past-due subscription owes for its newest period. */
async function renewPastDue(deps: PaymentDeps, head: CustomerHead): Promise<CustomerHead> {
  const { customerId } = head;
  payingCustomer(head);
  const outcome = await payRenewal(deps, customerId, true);
  switch (outcome.kind) {
    case 'paid':
      return (await readHead(deps.table, customerId)) ?? head;
    case 'none':
      return head;
    case 'declined':
      throw cardDeclined(outcome.decline, 'Nothing was charged. Add another card, then subscribe again.');
    case 'needs_approval':
      throw new BillingError('authentication_required', NEEDS_APPROVAL);
    default:
      return outcome satisfies never;
  }
}

const NEEDS_APPROVAL =
  "The card's bank asks the cardholder to confirm the renewal, which cannot be done from here. Nothing was charged. " +
  'Add another card: the renewal is then paid with it.';

type Placed =
  | { readonly kind: 'subscribed'; readonly head: CustomerHead }
  | { readonly kind: 'ordered'; readonly order: ProOrder };

/** Stores that Pro is being ordered, or finds that it is, or that there is a subscription. */
async function placeOrder(deps: PaymentDeps, customerId: string, plan: SoldPlan): Promise<Placed> {
  const priceId = await askStripe(async () => (await deps.stripe()).soldPriceId(plan));
  const startedAt = deps.now().toISOString();
  const next = (head: CustomerHead, before: ProOrder | null): ProOrder => ({
    attempt: (before?.attempt ?? 0) + 1,
    state: 'ordering',
    stripeCustomerId: payingCustomer(head),
    paymentMethodId: head.paymentMethodId,
    priceId,
    startedAt,
  });
  const { answer } = await changeLedger<ProOrder | null, Placed>(deps, {
    customerId,
    relatedKeys: [keys.order(customerId)],
    decodeRelated: ([item]) => orderOf(item),
    decide: ({ head, related: before }) => {
      // First, for Stripe may show its subscription before its credits are granted.
      if (before?.state === 'ordering') return { kind: 'done', answer: { kind: 'ordered', order: before } };
      if (head.closedAt !== null) throw accountClosed(customerId);
      if (isOnPro(head)) return { kind: 'done', answer: { kind: 'subscribed', head } };
      const order = next(head, before);
      return {
        kind: 'write',
        writes: () => [keepOrder(customerId, order, before)],
        answer: () => ({ kind: 'ordered', order }),
      };
    },
  });
  return answer;
}
