import { BillingError } from '../../errors.ts';
import type { FixBilling } from '../../operations/fixes/bill-fix-attempt.ts';
import { cardDeclined } from '../../operations/payments/payment-problems.ts';

/** What the customer hears, and has to do, when a fix could not be billed. */
export function unbilled(billing: Exclude<FixBilling, { kind: 'billed' }>): BillingError {
  const balance = { credit_balance: billing.balance };
  switch (billing.kind) {
    case 'declined':
      return cardDeclined(billing.decline, 'Add another payment method, then bill again.', balance);
    case 'action_required': {
      const { paymentIntentId, clientSecret } = billing.payment;
      const detail =
        "The card's bank asks the cardholder to confirm the payment. Confirm it in a browser with Stripe.js, and the fix is " +
        'billed; or add another payment method, then bill again.';
      return new BillingError('authentication_required', detail, {
        ...balance,
        ...(clientSecret !== null && {
          payment_intent: { id: paymentIntentId, client_secret: clientSecret },
        }),
      });
    }
    case 'blocked':
      return new BillingError(billing.code, BLOCKED[billing.code], balance);
    default:
      return billing satisfies never;
  }
}

const BLOCKED = {
  no_billing_info:
    'No credits are left and no payment method is on file. Add a payment method, then bill again.',
  account_disputed:
    'No credits are left, and no card is charged while a payment is disputed. Ask support, then bill again.',
} as const;
