import { withStripe } from './connect-stripe.ts';
import type { Deps, MoneyEvent, PaymentDeps } from './deps.ts';
import { countBusiness, logger } from './observe.ts';

/** What a function works with that may move money, and that tells of it. */
export const paymentDeps = (deps: Deps): PaymentDeps => withStripe(deps, process.env, report);

function report({ kind, customerId, fixAttemptId, paymentIntentId, amountCents }: MoneyEvent): void {
  const line = {
    customer_id: customerId,
    fix_attempt_id: fixAttemptId,
    payment_intent_id: paymentIntentId,
    amount_cents: amountCents,
  };
  switch (kind) {
    case 'fix_charged':
      countBusiness('FixCharged');
      logger.info(kind, line);
      break;
    case 'charge_declined':
      countBusiness('ChargeDeclined');
      logger.info(kind, line);
      break;
    case 'double_payment_returned':
      countBusiness('DoublePaymentReturned');
      logger.warn(kind, line);
      break;
    default:
      kind satisfies never;
  }
}
