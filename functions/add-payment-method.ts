import { planAt } from '../lib/domain/subscription.ts';
import { addPaymentMethodContract } from '../lib/http/contracts/payments.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { CARD_CALLS, limitRate } from '../lib/http/rate-limit.ts';
import { addPaymentMethod } from '../lib/operations/accounts/add-payment-method.ts';
import { existingHead } from '../lib/operations/ledger/require-item.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { keys } from '../lib/store/keys.ts';

/** POST /api/v1/payment-method */
export const handler = customerEndpoint(
  addPaymentMethodContract,
  (customerId) => [keys.head(customerId)],
  async (deps, { input, customerId, items: [item] }) => {
    const known = existingHead(item, customerId);
    await limitRate(deps, `card#${customerId}`, CARD_CALLS);
    const { head, bonusCredits } = await addPaymentMethod(
      paymentDeps(deps),
      known,
      input.body.payment_method_id,
    );
    deps.report({ kind: 'payment_method_added', customerId });
    return {
      status: 200,
      body: {
        has_payment_method: true,
        subscription_type: planAt(head, deps.now()),
        credit_balance: head.balance,
        bonus_credits: bonusCredits,
      },
    };
  },
);
