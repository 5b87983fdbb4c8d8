import type { CustomerHead } from '../../domain/customer.ts';
import type { InvoiceGuard } from '../../domain/grants.ts';
import {
  type AccountObstacle,
  accountObstacles,
  type ChargeRequest,
  chargeObstacles,
} from '../../domain/payments/charge-obstacles.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { decodeOrder, isOpenOrder, keepOrder, type ProOrder } from '../../store/orders.ts';
import { readCardTries, type StoredTries } from '../../store/payments/card-tries.ts';
import type { Item } from '../../store/table.ts';
import { isFault, type StripeFault } from '../../stripe/fault.ts';
import type { Approval, StripeAccount, Subscribed } from '../../stripe/port.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { type CardTry, endAttempt, endTry, type TryOutcome } from '../payments/card-tries.ts';
import { askStripe, cardDeclined, paymentsFault } from '../payments/payment-problems.ts';
import { type Collected, grantDue, guardOf, reportCollected } from './settle-invoice.ts';
import { accountWrites, profileOf, syncAccount } from './sync-account.ts';

/* What an order for Pro leads to: who may pay it, and the outcomes that are stored. */

/**
 * The Stripe customer who pays for Pro. If the account prevents that, the error's `reasons` also name a card
 * without tries left. That alone is no error here: the announcement checks the card's budget.
 * @param asked the tries of the customer's cards, and when the person subscribes
 * @throws BillingError no_billing_info, account_disputed
 */
export function payingCustomer(head: CustomerHead, asked: Omit<ChargeRequest, 'byPerson'>): string {
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
  /** The payment that the cardholder has yet to approve; null once the order has an outcome. */
  readonly approval: Approval | null;
}

interface SettledOrder extends FinishedOrder {
  /** The money of the first invoice, unless an event about it was settled before. */
  readonly collected: Collected | null;
}

/** Stores the outcome of an order, once. */
export async function settleOrder(
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
      const isOpen = isOpenOrder(now) && now.attempt === order.attempt;
      if (granted === null && !isOpen)
        return { kind: 'done', answer: { head, created: false, approval: null, collected: null } };
      const profile = account ? profileOf(head, account) : null;
      return {
        kind: 'write',
        postings: granted?.postings ?? [],
        profile: { ...profile, ...granted?.profile },
        writes: (next, at) => [
          ...(profile ? accountWrites(head, profile, account ?? null, at) : []),
          ...(granted?.writes(next, at) ?? []),
          ...(isOpen ? [keepOrder(customerId, { ...now, state: 'done' }, now)] : []),
          ...(isOpen ? endTry(customerId, current?.tries, orderTry(order), PAID, at).writes : []),
        ],
        answer: ({ head: after }) => ({
          head: after,
          created: isOpen,
          approval: null,
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

/**
 * Throws why an order was refused. Returns the synced account if its payer has changed, or without a fault.
 */
export async function refused(
  deps: PaymentDeps,
  customerId: string,
  order: ProOrder,
  fault: StripeFault | null,
): Promise<FinishedOrder> {
  if (fault !== null && fault.kind !== 'refused') throw orderProblem(fault, order);
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  const { cards } = await readCardTries(deps.table, customerId);
  // The refusal may be about a Stripe customer or card that is no longer on file.
  const isSamePayer =
    payingCustomer(head, { cards, at: deps.now() }) === order.stripeCustomerId &&
    head.paymentMethodId === order.paymentMethodId;
  if (fault !== null && isSamePayer) throw paymentsFault(fault);
  return { head, created: false, approval: null };
}

function orderProblem(fault: StripeFault, { returnUrl }: ProOrder): unknown {
  if (isFault(fault, 'declined')) {
    const { code = 'card_declined', declineCode = null } = fault.facts;
    return cardDeclined(
      { code, declineCode },
      'Nothing was charged. Add another card, then subscribe again.',
    );
  }
  if (isFault(fault, 'authentication_required')) {
    const detail = returnUrl === null ? CANNOT_ASK : NOT_APPROVED;
    return new BillingError('authentication_required', detail, { reasons: ['authentication_required'] });
  }
  return paymentsFault(fault);
}

const CANNOT_ASK =
  "The card's bank asks the cardholder to confirm, which cannot be done from here. Nothing was charged. " +
  'Subscribe on the billing page, or add another card, then subscribe again.';
const NOT_APPROVED =
  'The payment was not approved with the bank, so nothing was charged. Subscribe again, or add another ' +
  'card first.';

/** Stores that an order was refused. If another call has stored an outcome, that outcome stays. */
export async function endOrder(
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
