import type { CustomerHead } from '../../domain/customer.ts';
import type { InvoiceGuard } from '../../domain/grants.ts';
import { BillingError, type ProblemCode } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { decodeOrder, keepOrder, type ProOrder } from '../../store/orders.ts';
import { type Item, writeTogether } from '../../store/table.ts';
import { isFault } from '../../stripe/fault.ts';
import { KEY_IS_SAFE_MS, type StripeAccount, type Subscribed } from '../../stripe/port.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { askStripe, cardDeclined, paymentsFault, stillPending } from '../payments/payment-problems.ts';
import { grantDue, guardOf } from './settle-invoice.ts';
import { noticeOfEnd, profileOf, syncAccount } from './sync-account.ts';

/** @throws BillingError no_billing_info, account_disputed */
export function payingCustomer({
  paymentMethodId,
  stripeCustomerId,
  openDisputes,
  balance,
}: CustomerHead): string {
  if (paymentMethodId === null || stripeCustomerId === null) {
    const detail = 'Pro is paid by card, and none is on file. Add a payment method, then subscribe again.';
    throw new BillingError('no_billing_info', detail, { credit_balance: balance });
  }
  if (openDisputes.length === 0) return stripeCustomerId;
  const detail = 'A payment is disputed; no card is charged until that is settled. Ask support.';
  throw new BillingError('account_disputed', detail, { credit_balance: balance });
}

export interface FinishedOrder {
  readonly head: CustomerHead;
  /** Whether this call stored that the order is done: of several concurrent calls, one. */
  readonly created: boolean;
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
): Promise<FinishedOrder> {
  const subscribed = await makeSubscription(deps, customerId, order);
  if (subscribed === null) {
    await endOrder(deps, customerId, order);
    const { head } = await askStripe(() => syncAccount(deps, customerId));
    return { head, created: false };
  }
  const { invoice } = subscribed;
  const { answer } = await changeLedger<OrderView, FinishedOrder, StripeAccount | null>(deps, {
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
      if (granted === null && !isOpen) return { kind: 'done', answer: { head, created: false } };
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
        answer: ({ head: after }) => ({ head: after, created: isOpen }),
      };
    },
  });
  if (answer.created) deps.report({ kind: 'pro_subscribed', customerId });
  return answer;
}

/** Outcomes that a customer who waits gets as an error. The order has ended with each. */
const ENDS_AN_ORDER: ReadonlySet<ProblemCode> = new Set([
  'card_declined',
  'authentication_required',
  'no_billing_info',
  'account_disputed',
]);

/** As `finishOrder`, where no customer waits: an order that is refused is finished too. */
export async function finishOrderUnattended(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
): Promise<void> {
  try {
    await finishOrder(deps, customerId, order);
  } catch (error) {
    if (!(error instanceof BillingError && ENDS_AN_ORDER.has(error.code))) throw error;
  }
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
