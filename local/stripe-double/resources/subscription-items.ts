import type Stripe from 'stripe';
import { missing } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import type { Scope } from '../scope.ts';

/** An item is part of its subscription; these calls show it alone. */
export const subscriptionItemRoutes = [
  route(
    'GET',
    '/v1/subscription_items',
    { subscription: text(), ...page },
    (scope, { subscription, ...window }) => {
      const { items } = scope.state.subscriptions.get(subscription, { param: 'subscription' });
      return paginate('/v1/subscription_items', items.data, window);
    },
  ),
  route('GET', '/v1/subscription_items/:id', {}, (scope, _, { id = '' }) => itemIn(scope, id)),
];

/** @throws Refusal 404 */
function itemIn({ state }: Scope, id: string): Stripe.SubscriptionItem {
  const items = state.subscriptions.newestFirst.flatMap((one) => one.items.data);
  const item = items.find((one) => one.id === id);
  if (item === undefined) throw missing('subscription_item', id, 'path');
  return item;
}
