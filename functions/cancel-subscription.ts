import { cancelSubscriptionContract } from '../lib/http/contracts/payments.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { subscriptionView } from '../lib/http/views/account.ts';
import { cancelSubscription } from '../lib/operations/plans/cancel-subscription.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';

/** DELETE /api/v1/subscription */
export const handler = customerEndpoint(
  cancelSubscriptionContract,
  () => [],
  async (deps, { input, customerId }) => {
    const atPeriodEnd = input.query.at_period_end === 'true';
    const head = await cancelSubscription(paymentDeps(deps), customerId, atPeriodEnd);
    return { status: 200, body: subscriptionView(head, deps.now()) };
  },
);
