import type { CustomerHead } from '../../domain/customer.ts';
import { cardKeyOf, type TriesByCard } from '../../domain/payments/card-tries.ts';
import { accountObstacles } from '../../domain/payments/charge-obstacles.ts';
import type { SoldPlan } from '../../domain/plans.ts';
import { givesPro, goingOn, isOver } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { readHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { isOpenOrder, keepOrder, type ProOrder, readOrder } from '../../store/orders.ts';
import { decodeRenewal, type Renewal } from '../../store/renewals.ts';
import type { Approval } from '../../stripe/port.ts';
import { changeLedger, type LedgerDecision } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { admission, cardBusy, notTried, reserveTry } from '../payments/card-tries.ts';
import { type Payable, payableReader } from '../payments/payable.ts';
import { askStripe, stillPending } from '../payments/payment-problems.ts';
import { agreedPriceId } from './agreed-price.ts';
import { endIncomplete, incompleteOf } from './end-incomplete.ts';
import { finishOrder } from './finish-order.ts';
import { finishRenewal } from './pay-renewal.ts';
import { renewPastDue } from './renew-past-due.ts';
import { type FinishedOrder, orderOf, orderTry, payingCustomer } from './settle-order.ts';
import { type Synced, subscriptionsOf, syncAccount } from './sync-account.ts';
import { clearSubscriptionCards } from './use-default-card.ts';

export interface ProSubscribed {
  /** Whether this call stored the outcome of the order. Of several concurrent calls, only one did. */
  readonly created: boolean;
  readonly head: CustomerHead;
  /** The first payment, which the cardholder has yet to approve. Only with a `returnUrl`. */
  readonly approval: Approval | null;
}

/** The cardholder is present, so that they can approve the first payment. */
export interface Present {
  /** Where their bank sends them afterwards. */
  readonly returnUrl: string;
  /** What they agreed to pay each month, in US cents. If Pro costs more, nothing is ordered. */
  readonly mostCents: number;
}

/**
 * Subscribes to Pro, pays the first month with the card on file and grants its credits. The order is stored
 * before Stripe is asked, so concurrent calls, and a repeat after a crash, create one subscription. A
 * subscribed customer gets the existing subscription, and a pending cancellation is withdrawn.
 * @param open the customer's newest order, as the caller read it
 * @param plan sold at the current price; an open order keeps its own price
 * @param present for an order from a page; an open order keeps waiting for its approval
 * @throws BillingError account_closed, no_billing_info, account_disputed, card_declined,
 * authentication_required, payment_pending, payments_unavailable, payments_misconfigured, ledger_busy,
 * ledger_unavailable; form_outdated if Pro or its renewal costs more than the person agreed to
 */
export async function subscribeToPro(
  deps: PaymentDeps,
  customerId: string,
  open: ProOrder | null,
  plan: SoldPlan = 'pro',
  present: Present | null = null,
): Promise<ProSubscribed> {
  // Finishes an open order first: Stripe may already show its subscription before its credits are granted.
  if (isOpenOrder(open)) {
    const finished = await finishOrder(deps, customerId, open);
    if (isAnswered(finished)) return answerOf(finished, present);
  }
  const cleared = await endUnpaidSubscriptions(deps, customerId);
  if (cleared.subscription?.state === 'past_due') {
    const mostCents = present?.mostCents ?? null;
    return { created: false, head: await renewPastDue(deps, cleared, mostCents), approval: null };
  }
  for (let tries = 0; tries < MAX_ORDERS; tries++) {
    const placed = await placeOrder(deps, customerId, plan, present);
    if (placed.kind === 'subscribed') return { created: false, head: placed.head, approval: null };
    if (placed.kind === 'renewing') {
      await finishRenewal(deps, customerId, placed.renewal);
      const head = (await readHead(deps.table, customerId)) ?? placed.head;
      return { created: false, head, approval: null };
    }
    // The account or its card has changed since the read. The next round announces an order with the current
    // ones.
    const finished =
      placed.kind === 'ordered' ? await finish(deps, customerId, placed) : await sync(deps, customerId);
    if (isAnswered(finished)) return answerOf(finished, present);
  }
  const detail = 'The order was closed without a charge. Send the same request again.';
  throw new BillingError('payments_unavailable', detail);
}

const isAnswered = ({ head, approval }: FinishedOrder): boolean => approval !== null || isOnPro(head);

/** @throws BillingError authentication_required if the payment waits for an approval and no page can ask */
function answerOf(finished: FinishedOrder, present: Present | null): ProSubscribed {
  const { approval } = finished;
  if (approval === null || present !== null) return finished;
  if (approval.state !== 'waiting') throw stillPending(undefined);
  throw new BillingError('authentication_required', AWAITS_APPROVAL, {
    reasons: ['authentication_required'],
  });
}

const AWAITS_APPROVAL =
  "An order for Pro waits for the cardholder's approval. Approve it on the billing page, or add another " +
  'card, then subscribe again.';

/** Orders in one call. Each further order means that the card changed between two calls to Stripe. */
const MAX_ORDERS = 3;

const finish = (
  deps: PaymentDeps,
  customerId: string,
  { order, isFresh }: Extract<Placed, { kind: 'ordered' }>,
): Promise<FinishedOrder> => finishOrder(deps, customerId, order, isFresh ? 'announced_now' : 'unchanged');

const sync = async (deps: PaymentDeps, customerId: string): Promise<FinishedOrder> => {
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  return { head, created: false, approval: null };
};

const isOnPro = ({ subscription }: CustomerHead): boolean =>
  subscription !== null && givesPro(subscription.state);

/**
 * Ends every subscription without the Pro rate that Stripe could still collect for. If no other subscription
 * goes on, withdraws the cancellation of the current one.
 */
async function endUnpaidSubscriptions(deps: PaymentDeps, customerId: string): Promise<CustomerHead> {
  const { head, account } = await currentAccount(deps, customerId);
  await askStripe(() => clearSubscriptionCards(deps, account));
  const open = subscriptionsOf(account).filter(({ state }) => !isOver(state));
  // Unpaid or paused: such a subscription could become active beside the new one.
  const toEnd = open.filter(({ state }) => !givesPro(state) && state !== 'incomplete');
  const toKeep = goingOn(open).length === 0 && isOnPro(head) ? head.subscription : null;
  if (toEnd.length === 0 && toKeep === null) return head;
  const stripe = await deps.stripe();
  for (const { id } of toEnd) await askStripe(() => stripe.cancelSubscription(id, true));
  if (toKeep !== null) await askStripe(() => stripe.setCancelAtPeriodEnd(toKeep.id, false));
  return (await askStripe(() => syncAccount(deps, customerId))).head;
}

/**
 * Syncs the account and ends the subscriptions that were never paid. While an order is open they stay,
 * because a concurrent call made one of them. The order is read after the account, so it is found if the
 * subscription was.
 */
async function currentAccount(deps: PaymentDeps, customerId: string): Promise<Synced> {
  const synced = await askStripe(() => syncAccount(deps, customerId));
  const incomplete = incompleteOf(synced.account);
  if (incomplete.length === 0 || isOpenOrder(await readOrder(deps.table, customerId))) return synced;
  return endIncomplete(deps, customerId, incomplete);
}

type Placed =
  | { readonly kind: 'subscribed'; readonly head: CustomerHead }
  /** On Pro through an announced payment whose credits may not be granted yet. */
  | { readonly kind: 'renewing'; readonly renewal: Renewal; readonly head: CustomerHead }
  /** `isFresh`: this call ordered it. */
  | { readonly kind: 'ordered'; readonly order: ProOrder; readonly isFresh: boolean }
  /** Stripe and the head have different cards, so nothing was ordered. */
  | { readonly kind: 'card_changed' };

interface UnderWay {
  readonly before: ProOrder | null;
  readonly renewal: Renewal | null;
}

interface Priced {
  /** Null if nothing can be ordered. */
  readonly priceId: string | null;
}
type UnpricedOrder = Omit<ProOrder, 'priceId' | 'cardKey'>;

const mayOrder = (head: CustomerHead, before: ProOrder | null): boolean =>
  !isOpenOrder(before) && !isOnPro(head) && accountObstacles(head).length === 0;

/** Paid, but Stripe still shows the subscription as incomplete. Another order would be paid too. */
const isPaidUnseen = ({ subscription }: CustomerHead, before: ProOrder | null): boolean =>
  before?.state === 'done' && subscription?.state === 'incomplete';

/** Stores an order for Pro, or finds an open order or a subscription. */
async function placeOrder(
  deps: PaymentDeps,
  customerId: string,
  plan: SoldPlan,
  present: Present | null,
): Promise<Placed> {
  const startedAt = deps.now().toISOString();
  const next = (head: CustomerHead, before: ProOrder | null, cards: TriesByCard): UnpricedOrder => ({
    attempt: (before?.attempt ?? 0) + 1,
    state: 'ordering',
    stripeCustomerId: payingCustomer(head, { cards, at: deps.now() }),
    paymentMethodId: head.paymentMethodId,
    startedAt,
    returnUrl: present?.returnUrl ?? null,
  });
  const readPayable = payableReader(deps, customerId);
  const { answer } = await changeLedger<UnderWay, Placed, Payable & Priced>(deps, {
    customerId,
    relatedKeys: [keys.order(customerId), keys.renewal(customerId)],
    decodeRelated: ([order, renewal]) => ({
      before: orderOf(order),
      renewal: renewal === undefined ? null : decodeRenewal(renewal),
    }),
    fetchCurrent: async ({ head, related: { before } }) => {
      const priceId = mayOrder(head, before)
        ? await agreedPriceId(deps, plan, present?.mostCents ?? null)
        : null;
      return { priceId, ...(await readPayable(head.stripeCustomerId)) };
    },
    decide: ({ head, related: { before, renewal } }, current) => {
      // Checked first: Stripe may show a subscription before its credits are granted.
      if (isOpenOrder(before))
        return { kind: 'done', answer: { kind: 'ordered', order: before, isFresh: false } };
      if (head.closedAt !== null) throw accountClosed(customerId);
      if (isOnPro(head)) {
        const isRenewing = renewal?.state === 'paying';
        const answer = isRenewing ? { kind: 'renewing' as const, renewal } : { kind: 'subscribed' as const };
        return { kind: 'done', answer: { ...answer, head } };
      }
      if (isPaidUnseen(head, before)) throw stillPending(undefined);
      const order = next(head, before, current?.tries.cards ?? {});
      if (current === undefined || current.priceId === null) return { kind: 'stale' };
      return decideOrder(head, { ...order, priceId: current.priceId }, before, current, deps.now());
    },
  });
  return answer;
}

/**
 * Decides whether to announce an order: not if the card has changed. A person subscribes, so there is no wait
 * after a decline. Pure.
 * @throws BillingError card_declined, ledger_busy if the budget of the card allows no try now
 */
function decideOrder(
  { customerId, balance }: CustomerHead,
  wanted: Omit<ProOrder, 'cardKey'>,
  before: ProOrder | null,
  { card, tries }: Payable,
  at: Date,
): LedgerDecision<Placed> {
  if (card?.paymentMethodId !== wanted.paymentMethodId) {
    return { kind: 'done', answer: { kind: 'card_changed' } };
  }
  const cardKey = cardKeyOf(card);
  const admitted = admission(tries, cardKey, at, true);
  if (admitted.kind === 'busy') throw cardBusy();
  if (admitted.kind === 'refused') throw notTried(admitted, at, balance);
  const order = { ...wanted, cardKey };
  const { id } = orderTry(order);
  return {
    kind: 'write',
    writes: (_, announcedAt) => [
      keepOrder(customerId, order, before),
      reserveTry(customerId, tries, { cardKey, id }, announcedAt),
    ],
    answer: () => ({ kind: 'ordered', order, isFresh: true }),
  };
}
