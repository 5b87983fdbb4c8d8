import type { PaymentDeps } from '../deps.ts';
import type { FixPayment } from '../stripe/port.ts';
import type { ChargeStep, FixBilling } from './bill-fix-attempt.ts';
import { closeCharge, finishCharge } from './charge-fix.ts';
import { askStripe, stillPending } from './payment-problems.ts';
import { settleFixPayment } from './settle-fix-payment.ts';
import { syncAccount } from './sync-account.ts';

/**
 * One step of charging a fix. Null when the fix stands differently now and has to be looked at again.
 * @throws BillingError payment_pending, payments_unavailable, payments_misconfigured; whatever settling throws
 */
export async function takeChargeStep(
  deps: PaymentDeps,
  customerId: string,
  step: ChargeStep,
): Promise<FixBilling | null> {
  switch (step.kind) {
    case 'charge':
      return charge(deps, customerId, step);
    case 'await_cardholder':
      return endAfter(deps, customerId, step, (stripe, id) => stripe.readFixPayment(id));
    case 'close_first':
      return endAfter(deps, customerId, step, (stripe, id) => stripe.cancelPayment(id));
    default:
      return step.kind satisfies never;
  }
}

async function charge(deps: PaymentDeps, customerId: string, step: ChargeStep): Promise<FixBilling | null> {
  const result = await finishCharge(deps, customerId, step.fix, step.charge);
  if (result.refusedCode !== undefined) {
    // The card we have on file is not what Stripe has: find out before the next fix.
    await askStripe(() => syncAccount(deps, customerId));
    const decline = { code: result.refusedCode, declineCode: null };
    return { kind: 'declined', decline, balance: step.balance };
  }
  if (result.settlement.kind === 'billed') return result.settlement;
  return result.payment === null ? null : unpaid(result.payment, step);
}

/** Looks at, or ends, the payment intent of the attempt before, and goes by what it is then. */
async function endAfter(
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
