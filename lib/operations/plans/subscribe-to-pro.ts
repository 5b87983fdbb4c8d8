import type { CustomerHead } from '../../domain/customer.ts';
import type { InvoiceGuard } from '../../domain/grants.ts';
import { givesPro, isOver } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { decodeOrder, keepOrder, type ProOrder } from '../../store/orders.ts';
import { type Item, writeTogether } from '../../store/table.ts';
import { isFault } from '../../stripe/fault.ts';
import { KEY_IS_SAFE_MS, type StripeAccount, type Subscribed } from '../../stripe/port.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { askStripe, cardDeclined, paymentsFault, stillPending } from '../payments/payment-problems.ts';
import { grantDue, guardOf } from './grant-invoice.ts';
import { noticeOfEnd, profileOf, syncAccount } from './sync-account.ts';

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
 * @throws BillingError account_closed, no_billing_info, account_disputed, card_declined, authentication_required, payment_pending,
 * payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable
 */
export async function subscribeToPro(
  deps: PaymentDeps,
  customerId: string,
  open: ProOrder | null,
): Promise<ProSubscribed> {
  // An order that was begun is finished first: Stripe may show its subscription already, while its credits are not granted.
  if (open?.state === 'ordering') {
    const head = await finishOrder(deps, customerId, open);
    if (isOnPro(head)) return { created: true, head };
  }
  await clearTheWay(deps, customerId);
  const placed = await placeOrder(deps, customerId);
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
async function placeOrder(deps: PaymentDeps, customerId: string): Promise<Placed> {
  const { proPriceId } = await deps.stripe();
  const startedAt = deps.now().toISOString();
  const next = (head: CustomerHead, before: ProOrder | null): ProOrder => ({
    attempt: (before?.attempt ?? 0) + 1,
    state: 'ordering',
    stripeCustomerId: payingCustomer(head),
    paymentMethodId: head.paymentMethodId,
    priceId: proPriceId,
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

/** @throws BillingError no_billing_info, account_disputed */
function payingCustomer({ paymentMethodId, stripeCustomerId, openDisputes, balance }: CustomerHead): string {
  if (paymentMethodId === null || stripeCustomerId === null) {
    const detail = 'Pro is paid by card, and none is on file. Add a payment method, then subscribe again.';
    throw new BillingError('no_billing_info', detail, { credit_balance: balance });
  }
  if (openDisputes.length === 0) return stripeCustomerId;
  const detail = 'A payment is disputed; no card is charged until that is settled. Ask support.';
  throw new BillingError('account_disputed', detail, { credit_balance: balance });
}

/**
 * Makes the subscription of an order, or finds the one it made, and writes what came of it: the plan, and the credits of
 * the first invoice. Safe to repeat, by the client, by somebody at the same time, and by the sweeper.
 * @throws BillingError as `subscribeToPro`
 */
export async function finishOrder(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
): Promise<CustomerHead> {
  const subscribed = await makeSubscription(deps, customerId, order);
  if (subscribed === null) {
    await endOrder(deps, customerId, order);
    return (await askStripe(() => syncAccount(deps, customerId))).head;
  }
  const { invoice } = subscribed;
  const { answer } = await changeLedger<OrderView, CustomerHead, StripeAccount | null>(deps, {
    customerId,
    relatedKeys: [
      keys.order(customerId),
      ...(invoice === null ? [] : [keys.once(customerId, 'invoice', invoice.id)]),
    ],
    decodeRelated: ([item, guard]) => ({ order: orderOf(item), guard: guardOf(guard) }),
    fetchCurrent: async ({ head: { stripeCustomerId } }) =>
      stripeCustomerId === null
        ? null
        : askStripe(async () => (await deps.stripe()).readAccount(stripeCustomerId)),
    decide: ({ head, related: { order: now, guard } }, account) => {
      const granted = invoice === null ? null : grantDue(head, invoice, guard);
      const isOpen = now?.attempt === order.attempt && now.state === 'ordering';
      if (granted === null && !isOpen) return { kind: 'done', answer: head };
      const profile = account ? profileOf(head, account) : null;
      return {
        kind: 'write',
        postings: granted?.postings ?? [],
        profile: { ...profile, ...granted?.profile },
        writes: (next, at) => [
          ...(profile ? noticeOfEnd(head, profile, at) : []),
          ...(granted?.writes(next, at) ?? []),
          ...(isOpen ? [keepOrder(customerId, { ...order, state: 'done' }, now)] : []),
        ],
        answer: ({ head: after }) => after,
      };
    },
  });
  return answer;
}

interface OrderView {
  readonly order: ProOrder | null;
  readonly guard: InvoiceGuard | null;
}

export const orderOf = (item: Item | undefined): ProOrder | null =>
  item === undefined ? null : decodeOrder(item);

/** Null where an order has come to nothing: one of long ago, or one whose customer at Stripe or card is another by now. */
async function makeSubscription(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
): Promise<Subscribed | null> {
  const stripe = await deps.stripe();
  const { stripeCustomerId, paymentMethodId, attempt, priceId, startedAt } = order;
  const find = () => askStripe(() => stripe.findSubscribed(stripeCustomerId, attempt));
  if (deps.now().getTime() - Date.parse(startedAt) > KEY_IS_SAFE_MS) return find();
  try {
    return await stripe.subscribe({ customerId, stripeCustomerId, priceId, attempt });
  } catch (error) {
    if (isFault(error, 'indeterminate') && error.facts.answered) {
      const found = await find();
      if (found !== null) return found;
      // The same answer for ever, and nothing came of it: only another order can.
      if (error.facts.replayed) await endOrder(deps, customerId, order);
      throw stillPending(error);
    }
    if (isFault(error, 'indeterminate', 'transient')) throw stillPending(error);
    await endOrder(deps, customerId, order);
    if (isFault(error, 'declined')) {
      const { code = 'card_declined', declineCode = null } = error.facts;
      throw cardDeclined(
        { code, declineCode },
        'Nothing was charged. Add another card, then subscribe again.',
      );
    }
    if (isFault(error, 'authentication_required')) {
      const detail =
        "The card's bank asks the cardholder to confirm, which cannot be done from here. Nothing was charged. " +
        'Add the card again with its confirmation, or another card, then subscribe again.';
      throw new BillingError('authentication_required', detail);
    }
    if (isFault(error, 'refused')) {
      const { head } = await askStripe(() => syncAccount(deps, customerId));
      // It may have been refused for what is not on file any more.
      if (payingCustomer(head) !== stripeCustomerId || head.paymentMethodId !== paymentMethodId) return null;
    }
    throw paymentsFault(error);
  }
}

/** Notes that an order came to nothing. Somebody else may have noted what became of it: that stays. */
async function endOrder(deps: PaymentDeps, customerId: string, order: ProOrder): Promise<void> {
  const write = keepOrder(customerId, { ...order, state: 'refused' }, order);
  await retryContended(deps, () => writeTogether(deps.table, [write]));
}
