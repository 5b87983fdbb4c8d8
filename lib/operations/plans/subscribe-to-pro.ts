import type { CustomerHead } from '../../domain/customer.ts';
import type { SoldPlan } from '../../domain/plans.ts';
import { givesPro, isOver } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { keepOrder, type ProOrder } from '../../store/orders.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { finishOrder, orderOf, payingCustomer } from './finish-order.ts';
import { syncAccount } from './sync-account.ts';

export interface ProSubscribed {
  /** False where there was a subscription already. */
  readonly created: boolean;
  readonly head: CustomerHead;
}

/**
 * Subscribes to Pro, pays the first month with the card on file and grants its credits. The order is stored before Stripe
 * is asked, so two at once and a repeat after a crash make one subscription. Who is subscribed gets what there is, with a
 * pending cancellation taken back.
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
    const head = await finishOrder(deps, customerId, open);
    if (isOnPro(head)) return { created: true, head };
  }
  await clearTheWay(deps, customerId);
  const placed = await placeOrder(deps, customerId, plan);
  if (placed.kind === 'subscribed') return { created: false, head: placed.head };
  const head = await finishOrder(deps, customerId, placed.order);
  if (isOnPro(head)) return { created: true, head };
  const detail = 'The order came to nothing, and nothing was charged. Send the same request again.';
  throw new BillingError('payments_unavailable', detail);
}

const isOnPro = ({ subscription }: CustomerHead): boolean =>
  subscription !== null && givesPro(subscription.state);

/** Takes a pending cancellation back, and ends what is not Pro but could still be collected for. */
async function clearTheWay(deps: PaymentDeps, customerId: string): Promise<void> {
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  const { subscription } = head;
  if (subscription === null || isOver(subscription.state)) return;
  const stripe = await deps.stripe();
  if (!givesPro(subscription.state)) {
    // Unpaid, paused or never paid: it would come back to life beside the new one.
    await askStripe(() => stripe.cancelSubscription(subscription.id));
  } else if (subscription.cancelAtPeriodEnd) {
    await askStripe(() => stripe.setCancelAtPeriodEnd(subscription.id, false));
  } else {
    return;
  }
  await askStripe(() => syncAccount(deps, customerId));
}

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
