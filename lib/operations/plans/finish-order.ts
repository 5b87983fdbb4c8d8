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
import { grantDue, guardOf } from './settle-invoice.ts';
import { noticeOfEnd, profileOf, syncAccount } from './sync-account.ts';

/**
 * The Stripe customer who pays for Pro. A card whose tries are used up is listed among the reasons of a refusal, and is no
 * reason alone: the announcement decides about it.
 * @param asked by the person who subscribes
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
  no_billing_info: 'Pro is paid by card, and none is on file. Add a payment method, then subscribe again.',
  account_disputed: 'A payment is disputed; no card is charged until that is settled. Ask support.',
};

export interface FinishedOrder {
  readonly head: CustomerHead;
  /** Whether this call stored that the order is done: of several concurrent calls, one. */
  readonly created: boolean;
}

/**
 * When an order may be sent to Stripe. `announced_now`: its card was read at Stripe just before. `unchanged`: if account, card
 * and disputes are as they were. `never`: its subscription is only looked for.
 */
type Sending = 'announced_now' | 'unchanged' | 'never';

/**
 * Makes the subscription of an order, or finds the one it made, and writes what came of it: the plan, and the credits of
 * the first invoice. Safe to repeat, also concurrently, by the client and by the sweeper.
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
    // It exists only if its first invoice is paid.
    end: async (_, subscribed) => subscribed,
    settle: (subscribed) => settleOrder(deps, customerId, order, subscribed),
    close: (fault) => endOrder(deps, customerId, order, fault),
    closed: (fault) => refused(deps, customerId, order, fault),
  });
}

/** Writes what an order made, once. */
async function settleOrder(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  subscribed: Subscribed,
): Promise<FinishedOrder> {
  const { invoice } = subscribed;
  const { answer } = await changeLedger<OrderView, FinishedOrder, Current>(deps, {
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
      if (granted === null && !isOpen) return { kind: 'done', answer: { head, created: false } };
      const profile = account ? profileOf(head, account) : null;
      return {
        kind: 'write',
        postings: granted?.postings ?? [],
        profile: { ...profile, ...granted?.profile },
        writes: (next, at) => [
          ...(profile ? noticeOfEnd(head, profile, account ?? null, at) : []),
          ...(granted?.writes(next, at) ?? []),
          ...(isOpen ? [keepOrder(customerId, { ...order, state: 'done' }, now)] : []),
          ...(isOpen ? endTry(customerId, current?.tries, orderTry(order), PAID, at).writes : []),
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

/** What became of a refused order is thrown; an order that came to nothing otherwise returns the account as it is now. */
async function refused(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  fault: StripeFault | null,
): Promise<FinishedOrder> {
  if (fault !== null && fault.kind !== 'refused') throw orderProblem(fault);
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  const { cards } = await readCardTries(deps.table, customerId);
  // It may have been refused for what is not on file any more.
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
      "The card's bank asks the cardholder to confirm, which cannot be done from here. Nothing was charged. " +
      'Add the card again with its confirmation, or another card, then subscribe again.';
    return new BillingError('authentication_required', detail, { reasons: ['authentication_required'] });
  }
  return paymentsFault(fault);
}

/** Notes that an order came to nothing. Another call may have noted what became of it: that stays. */
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

/** Which try of which card an order is. */
export const orderTry = ({ cardKey, attempt }: Pick<ProOrder, 'cardKey' | 'attempt'>): CardTry => ({
  cardKey,
  id: `order:${attempt}`,
  isAnswered: true,
});
