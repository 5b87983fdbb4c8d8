import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { inRange, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { customerIn } from './customer-lookup.ts';
import { cancelParameters, cancelSubscription } from './subscription-cancel.ts';
import { createParameters, createSubscription } from './subscription-create.ts';
import { pause, pauseParameters, resume, resumeParameters } from './subscription-pause.ts';
import { updateParameters, updateSubscription } from './subscription-update.ts';

const ENDED = ['canceled', 'incomplete_expired'];
const statuses = [
  'active',
  'all',
  'canceled',
  'ended',
  'incomplete',
  'incomplete_expired',
  'past_due',
  'paused',
  'trialing',
  'unpaid',
] as const;

export const subscriptionRoutes = [
  route('POST', '/v1/subscriptions', createParameters, createSubscription),
  route(
    'GET',
    '/v1/subscriptions',
    {
      customer: z.optional(text()),
      price: z.optional(text()),
      status: z.optional(z.enum(statuses, 'parameter_invalid: must be a valid status')),
      created: range,
      ...page,
    },
    (scope, { customer, price, status, created, ...window }) => {
      if (customer !== undefined) customerIn(scope, customer, { param: 'customer' });
      const subscriptions = scope.state.subscriptions.newestFirst.filter(
        (subscription) =>
          (customer === undefined || subscription.customer === customer) &&
          (price === undefined || subscription.items.data.some((item) => item.price.id === price)) &&
          hasStatus(subscription, status) &&
          inRange(subscription.created, created),
      );
      return paginate('/v1/subscriptions', subscriptions, window);
    },
  ),
  route('GET', '/v1/subscriptions/:id', {}, (scope, _, { id = '' }) =>
    scope.state.subscriptions.get(id, 'path'),
  ),
  route('POST', '/v1/subscriptions/:id', updateParameters, (scope, input, { id = '' }) =>
    updateSubscription(scope, input, scope.state.subscriptions.get(id, 'path')),
  ),
  route('DELETE', '/v1/subscriptions/:id', cancelParameters, (scope, input, { id = '' }) => {
    const subscription = scope.state.subscriptions.get(id, 'path');
    if (subscription.ended_at !== null) {
      throw invalid(`No such subscription: '${id}'`, { code: 'resource_missing', param: 'id' });
    }
    return cancelSubscription(scope, input, subscription);
  }),
  route('POST', '/v1/subscriptions/:id/pause', pauseParameters, (scope, input, { id = '' }) =>
    pause(scope, input, scope.state.subscriptions.get(id, 'path')),
  ),
  route('POST', '/v1/subscriptions/:id/resume', resumeParameters, (scope, input, { id = '' }) =>
    resume(scope, input, scope.state.subscriptions.get(id, 'path')),
  ),
];

/** Without a status: all that are not canceled. `ended` covers both ended states. */
function hasStatus(subscription: Stripe.Subscription, status: string | undefined): boolean {
  if (status === 'all') return true;
  if (status === undefined) return subscription.status !== 'canceled';
  if (status === 'ended') return ENDED.includes(subscription.status);
  return subscription.status === status;
}
