import type { CustomerHead } from '../../domain/customer.ts';
import type { FixAttempt } from '../../domain/fix-attempt.ts';
import { decideFixBilling } from '../../domain/fix-billing.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import type { Write } from '../../store/table.ts';
import type { FixPayment } from '../../stripe/port.ts';
import { changeLedger, type LedgerView } from '../ledger/change-ledger.ts';
import { requireFix } from '../ledger/require-item.ts';
import { type Payable, payableReader } from '../payments/payable.ts';
import { askStripe, stillPending } from '../payments/payment-problems.ts';
import { syncAccount } from '../plans/sync-account.ts';
import { waitForCard } from './announce-charge.ts';
import { closeCharge, finishCharge } from './charge-fix.ts';
import { type ChargeStep, type FixBilling, type NextStep, toDecision } from './decide-step.ts';
import { settleFixPayment } from './record-payment.ts';

export interface BillingOptions {
  /** A person asked for the charge, so the card's waiting time does not apply. */
  readonly byPerson?: boolean;
  /** The most US cents that the person agreed to. A new charge of more is not announced. */
  readonly mostCents?: number;
  /** The use of the caller's key, stored beside the first write. */
  readonly keyUse?: readonly Write[];
}

/** A new charge would cost more than the person agreed to. Nothing was done. */
export class CostsMore extends Error {}

/** Three steps: end the previous payment intent, announce a charge, make it. Two more for repeats. */
const MAX_STEPS = 5;

/**
 * Bills a merged fix with one credit, or with one charge if no credit is left. Each fix is billed once, also
 * under repeated and concurrent calls. The charge is stored before it is made, so the next call or the
 * sweeper finishes it after a crash.
 * @throws CostsMore; BillingError fix_attempt_not_found, payment_pending (the charge's outcome is unknown),
 * payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable
 */
export async function billFixAttempt(
  deps: PaymentDeps,
  customerId: string,
  fixId: string,
  read?: LedgerView<FixAttempt>,
  { byPerson = false, mostCents = Number.POSITIVE_INFINITY, keyUse = [] }: BillingOptions = {},
): Promise<FixBilling> {
  let view = read;
  let isOurs = false;
  let busy = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    const next = await nextStep(deps, customerId, fixId, view, { byPerson, mostCents, keyUse });
    view = undefined;
    if (next.kind === 'card_busy') {
      await waitForCard(deps, busy++);
      step -= 1;
      continue;
    }
    if (next.kind === 'card_changed') {
      await askStripe(() => syncAccount(deps, customerId));
      continue;
    }
    if ('isFresh' in next) isOurs = true;
    const done = isChargeStep(next) ? await takeChargeStep(deps, customerId, next) : next;
    if (done !== null) return done.kind === 'billed' ? billedOnce(done, isOurs) : done;
  }
  throw new Error(`Fix ${fixId} was not finished in ${MAX_STEPS} steps`);
}

/** Only the announcer of a charge gets "billed", even if another caller or the webhook settles it first. */
function billedOnce(billing: Extract<FixBilling, { kind: 'billed' }>, isOurs: boolean): FixBilling {
  const isCharge = billing.billed.outcome === 'charged_and_consumed';
  return isCharge ? { ...billing, already: !isOurs } : billing;
}

const isChargeStep = (next: FixBilling | ChargeStep): next is ChargeStep =>
  next.kind === 'charge' || next.kind === 'await_cardholder' || next.kind === 'close_first';

/** Bills the fix with a credit, announces its charge, or returns what prevents both. */
async function nextStep(
  deps: PaymentDeps,
  customerId: string,
  fixId: string,
  read: LedgerView<FixAttempt> | undefined,
  { byPerson, mostCents, keyUse }: Required<BillingOptions>,
): Promise<NextStep> {
  const readPayable = payableReader(deps, customerId);
  const { answer } = await changeLedger<FixAttempt, NextStep, Payable | undefined>(
    deps,
    {
      customerId,
      relatedKeys: [keys.fix(customerId, fixId)],
      onFirstTry: keyUse,
      decodeRelated: ([item]) => requireFix(item),
      // Billing without a charge needs no card.
      fetchCurrent: async ({ head, related }) => {
        const decision = decideFixBilling(head, related, deps.now());
        if (decision.kind === 'charge') return readPayable(decision.charge.stripeCustomerId);
        return decision.kind === 'blocked' ? payableWhenBlocked(head, readPayable) : undefined;
      },
      decide: (view, payable) => {
        const at = deps.now();
        const decision = decideFixBilling(view.head, view.related, at);
        if (decision.kind === 'charge' && decision.charge.amountCents > mostCents) throw new CostsMore();
        return toDecision(view, decision, payable, { at, byPerson });
      },
    },
    read,
  );
  return answer;
}

/**
 * Card data that may unblock a fix or add a reason: the card's earlier declines, and a card at Stripe whose
 * event is late or lost. If Stripe cannot be reached, the fix stays blocked. A closed account stays without a
 * card.
 */
async function payableWhenBlocked(
  { paymentMethodId, stripeCustomerId, closedAt }: CustomerHead,
  readPayable: (stripeCustomerId: string | null) => Promise<Payable>,
): Promise<Payable | undefined> {
  if (paymentMethodId !== null) return readPayable(null);
  if (stripeCustomerId === null || closedAt !== null) return undefined;
  try {
    return await readPayable(stripeCustomerId);
  } catch (error) {
    if (error instanceof BillingError && error.code.startsWith('payments_')) return undefined;
    throw error;
  }
}

/**
 * Takes one step of charging a fix. Returns null if the fix has changed and must be read again.
 * @throws BillingError payment_pending, payments_unavailable, payments_misconfigured; errors of settling
 */
async function takeChargeStep(
  deps: PaymentDeps,
  customerId: string,
  step: ChargeStep,
): Promise<FixBilling | null> {
  switch (step.kind) {
    case 'charge':
      return charge(deps, customerId, step);
    case 'await_cardholder':
      return settlePrevious(deps, customerId, step, (stripe, id) => stripe.readFixPayment(id));
    case 'close_first':
      return settlePrevious(deps, customerId, step, (stripe, id) => stripe.cancelPayment(id));
    default:
      return step.kind satisfies never;
  }
}

async function charge(deps: PaymentDeps, customerId: string, step: ChargeStep): Promise<FixBilling | null> {
  const result = await finishCharge(deps, customerId, step.fix, step.charge, step.isFresh);
  if (result.refusedCode !== undefined) {
    // Stripe refused the card on file, so the head may be stale. Sync it before the next fix.
    await askStripe(() => syncAccount(deps, customerId));
    const decline = { code: result.refusedCode, declineCode: null };
    return { kind: 'declined', decline, balance: step.balance };
  }
  if (result.settlement.kind === 'billed') return result.settlement;
  return result.payment === null ? null : unpaid(result.payment, step);
}

/**
 * Reads the previous attempt's payment intent (`await_cardholder`) or cancels it (`close_first`), and acts on
 * its state.
 */
async function settlePrevious(
  deps: PaymentDeps,
  customerId: string,
  step: ChargeStep,
  ask: (
    stripe: Awaited<ReturnType<PaymentDeps['stripe']>>,
    paymentIntentId: string,
  ) => Promise<FixPayment | null>,
): Promise<FixBilling | null> {
  const stripe = await deps.stripe();
  const { paymentIntentId } = step.charge;
  const payment = paymentIntentId === null ? null : await askStripe(() => ask(stripe, paymentIntentId));
  if (payment === null) {
    await closeCharge(deps, customerId, step.fix, step.charge);
    return null;
  }
  if (payment.state === 'action_required' && step.kind === 'await_cardholder') return unpaid(payment, step);
  if (payment.state === 'processing') throw stillPending(undefined);
  const { settlement } = await settleFixPayment(deps, payment);
  return settlement.kind === 'billed' ? settlement : null;
}

function unpaid(payment: FixPayment, { balance }: ChargeStep): FixBilling | null {
  switch (payment.state) {
    case 'declined': {
      const decline = payment.decline ?? { code: 'card_declined', declineCode: null };
      return { kind: 'declined', decline, balance };
    }
    case 'action_required':
      return { kind: 'action_required', payment, balance };
    case 'processing':
      throw stillPending(undefined);
    case 'canceled':
    case 'succeeded':
      return null;
    default:
      return payment.state satisfies never;
  }
}
