import { BillingError, type ProblemCode } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import type { ProOrder } from '../../store/orders.ts';
import { readTogether } from '../../store/table.ts';
import { StripeFault } from '../../stripe/fault.ts';
import type { Approval, Subscribed } from '../../stripe/port.ts';
import { finishAttempt } from '../payments/attempt.ts';
import { payerHolds } from '../payments/payer.ts';
import { onSession } from './order-on-session.ts';
import { endOrder, type FinishedOrder, orderOf, refused, settleOrder } from './settle-order.ts';

/**
 * When an order may be sent to Stripe. `announced_now`: always, because its card was just read at Stripe.
 * `unchanged`: if account, card and disputes have not changed. `never`: its subscription is only looked up,
 * and an approval that the cardholder has not given ends the order.
 */
type Sending = 'announced_now' | 'unchanged' | 'never';

/**
 * Creates the subscription of an order, or finds the existing one. Stores the plan and the credits of the
 * first invoice, or that its payment waits for the cardholder's approval. Idempotent, also when the client,
 * an event and the sweeper call it concurrently.
 * @throws BillingError as `subscribeToPro`
 */
export function finishOrder(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  sending: Sending = 'unchanged',
): Promise<FinishedOrder> {
  const { attempt, stripeCustomerId, priceId, startedAt } = order;
  const holds = async () =>
    sending === 'announced_now' || (sending === 'unchanged' && (await payerHolds(deps, customerId, order)));
  if (order.returnUrl !== null) {
    return finishAttempt(deps, { startedAt, holds, ...onSession(deps, customerId, order, order.returnUrl) });
  }
  return finishAttempt<Subscribed, FinishedOrder>(deps, {
    startedAt,
    holds,
    ask: (stripe) => stripe.subscribe({ customerId, stripeCustomerId, priceId, attempt }),
    find: (stripe) => stripe.findSubscribed(stripeCustomerId, attempt),
    // The subscription exists only if its first invoice is paid.
    end: async (_, subscribed) => subscribed,
    settle: (subscribed) => settleOrder(deps, customerId, order, subscribed),
    close: (fault) => endOrder(deps, customerId, order, fault),
    closed: (fault) => refused(deps, customerId, order, fault),
  });
}

/** Errors that a waiting customer gets. Each of them ends the order. */
const ENDS_AN_ORDER: ReadonlySet<ProblemCode> = new Set([
  'card_declined',
  'authentication_required',
  'no_billing_info',
  'account_disputed',
]);

/**
 * As `finishOrder`, without a waiting customer: a refused order counts as finished. Returns the payment that
 * the cardholder has yet to approve; null if the order has its outcome.
 */
export async function finishOrderUnattended(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  sending: Exclude<Sending, 'announced_now'> = 'unchanged',
): Promise<Approval | null> {
  try {
    return (await finishOrder(deps, customerId, order, sending)).approval;
  } catch (error) {
    if (!(error instanceof BillingError && ENDS_AN_ORDER.has(error.code))) throw error;
    return null;
  }
}

/**
 * Stores the outcome of an order that awaits its approval, after an event about its customer, or after the
 * bank sent the cardholder back. An order in state `ordering` is left to the request that sends it. If Stripe
 * or the table fails, the order stays open work.
 */
export async function followOrder(deps: PaymentDeps, customerId: string): Promise<void> {
  const [item] = await readTogether(deps.table, [keys.order(customerId)]);
  const order = orderOf(item);
  if (order?.state !== 'awaiting_approval') return;
  try {
    await finishOrderUnattended(deps, customerId, order);
  } catch (error) {
    if (!(error instanceof BillingError || error instanceof StripeFault)) throw error;
  }
}
