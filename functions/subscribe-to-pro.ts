import { subscribeContract } from '../lib/http/contracts/payments.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { countBusiness } from '../lib/http/observe.ts';
import { CARD_CALLS, limitRate } from '../lib/http/rate-limit.ts';
import { subscriptionView } from '../lib/http/views.ts';
import { orderOf, subscribeToPro } from '../lib/operations/subscribe-to-pro.ts';
import { keys } from '../lib/store/keys.ts';
import { withStripe } from '../lib/stripe/connect.ts';

/** POST /api/v1/subscription */
export const handler = customerEndpoint(
  subscribeContract,
  (customerId) => [keys.order(customerId)],
  async (deps, { customerId, items: [order] }) => {
    await limitRate(deps, `subscription#${customerId}`, CARD_CALLS);
    const { created, head } = await subscribeToPro(withStripe(deps), customerId, orderOf(order));
    if (created) countBusiness('ProSubscribed');
    return { status: created ? 201 : 200, body: subscriptionView(head) };
  },
);
