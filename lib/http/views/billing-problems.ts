import { formatUsd } from '../../domain/pricing.ts';
import { BillingError } from '../../errors.ts';
import type { BlockedFix, FixBilling } from '../../operations/fixes/decide-step.ts';
import { notTried } from '../../operations/payments/card-tries.ts';
import { cardDeclined } from '../../operations/payments/payment-problems.ts';
import type { FixBilled } from '../contracts/fix-attempts.ts';
import { limitFacts } from './spending.ts';

/**
 * The answer to billing a fix.
 * @throws BillingError if the fix could not be billed
 */
export function billedView(id: string, billing: FixBilling): FixBilled {
  if (billing.kind !== 'billed') throw billingProblem(id, billing);
  const { billed, already, balance } = billing;
  return {
    id,
    billing_status: 'billed',
    message: already ? 'Already billed' : 'Billed',
    outcome: billed.outcome,
    amount_cents: billed.amountCents,
    credit_balance: balance,
  };
}

/** The problem, and its remedy, for a fix that could not be billed. */
function billingProblem(id: string, billing: Exclude<FixBilling, { kind: 'billed' }>): BillingError {
  const balance = { credit_balance: billing.balance };
  switch (billing.kind) {
    case 'declined':
      return cardDeclined(billing.decline, 'Add another payment method, then bill again.', balance);
    case 'not_tried':
      return notTried(billing, billing.at, billing.balance);
    case 'action_required': {
      const { paymentIntentId, clientSecret } = billing.payment;
      const detail =
        "The card's bank asks the cardholder to confirm the payment. Confirm it in a browser with " +
        'Stripe.js, and the fix is billed; or add another payment method, then bill again.';
      return new BillingError('authentication_required', detail, {
        ...balance,
        action: `/billing/approve?fix=${id}`,
        reasons: ['authentication_required'],
        ...(clientSecret !== null && {
          payment_intent: { id: paymentIntentId, client_secret: clientSecret },
        }),
      });
    }
    case 'blocked':
      return blocked(billing);
    default:
      return billing satisfies never;
  }
}

function blocked({ code, reasons, balance, limitCents, wanted: { spending, amountCents } }: BlockedFix) {
  const facts = { credit_balance: balance, reasons };
  if (code !== 'spending_limit_reached') return new BillingError(code, BLOCKED[code], facts);
  const spending_limit = limitFacts(limitCents ?? 0, spending);
  const { monthly_cents, room_cents, renews_at } = spending_limit;
  const detail =
    `No credits are left, and a charge of ${formatUsd(amountCents)} would exceed the monthly spending ` +
    'limit: ' +
    `${formatUsd(room_cents)} of ${formatUsd(monthly_cents)} are left until ${renews_at.slice(0, 10)}. ` +
    'Raise the limit, or bill again then.';
  return new BillingError(code, detail, { ...facts, spending_limit });
}

const BLOCKED = {
  no_billing_info:
    'No credits are left and no payment method is on file. Add a payment method, then bill again.',
  account_disputed:
    'No credits are left, and no card is charged while a payment is disputed. Ask support, then bill again.',
} as const;
