import { subscribeContract } from '../lib/http/contracts/payments.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { subscribedView } from '../lib/http/views/account.ts';
import { requireHead } from '../lib/operations/ledger/require-item.ts';
import { orderOf } from '../lib/operations/plans/settle-order.ts';
import { subscribeToPro } from '../lib/operations/plans/subscribe-to-pro.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { keys } from '../lib/store/keys.ts';

/** POST /api/v1/subscription */
export const handler = customerEndpoint(
  subscribeContract,
  (customerId) => [keys.order(customerId), keys.head(customerId)],
  async (deps, { input: { body }, customerId, items: [order, before] }) => {
    const { created, head } = await subscribeToPro(paymentDeps(deps), customerId, orderOf(order), body.plan);
    return {
      status: created ? 201 : 200,
      body: subscribedView(requireHead(before, customerId), head, deps.now()),
    };
  },
);
