import type { CustomerHead } from '../../domain/customer.ts';
import type { InvoiceGuard } from '../../domain/grants.ts';
import {
  type AccountObstacle,
  type Asked,
  accountObstacles,
  chargeObstacles,
} from '../../domain/payments/charge-obstacles.ts';
import { BillingError, type ProblemCode } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { decodeOrder, keepOrder, type ProOrder } from '../../store/orders.ts';
import { readCardTries, type StoredTries } from '../../store/payments/card-tries.ts';
import type { Item } from '../../store/table.ts';
import { isFault, type StripeFault } from '../../stripe/fault.ts';
import type { StripeAccount, Subscribed } from '../../stripe/port.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { finishAttempt } from '../payments/attempt.ts';
import { type CardTry, endAttempt, endTry, type TryOutcome } from '../payments/card-tries.ts';
import { payerHolds } from '../payments/payer.ts';
import { askStripe, cardDeclined, paymentsFault } from '../payments/payment-problems.ts';
import { type Collected, grantDue, guardOf, reportCollected } from './settle-invoice.ts';
import { accountWrites, profileOf, syncAccount } from './sync-account.ts';

/**
 * The Stripe customer who pays for Pro. If the account prevents that, the error's `reasons` also name a card
 * without tries left. That alone is no error here: the announcement checks the card's budget.
 * @param asked the tries of the customer's cards, and when the person subscribes
 * @throws BillingError no_billing_info, account_disputed
 */
export function payingCustomer(head: CustomerHead, asked: Omit<Asked, 'byPerson'>): string {
  const { stripeCustomerId, balance } = head;
  const [code] = accountObstacles(head);
  if (code === undefined && stripeCustomerId !== null) return stripeCustomerId;
  const reasons = chargeObstacles(head, { ...asked, byPerson: true });
  const problem = code ?? 'no_billing_info';
  throw new BillingError(problem, CANNOT_PAY[problem], { credit_balance: balance, reasons });
}

const CANNOT_PAY: Readonly<Record<AccountObstacle, string>> = {
  no_billing_info: 'Pro is paid by card, and no card is on file. Add a payment method, then subscribe again.',
  account_disputed: 'No card is charged while a payment is disputed. Ask support.',
};

export interface FinishedOrder {
  readonly head: CustomerHead;
  /** Whether this call stored the order as done. Of several concurrent calls, only one did. */
  readonly created: boolean;
}

/**
 * When an order may be sent to Stripe. `announced_now`: always, because its card was just read at Stripe.
 * `unchanged`: if account, card and disputes have not changed. `never`: its subscription is only looked up.
 */
type Sending = 'announced_now' | 'unchanged' | 'never';

/**
 * Creates the subscription of an order, or finds the existing one. Stores the plan and the credits of the
 * first invoice. Idempotent, also when the client and the sweeper call it concurrently.
 * @throws BillingError as `subscribeToPro`
 */
export function finishOrder(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  sending: Sending = 'unchanged',
): Promise<FinishedOrder> {
  const { attempt, stripeCustomerId, priceId } = order;
  return finishAttempt<Subscribed, FinishedOrder>(deps, {
    startedAt: order.startedAt,
    holds: async () =>
      sending === 'announced_now' || (sending === 'unchanged' && (await payerHolds(deps, customerId, order))),
    ask: (stripe) => stripe.subscribe({ customerId, stripeCustomerId, priceId, attempt }),
    find: (stripe) => stripe.findSubscribed(stripeCustomerId, attempt),
    // The subscription exists only if its first invoice is paid.
    end: async (_, subscribed) => subscribed,
    settle: (subscribed) => settleOrder(deps, customerId, order, subscribed),
    close: (fault) => endOrder(deps, customerId, order, fault),
    closed: (fault) => refused(deps, customerId, order, fault),
  });
}

interface SettledOrder extends FinishedOrder {
  /** The money of the first invoice, unless an event about it was settled before. */
  readonly collected: Collected | null;
}

/** Stores the outcome of an order, once. */
async function settleOrder(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  subscribed: Subscribed,
): Promise<FinishedOrder> {
  const { invoice } = subscribed;
  const { answer } = await changeLedger<OrderView, SettledOrder, Current>(deps, {
    customerId,
    relatedKeys: [
      keys.order(customerId),
      ...(invoice === null ? [] : [keys.once(customerId, 'invoice', invoice.id)]),
    ],
    decodeRelated: ([item, guard]) => ({ order: orderOf(item), guard: guardOf(guard) }),
    fetchCurrent: async ({ head }) => ({
      account: await accountOf(deps, head),
      tries: order.cardKey === null ? undefined : await readCardTries(deps.table, customerId),
    }),
    decide: ({ head, related: { order: now, guard } }, current) => {
      const account = current?.account;
      const granted = invoice === null ? null : grantDue(head, invoice, guard);
      const isOpen = now?.attempt === order.attempt && now.state === 'ordering';
      if (granted === null && !isOpen)
        return { kind: 'done', answer: { head, created: false, collected: null } };
      const profile = account ? profileOf(head, account) : null;
      return {
        kind: 'write',
        postings: granted?.postings ?? [],
        profile: { ...profile, ...granted?.profile },
        writes: (next, at) => [
          ...(profile ? accountWrites(head, profile, account ?? null, at) : []),
          ...(granted?.writes(next, at) ?? []),
          ...(isOpen ? [keepOrder(customerId, { ...order, state: 'done' }, now)] : []),
          ...(isOpen ? endTry(customerId, current?.tries, orderTry(order), PAID, at).writes : []),
        ],
        answer: ({ head: after }) => ({
          head: after,
          created: isOpen,
          collected: granted?.collected ?? null,
        }),
      };
    },
  });
  const { collected, ...finished } = answer;
  if (finished.created) deps.report({ kind: 'pro_subscribed', customerId });
  reportCollected(deps, customerId, collected);
  return finished;
}

/** Errors that a waiting customer gets. Each of them ends the order. */
const ENDS_AN_ORDER: ReadonlySet<ProblemCode> = new Set([
  'card_declined',
  'authentication_required',
  'no_billing_info',
  'account_disputed',
]);

/** As `finishOrder`, without a waiting customer: a refused order counts as finished. */
export async function finishOrderUnattended(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  sending: Exclude<Sending, 'announced_now'> = 'unchanged',
): Promise<void> {
  try {
    await finishOrder(deps, customerId, order, sending);
  } catch (error) {
    if (!(error instanceof BillingError && ENDS_AN_ORDER.has(error.code))) throw error;
  }
}

interface Current {
  readonly account: StripeAccount | null;
  /** Undefined for an order whose card is not counted. */
  readonly tries: StoredTries | undefined;
}

const accountOf = async (
  deps: PaymentDeps,
  { stripeCustomerId }: CustomerHead,
): Promise<StripeAccount | null> =>
  stripeCustomerId === null
    ? null
    : askStripe(async () => (await deps.stripe()).readAccount(stripeCustomerId));

interface OrderView {
  readonly order: ProOrder | null;
  readonly guard: InvoiceGuard | null;
}

export const orderOf = (item: Item | undefined): ProOrder | null =>
  item === undefined ? null : decodeOrder(item);

/** Throws the reason of a refused order. Otherwise syncs the account and returns it. */
async function refused(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  fault: StripeFault | null,
): Promise<FinishedOrder> {
  if (fault !== null && fault.kind !== 'refused') throw orderProblem(fault);
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  const { cards } = await readCardTries(deps.table, customerId);
  // The refusal may be about a Stripe customer or card that is no longer on file.
  const isSamePayer =
    payingCustomer(head, { cards, at: deps.now() }) === order.stripeCustomerId &&
    head.paymentMethodId === order.paymentMethodId;
  if (fault !== null && isSamePayer) throw paymentsFault(fault);
  return { head, created: false };
}

function orderProblem(fault: StripeFault): unknown {
  if (isFault(fault, 'declined')) {
    const { code = 'card_declined', declineCode = null } = fault.facts;
    return cardDeclined(
      { code, declineCode },
      'Nothing was charged. Add another card, then subscribe again.',
    );
  }
  if (isFault(fault, 'authentication_required')) {
    const detail =
      "The card's bank asks the cardholder to confirm, which cannot be done from here. Nothing was " +
      'charged. Add the card again with its confirmation, or another card, then subscribe again.';
    return new BillingError('authentication_required', detail, { reasons: ['authentication_required'] });
  }
  return paymentsFault(fault);
}

/** Stores that an order was refused. If another call has stored an outcome, that outcome stays. */
async function endOrder(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  fault: StripeFault | null,
): Promise<void> {
  const outcome: TryOutcome = isFault(fault, 'declined')
    ? { kind: 'declined', code: fault.facts.declineCode ?? fault.facts.code ?? 'card_declined' }
    : { kind: 'released' };
  await endAttempt(deps, customerId, orderTry(order), outcome, () => [
    keepOrder(customerId, { ...order, state: 'refused' }, order),
  ]);
}

const PAID = { kind: 'succeeded' } as const;

/** The order as a try of its card. */
export const orderTry = ({ cardKey, attempt }: Pick<ProOrder, 'cardKey' | 'attempt'>): CardTry => ({
  cardKey,
  id: `order:${attempt}`,
  isAnswered: true,
});
