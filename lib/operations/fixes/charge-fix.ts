import { chargeKey, type FixAttempt, type FixCharge } from '../../domain/fix-attempt.ts';
import { chargeDeclined } from '../../domain/notice.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { endCharge } from '../../store/fix-attempts.ts';
import { putNotice } from '../../store/notices.ts';
import type { Write } from '../../store/table.ts';
import { writeTogether } from '../../store/table.ts';
import { isFault, type StripeFault } from '../../stripe/fault.ts';
import { type FixPayment, KEY_IS_SAFE_MS, type StripePort } from '../../stripe/port.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { paymentsFault, stillPending } from '../payments/payment-problems.ts';
import { type Settlement, settleFixPayment } from './record-payment.ts';

/** What an announced charge came to. `payment` is as Stripe has it; null where there is none and will be none. */
export interface ChargeResult {
  readonly payment: FixPayment | null;
  readonly settlement: Settlement;
  /** What was wrong with the card, where Stripe made no payment of it. */
  readonly refusedCode?: string | undefined;
}

/**
 * Makes an announced charge, or finds out what became of it, and settles it. The attempt's own key makes sure that it is
 * made once, however often and by whomever this is called.
 * @throws BillingError payment_pending while the outcome is not known (the attempt stays announced and is asked for
 * again), payments_misconfigured; whatever settling throws
 */
export async function finishCharge(
  deps: PaymentDeps,
  customerId: string,
  fix: FixAttempt,
  charge: FixCharge,
): Promise<ChargeResult> {
  const stripe = await deps.stripe();
  const isOld = deps.now().getTime() - Date.parse(charge.startedAt) > KEY_IS_SAFE_MS;
  // A fix that is billed meanwhile wants no charge: then it is only looked for, not made.
  if (isOld || fix.billed !== null) return settleFound(deps, stripe, customerId, fix, charge);
  let payment: FixPayment;
  try {
    payment = await stripe.chargeFix({
      customerId,
      fixAttemptId: fix.id,
      attempt: charge.attempt,
      stripeCustomerId: charge.stripeCustomerId,
      paymentMethodId: charge.paymentMethodId,
      amountCents: charge.amountCents,
      idempotencyKey: chargeKey(customerId, fix.id, charge.attempt),
    });
  } catch (error) {
    if (isFault(error, 'declined', 'authentication_required', 'refused')) {
      const refusedCode = error.facts.code ?? 'payment_method_unusable';
      const notice = chargeDeclined(customerId, fix, charge, refusedCode, deps.now());
      const closed = await closeCharge(deps, customerId, fix, charge, [putNotice(notice)]);
      if (closed.kind === 'written') {
        const { amountCents } = charge;
        deps.report({
          kind: 'charge_declined',
          customerId,
          fixAttemptId: fix.id,
          paymentIntentId: null,
          amountCents,
        });
      }
      return { ...NOTHING, refusedCode };
    }
    if (isFault(error, 'misconfigured')) {
      // Refused before anything happened. With the settings mended, the next try is a new attempt.
      await closeCharge(deps, customerId, fix, charge);
      throw paymentsFault(error);
    }
    if (isFault(error, 'indeterminate', 'transient'))
      return resolve(deps, stripe, customerId, fix, charge, error);
    throw error;
  }
  // Outside of the above: a fault while a second payment goes back says nothing about this charge.
  return settle(deps, payment);
}

const NOTHING = { payment: null, settlement: { kind: 'unpaid' } } as const;

/** After an answer that was no outcome, the payment is looked for; after none at all, that would fail too. */
async function resolve(
  deps: PaymentDeps,
  stripe: StripePort,
  customerId: string,
  fix: FixAttempt,
  charge: FixCharge,
  fault: StripeFault,
): Promise<ChargeResult> {
  if (fault.kind === 'transient' || !fault.facts.answered) throw stillPending(fault);
  const payment = await find(stripe, fix, charge);
  if (payment !== null) return settle(deps, payment);
  // The same answer for ever, and nothing came of it: only another attempt can.
  if (fault.facts.replayed) await closeCharge(deps, customerId, fix, charge);
  throw stillPending(fault);
}

async function settleFound(
  deps: PaymentDeps,
  stripe: StripePort,
  customerId: string,
  fix: FixAttempt,
  charge: FixCharge,
): Promise<ChargeResult> {
  const found = await find(stripe, fix, charge);
  if (found !== null) {
    // Whatever could still be paid cannot be any more, unless it was meanwhile.
    const payment = found.state === 'succeeded' ? found : await stripe.cancelPayment(found.paymentIntentId);
    if (payment !== null) return settle(deps, payment);
  }
  await closeCharge(deps, customerId, fix, charge);
  return NOTHING;
}

async function find(stripe: StripePort, fix: FixAttempt, charge: FixCharge): Promise<FixPayment | null> {
  try {
    const since = new Date(charge.startedAt);
    const payments = await stripe.findFixPayments(charge.stripeCustomerId, fix.id, since);
    return payments.find(({ attempt }) => attempt === charge.attempt) ?? null;
  } catch (error) {
    if (isFault(error, 'refused')) return null; // The customer is gone at Stripe, and so is what they had not paid.
    throw isFault(error, 'transient', 'indeterminate') ? stillPending(error) : paymentsFault(error);
  }
}

async function settle(deps: PaymentDeps, payment: FixPayment): Promise<ChargeResult> {
  const { settlement } = await settleFixPayment(deps, payment);
  return { payment, settlement };
}

/**
 * Notes that an attempt came to nothing, and what goes with that. Somebody else may have noted what became of it: that stays, and
 * this is refused.
 */
export async function closeCharge(
  deps: PaymentDeps,
  customerId: string,
  fix: FixAttempt,
  charge: FixCharge,
  beside: readonly Write[] = [],
): Promise<{ readonly kind: 'written' | 'refused' }> {
  const writes = [endCharge(customerId, { ...fix, charge }, { ...charge, state: 'closed' }), ...beside];
  return retryContended(deps, () => writeTogether(deps.table, writes));
}
