import type { CustomerHead } from '../../domain/customer.ts';
import { cardKeyOf } from '../../domain/payments/card-tries.ts';
import { currentSubscription, type Subscription } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { decodeRenewal, keepRenewal, type Renewal } from '../../store/renewals.ts';
import { isFault, StripeFault } from '../../stripe/fault.ts';
import type { Decline, OpenRenewal, StripeAccount, StripePort } from '../../stripe/port.ts';
import { changeLedger, type LedgerDecision } from '../ledger/change-ledger.ts';
import { finishAttempt } from '../payments/attempt.ts';
import {
  admission,
  type CardTry,
  cardBusy,
  endAttempt,
  notTried,
  reserveTry,
  type TryOutcome,
} from '../payments/card-tries.ts';
import { headWithOpenDisputes } from '../payments/open-disputes.ts';
import { type Payable, payableReader } from '../payments/payable.ts';
import { askStripe, paymentsFault } from '../payments/payment-problems.ts';
import { settleInvoice } from './settle-invoice.ts';
import { syncAccount } from './sync-account.ts';

/*
 * Payment of the newest open renewal at our request: announced in the table, made once at Stripe, settled
 * once.
 */

/** The outcome of a renewal. `none`: nothing was due, or the payment was not made. */
export type RenewalOutcome =
  | { readonly kind: 'paid' }
  | { readonly kind: 'needs_approval' | 'none' }
  | { readonly kind: 'declined'; readonly decline: Decline };

const NONE = { kind: 'none' } as const;

/**
 * Pays the newest open Pro invoice of a past-due customer with the card on file. Idempotent.
 * @param isAsked a person asked for the payment: a card that was declined for this invoice is tried again,
 * and an uncollectible invoice is paid
 * @param mostCents what that person agreed to, in US cents; a renewal that costs more is not paid
 * @throws BillingError as `announceRenewal` and `finishRenewal`
 */
export async function payRenewal(
  deps: PaymentDeps,
  customerId: string,
  isAsked: boolean,
  mostCents: number | null = null,
): Promise<RenewalOutcome> {
  const renewal = await announceRenewal(deps, customerId, isAsked, mostCents);
  return renewal === null ? NONE : finishRenewal(deps, customerId, renewal);
}

interface AtStripe {
  readonly payable: Payable;
  readonly account: StripeAccount;
  readonly invoice: OpenRenewal | null;
}

/**
 * Announces the payment of a renewal, or returns the announced one. Returns null if nothing is due, a dispute
 * is open, or the subscription is set to end.
 * @throws BillingError payments_unavailable, payments_misconfigured, customer_not_found, ledger_busy,
 * ledger_unavailable
 */
export async function announceRenewal(
  deps: PaymentDeps,
  customerId: string,
  isAsked: boolean,
  mostCents: number | null = null,
): Promise<Renewal | null> {
  const readPayable = payableReader(deps, customerId);
  const { answer } = await changeLedger<Renewal | null, Renewal | null, AtStripe | null>(deps, {
    customerId,
    relatedKeys: [keys.renewal(customerId)],
    decodeRelated: ([item]) => (item === undefined ? null : decodeRenewal(item)),
    fetchCurrent: async ({ head }) => {
      const open = await askStripe(() => readOpenRenewal(deps, head, isAsked));
      // Without an open renewal, nothing is announced and no card is needed.
      if (open === null || open.invoice === null) return null;
      return { ...open, payable: await readPayable(head.stripeCustomerId) };
    },
    decide: ({ head, related: before }, current) => {
      if (before?.state === 'paying') return { kind: 'done', answer: before };
      const due = renewalDue(head, before, current ?? null, deps.now());
      if (due === null || !current || (!isAsked && wasTried(before, due)))
        return { kind: 'done', answer: null };
      if (mostCents !== null && due.amountCents > mostCents) return { kind: 'done', answer: null };
      return decideAnnouncement(head, due, before, current.payable, { at: deps.now(), isAsked });
    },
  });
  return answer;
}

/**
 * Decides whether to announce a renewal: not if the card has changed, or if its budget allows no try now.
 * Pure.
 * @throws BillingError card_declined, ledger_busy if a person asked and the budget allows no try
 */
function decideAnnouncement(
  { customerId, balance }: CustomerHead,
  due: Renewal,
  before: Renewal | null,
  { card, tries }: Payable,
  { at, isAsked }: { readonly at: Date; readonly isAsked: boolean },
): LedgerDecision<Renewal | null> {
  if (card?.paymentMethodId !== due.paymentMethodId) return { kind: 'done', answer: null };
  const cardKey = cardKeyOf(card);
  const admitted = admission(tries, cardKey, at, isAsked);
  if (admitted.kind === 'refused' && isAsked) throw notTried(admitted, at, balance);
  if (admitted.kind === 'busy' && isAsked) throw cardBusy();
  if (admitted.kind !== 'allowed') return { kind: 'done', answer: null };
  const renewal = { ...due, cardKey };
  const { id } = renewalTry(renewal);
  return {
    kind: 'write',
    writes: (_, announcedAt) => [
      keepRenewal(customerId, renewal, before),
      reserveTry(customerId, tries, { cardKey, id }, announcedAt),
    ],
    answer: () => renewal,
  };
}

/** The renewal as a try of its card. Stripe and the response report a decline, so it needs no letter. */
const renewalTry = ({ cardKey, attempt }: Renewal): CardTry => ({
  cardKey,
  id: `renewal:${attempt}`,
  isAnswered: true,
});

async function readOpenRenewal(
  deps: PaymentDeps,
  { stripeCustomerId }: CustomerHead,
  isAsked: boolean,
): Promise<Omit<AtStripe, 'payable'> | null> {
  if (stripeCustomerId === null) return null;
  const stripe = await deps.stripe();
  const account = await stripe.readAccount(stripeCustomerId);
  const current = account.kind === 'account' ? currentSubscription(account.subscriptions) : null;
  return { account, invoice: isPayable(current) ? await stripe.findOpenRenewal(current.id, isAsked) : null };
}

/** Past due, still collected by Stripe, and not set to end. */
export const isPayable = (subscription: Subscription | null): subscription is Subscription =>
  subscription?.state === 'past_due' && subscription.collects && !subscription.cancelAtPeriodEnd;

function renewalDue(
  head: CustomerHead,
  before: Renewal | null,
  current: AtStripe | null,
  at: Date,
): Renewal | null {
  const { stripeCustomerId, paymentMethodId, openDisputes, closedAt } = head;
  if (current?.account.kind !== 'account' || current.invoice === null) return null;
  if (stripeCustomerId === null || paymentMethodId === null) return null;
  // If Stripe has another card than the head, the event about that card pays the renewal with it.
  if (current.account.card?.paymentMethodId !== paymentMethodId) return null;
  const subscription = currentSubscription(current.account.subscriptions);
  if (subscription === null || openDisputes.length > 0 || closedAt !== null) return null;
  return {
    attempt: (before?.attempt ?? 0) + 1,
    state: 'paying',
    ...current.invoice,
    subscriptionId: subscription.id,
    stripeCustomerId,
    paymentMethodId,
    cardKey: null,
    startedAt: at.toISOString(),
  };
}

/** Events try an invoice once per card, because our own tries cause events too. */
const wasTried = (before: Renewal | null, { invoiceId, paymentMethodId }: Renewal): boolean =>
  before?.invoiceId === invoiceId && before.paymentMethodId === paymentMethodId;

/**
 * Makes an announced payment, or looks up its outcome, and settles it. The attempt's idempotency key ensures
 * one payment. Idempotent: the customer, an event and the sweeper may all call it.
 * @throws BillingError payment_pending while the outcome is unknown (the renewal stays announced),
 * payments_misconfigured, ledger_busy, ledger_unavailable
 */
export function finishRenewal(
  deps: PaymentDeps,
  customerId: string,
  renewal: Renewal,
): Promise<RenewalOutcome> {
  const { startedAt, invoiceId } = renewal;
  return finishAttempt<'paid', RenewalOutcome>(deps, {
    startedAt,
    holds: async () => (await isOpen(deps, invoiceId)) && isStillDue(deps, customerId, renewal),
    ask: (stripe) => pay(stripe, customerId, renewal),
    find: async (stripe) => ((await stripe.readRenewalState(invoiceId)) === 'paid' ? 'paid' : null),
    end: async (_, paid) => paid,
    isOnceAtStripe: true,
    settle: () => settle(deps, customerId, renewal),
    close: (fault) =>
      keepState(deps, customerId, renewal, STATES[outcomeOf(fault).kind], tryOutcomeOf(fault)),
    async closed(fault) {
      if (fault?.kind === 'misconfigured') throw paymentsFault(fault);
      return outcomeOf(fault);
    },
  });
}

const isOpen = async (deps: PaymentDeps, invoiceId: string): Promise<boolean> =>
  (await (await deps.stripe()).readRenewalState(invoiceId)) === 'open';

/**
 * Checked before each send: any change since the announcement closes the attempt. Reads account and disputes
 * at Stripe.
 */
async function isStillDue(deps: PaymentDeps, customerId: string, renewal: Renewal): Promise<boolean> {
  const { stripeCustomerId } = renewal;
  const synced = await syncAccount(deps, customerId);
  if (synced.head.stripeCustomerId !== stripeCustomerId) return false;
  const head = await headWithOpenDisputes(deps, customerId, stripeCustomerId);
  const { closedAt, openDisputes, paymentMethodId, subscription } = head;
  return (
    closedAt === null &&
    openDisputes.length === 0 &&
    paymentMethodId === renewal.paymentMethodId &&
    subscription?.id === renewal.subscriptionId &&
    isPayable(subscription)
  );
}

async function pay(
  stripe: StripePort,
  customerId: string,
  { invoiceId, paymentMethodId, attempt }: Renewal,
): Promise<'paid'> {
  const idempotencyKey = `renewal:${customerId}:${attempt}`;
  try {
    await stripe.payInvoice({ invoiceId, paymentMethodId, idempotencyKey });
  } catch (error) {
    // Stripe refuses the payment if its own retry has just paid the invoice.
    const isRefused = isFault(error, 'refused', 'misconfigured');
    if (!isRefused || (await stripe.readRenewalState(invoiceId)) !== 'paid') throw error;
  }
  return 'paid';
}

/** The outcome of a payment that was not made. */
function outcomeOf(fault: StripeFault | null): Exclude<RenewalOutcome, { kind: 'paid' }> {
  if (fault?.kind === 'authentication_required') return { kind: 'needs_approval' };
  // The card was detached meanwhile, for example: only another card helps, as after a decline.
  if (fault?.kind === 'refused') return { kind: 'declined', decline: UNUSABLE };
  if (fault?.kind !== 'declined') return NONE;
  const { code = 'card_declined', declineCode = null } = fault.facts;
  return { kind: 'declined', decline: { code, declineCode } };
}

const UNUSABLE: Decline = { code: 'payment_method_unusable', declineCode: null };

/** What the fault says about the card. */
const tryOutcomeOf = (fault: StripeFault | null): TryOutcome =>
  isFault(fault, 'declined')
    ? { kind: 'declined', code: fault.facts.declineCode ?? fault.facts.code ?? 'card_declined' }
    : { kind: 'released' };

const STATES = { declined: 'declined', needs_approval: 'needs_approval', none: 'closed' } as const;

/** Each step is idempotent. The renewal stays open until all of them are done. */
async function settle(deps: PaymentDeps, customerId: string, renewal: Renewal): Promise<RenewalOutcome> {
  await askStripe(() => settleInvoice(deps, customerId, renewal.invoiceId));
  await askStripe(() => syncAccount(deps, customerId));
  await keepState(deps, customerId, renewal, 'paid', { kind: 'succeeded' });
  return { kind: 'paid' };
}

/** Stores an outcome. If another caller has stored one, that outcome stays. */
async function keepState(
  deps: PaymentDeps,
  customerId: string,
  renewal: Renewal,
  state: Renewal['state'],
  outcome: TryOutcome,
): Promise<void> {
  await endAttempt(deps, customerId, renewalTry(renewal), outcome, () => [
    keepRenewal(customerId, { ...renewal, state }, renewal),
  ]);
}

/** For callers whose own work succeeds either way. The renewal stays open work. */
export function noneIfOpen(error: unknown): RenewalOutcome {
  if (error instanceof BillingError || error instanceof StripeFault) return NONE;
  throw error;
}
