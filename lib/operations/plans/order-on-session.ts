import { givesPro, isOver } from '../../domain/subscription.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { readHead } from '../../store/heads.ts';
import { keepOrder, type ProOrder } from '../../store/orders.ts';
import { isFault, StripeFault } from '../../stripe/fault.ts';
import {
  type Approval,
  type Decline,
  KEY_IS_SAFE_MS,
  type Ordered,
  type StripePort,
} from '../../stripe/port.ts';
import { customerGone } from '../ledger/require-item.ts';
import type { Attempt } from '../payments/attempt.ts';
import { endAttempt } from '../payments/card-tries.ts';
import { askStripe, stillPending } from '../payments/payment-problems.ts';
import { endOrder, type FinishedOrder, orderTry, refused, settleOrder } from './settle-order.ts';

/*
 * An order with the cardholder present. Its subscription is made unpaid, and the first payment is then
 * confirmed once. The bank may ask the cardholder, so such an order can also be `awaiting_approval`.
 */

/** When the sweeper ends an order that still awaits its approval. */
export const approvalEnds = (startedAt: string): Date => new Date(Date.parse(startedAt) + KEY_IS_SAFE_MS);

/** The parts of the attempt that differ from those of an order by API. */
export function onSession(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  returnUrl: string,
): Omit<Attempt<Ordered, FinishedOrder>, 'startedAt' | 'holds'> {
  const { attempt, stripeCustomerId, state } = order;
  const find = (stripe: StripePort) => stripe.findOrdered(stripeCustomerId, attempt);
  const close = async (fault: StripeFault | null): Promise<void> => {
    await endAtStripe(deps, order);
    await endOrder(deps, customerId, order, fault);
  };
  const closed = (fault: StripeFault | null) => refused(deps, customerId, order, fault);
  const end = async (fault: StripeFault | null): Promise<FinishedOrder> => {
    await close(fault);
    return closed(fault);
  };
  return {
    ask: (stripe) =>
      state === 'awaiting_approval' ? known(find(stripe)) : send(stripe, customerId, order, returnUrl),
    find,
    async end(stripe, ordered) {
      if (isSettling(ordered)) return ordered;
      return (await stripe.endUnpaid(ordered)) ? null : find(stripe);
    },
    async settle(ordered) {
      const progress = progressOf(ordered);
      switch (progress) {
        case 'paid':
          return settleOrder(deps, customerId, order, ordered);
        case 'waiting':
          return keepWaiting(deps, customerId, order, ordered);
        case 'unconfirmed':
          // Another call may be confirming it right now.
          if (state === 'ordering') throw stillPending(undefined);
          return end(null);
        case 'failed':
          return end(faultOf(ordered.payment?.decline ?? null));
        case 'over':
          return end(null);
        default:
          return progress satisfies never;
      }
    },
    close,
    closed,
  };
}

/** How far an order is, as its subscription and the payment of its first invoice say. */
type Progress = 'paid' | 'waiting' | 'unconfirmed' | 'failed' | 'over';

function progressOf(ordered: Ordered): Progress {
  const { subscription, payment } = ordered;
  if (isPaid(ordered)) return 'paid';
  const state = payment?.state ?? 'canceled';
  switch (state) {
    case 'succeeded':
    case 'processing':
      // Its invoice is paid soon.
      return 'waiting';
    case 'waiting':
    case 'unconfirmed':
    case 'failed':
      return isOver(subscription.state) ? 'over' : state;
    case 'canceled':
      return 'over';
    default:
      return state satisfies never;
  }
}

/** The invoice's state counts: the subscription may follow later. */
const isPaid = ({ invoice, subscription }: Ordered): boolean =>
  invoice === null ? givesPro(subscription.state) : invoice.paid;

/** Paid, or about to be: it can no longer be ended. */
const isSettling = (ordered: Ordered): boolean =>
  isPaid(ordered) || ordered.payment?.state === 'succeeded' || ordered.payment?.state === 'processing';

/** Ends an order's subscription. Returns false, and ends nothing, if it is paid or about to be. */
export const endUnlessPaid = async (stripe: StripePort, ordered: Ordered): Promise<boolean> =>
  !isSettling(ordered) && stripe.endUnpaid(ordered);

/** Stripe keeps every subscription, so a missing one is a passing fault: a later call finds it. */
async function known(found: Promise<Ordered | null>): Promise<Ordered> {
  const ordered = await found;
  if (ordered === null) throw new StripeFault('transient');
  return ordered;
}

/** Makes the subscription, and confirms its payment once. A repeat continues where it stopped. */
async function send(
  stripe: StripePort,
  customerId: string,
  { attempt, stripeCustomerId, priceId, paymentMethodId }: ProOrder,
  returnUrl: string,
): Promise<Ordered> {
  const made = await stripe.orderOnSession({ customerId, stripeCustomerId, priceId, attempt });
  const { payment } = made;
  if (payment === null) return made;
  // Stripe repeats its first answer for a key, so the invoice may be older than its payment.
  const fresh = async () => (await stripe.findOrdered(stripeCustomerId, attempt)) ?? made;
  if (payment.state !== 'unconfirmed' || paymentMethodId === null) return fresh();
  const confirmed = await confirm(stripe, payment, {
    paymentMethodId,
    returnUrl,
    idempotencyKey: `subscribe:${customerId}:${attempt}:confirm`,
  });
  return confirmed.state === 'succeeded' ? fresh() : { ...made, payment: confirmed };
}

async function confirm(
  stripe: StripePort,
  payment: Approval,
  by: { readonly paymentMethodId: string; readonly returnUrl: string; readonly idempotencyKey: string },
): Promise<Approval> {
  const { paymentIntentId } = payment;
  try {
    return await stripe.confirmOnSession({ paymentIntentId, ...by });
  } catch (error) {
    // Stripe repeats this error for the key, and a payment gets only one key: the order ends.
    const isLost = isFault(error, 'indeterminate') && error.facts.replayed;
    if (!isLost && !isFault(error, 'refused')) throw error;
    const now = await stripe.readApproval(paymentIntentId);
    if (now.state !== 'unconfirmed') return now;
    // Refused for another reason than its state: its card, for example.
    if (!isLost) throw error;
    return { ...now, state: 'canceled' };
  }
}

/** Stores that the order waits for its cardholder. The try of the card ends without a decline. */
async function keepWaiting(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  { payment }: Ordered,
): Promise<FinishedOrder> {
  if (order.state === 'ordering') {
    await endAttempt(deps, customerId, orderTry(order), { kind: 'asked' }, () => [
      keepOrder(customerId, { ...order, state: 'awaiting_approval' }, order),
    ]);
  }
  const head = (await readHead(deps.table, customerId)) ?? customerGone();
  return { head, created: false, approval: payment };
}

/**
 * Ends what an order left at Stripe, so that the cardholder cannot pay for an order that has ended here.
 * @throws BillingError payment_pending if it was paid meanwhile: the next call settles it
 */
async function endAtStripe(deps: PaymentDeps, { stripeCustomerId, attempt }: ProOrder): Promise<void> {
  const stripe = await deps.stripe();
  const ordered = await askStripe(() => stripe.findOrdered(stripeCustomerId, attempt));
  if (ordered === null) return;
  if (!(await askStripe(() => endUnlessPaid(stripe, ordered)))) throw stillPending(undefined);
}

/** The cardholder's refusal is no decline by the bank. */
const faultOf = (decline: Decline | null): StripeFault => {
  const { code = 'card_declined', declineCode } = decline ?? {};
  const isUnapproved = code === 'payment_intent_authentication_failure';
  return new StripeFault(isUnapproved ? 'authentication_required' : 'declined', {
    code,
    ...(declineCode && { declineCode }),
  });
};
