import { chargeKey, type FixAttempt, type FixCharge, tryOf } from '../../domain/fix-attempt.ts';
import { chargeDeclined } from '../../domain/notice.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { endCharge } from '../../store/fix-attempts.ts';
import { putNotice } from '../../store/notices.ts';
import { followCharge } from '../../store/payments/spending.ts';
import type { Write, WriteResult } from '../../store/table.ts';
import { isFault, type StripeFault } from '../../stripe/fault.ts';
import type { FixChargeOrder, FixPayment, StripePort } from '../../stripe/port.ts';
import { finishAttempt } from '../payments/attempt.ts';
import { endAttempt, type TryOutcome } from '../payments/card-tries.ts';
import { payerHolds } from '../payments/payer.ts';
import { paymentsFault } from '../payments/payment-problems.ts';
import { type Settlement, settleFixPayment } from './record-payment.ts';

/** The outcome of an announced charge. `payment` is as Stripe has it; null if none exists and none will. */
export interface ChargeResult {
  readonly payment: FixPayment | null;
  readonly settlement: Settlement;
  /** Why the card was refused, if Stripe created no payment for it. */
  readonly refusedCode?: string | undefined;
}

/**
 * Makes an announced charge, or looks up its outcome, and settles it. The attempt's idempotency key ensures
 * one charge, however often this is called.
 * @param isFresh this call announced the charge and has just read the card, so the payer is not checked again
 * @throws BillingError payment_pending while the outcome is unknown (the attempt stays announced),
 * payments_misconfigured; the errors of `settleFixPayment`
 */
export function finishCharge(
  deps: PaymentDeps,
  customerId: string,
  fix: FixAttempt,
  charge: FixCharge,
  isFresh = false,
): Promise<ChargeResult> {
  return finishAttempt<FixPayment, ChargeResult>(deps, {
    startedAt: charge.startedAt,
    // A fix that is already billed needs no charge.
    holds: async () => fix.billed === null && (isFresh || (await payerHolds(deps, customerId, charge))),
    ask: (stripe) => stripe.chargeFix(orderOf(customerId, fix, charge)),
    find: (stripe) => find(stripe, fix, charge),
    end: async (stripe, payment) =>
      payment.state === 'succeeded' ? payment : stripe.cancelPayment(payment.paymentIntentId),
    settle: async (payment) => ({ payment, ...(await settleFixPayment(deps, payment)) }),
    close: (fault) => closeRefused(deps, customerId, fix, charge, fault),
    closed: async (fault) => {
      if (isFault(fault, 'misconfigured')) throw paymentsFault(fault);
      return { ...NOTHING, refusedCode: fault === null ? undefined : refusedCodeOf(fault) };
    },
  });
}

const NOTHING = { payment: null, settlement: { kind: 'unpaid' } } as const;

const orderOf = (customerId: string, fix: FixAttempt, charge: FixCharge): FixChargeOrder => ({
  customerId,
  fixAttemptId: fix.id,
  attempt: charge.attempt,
  stripeCustomerId: charge.stripeCustomerId,
  paymentMethodId: charge.paymentMethodId,
  amountCents: charge.amountCents,
  texts: charge.texts,
  idempotencyKey: chargeKey(customerId, fix.id, charge.attempt),
});

/** The most exact code: it decides whether the card may be tried again. */
const refusedCodeOf = ({ facts }: StripeFault): string =>
  facts.declineCode ?? facts.code ?? 'payment_method_unusable';

/**
 * Sends a letter if the card was refused without a payment intent. If our own settings caused the refusal,
 * the card is not at fault.
 */
async function closeRefused(
  deps: PaymentDeps,
  customerId: string,
  fix: FixAttempt,
  charge: FixCharge,
  fault: StripeFault | null,
): Promise<void> {
  if (fault === null || isFault(fault, 'misconfigured')) {
    await closeCharge(deps, customerId, fix, charge);
    return;
  }
  const code = refusedCodeOf(fault);
  const notice = putNotice(chargeDeclined(customerId, fix, charge, code, deps.now()));
  const closed = await closeCharge(deps, customerId, fix, charge, {
    outcome: isFault(fault, 'declined') ? { kind: 'declined', code } : { kind: 'asked' },
    letter: notice,
  });
  if (closed.kind !== 'written') return;
  const { amountCents } = charge;
  deps.report({
    kind: 'charge_declined',
    customerId,
    fixAttemptId: fix.id,
    paymentIntentId: null,
    amountCents,
  });
}

/** The payment of an attempt. Null also if the customer was deleted at Stripe: that ends unpaid payments. */
async function find(stripe: StripePort, fix: FixAttempt, charge: FixCharge): Promise<FixPayment | null> {
  try {
    const since = new Date(charge.startedAt);
    const payments = await stripe.findFixPayments(charge.stripeCustomerId, fix.id, since);
    return payments.find(({ attempt }) => attempt === charge.attempt) ?? null;
  } catch (error) {
    if (isFault(error, 'refused')) return null;
    throw error;
  }
}

/**
 * Stores that an attempt ended without a payment, and what that means for its card. If another call has
 * stored an outcome, that outcome stays and this write is refused.
 */
export function closeCharge(
  deps: PaymentDeps,
  customerId: string,
  fix: FixAttempt,
  charge: FixCharge,
  { outcome, letter }: { readonly outcome: TryOutcome; readonly letter?: Write } = {
    outcome: { kind: 'released' },
  },
): Promise<WriteResult> {
  const closed: FixCharge = { ...charge, state: 'closed' };
  return endAttempt(deps, customerId, tryOf(fix, charge), outcome, (getsLetter) => [
    endCharge(customerId, { ...fix, charge }, closed),
    ...followCharge(customerId, charge, closed),
    ...(getsLetter && letter !== undefined ? [letter] : []),
  ]);
}
