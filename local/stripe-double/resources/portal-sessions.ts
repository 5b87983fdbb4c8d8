import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { hostedUrl } from '../hosted.ts';
import { text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { emit } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';
import { configurationIn } from './portal-configurations.ts';

const FLOWS = ['payment_method_update', 'customer_update', 'subscription_cancel'] as const;

/** Short-lived addresses of the portal's page. */
export const portalRoutes = [
  route(
    'POST',
    '/v1/billing_portal/sessions',
    {
      customer: text(),
      configuration: z.optional(text()),
      return_url: z.optional(text()),
      flow_data: z.optional(
        z.strictObject({
          type: z.enum(FLOWS, 'parameter_invalid: must be a flow that the double supports'),
          subscription_cancel: z.optional(z.strictObject({ subscription: text() })),
        }),
      ),
    },
    (scope, { customer, configuration, return_url: returnUrl, flow_data: flow }) => {
      customerIn(scope, customer, { param: 'customer' });
      const { id: used } = configurationIn(scope, configuration);
      const id = scope.newId('bps');
      const session: Stripe.BillingPortal.Session = {
        id,
        object: 'billing_portal.session',
        after_expiration: null,
        configuration: used,
        created: scope.now,
        customer,
        customer_account: null,
        flow: flow === undefined ? null : flowOf(flow.type, flow.subscription_cancel?.subscription),
        livemode: false,
        locale: null,
        on_behalf_of: null,
        return_url: returnUrl ?? null,
        url: hostedUrl(`/portal/${id}`),
      };
      scope.state.portalSessions.add(session);
      emit(scope, 'billing_portal.session.created', session);
      return session;
    },
  ),
];

const flowOf = (
  type: (typeof FLOWS)[number],
  subscription: string | undefined,
): Stripe.BillingPortal.Session.Flow => ({
  after_completion: { hosted_confirmation: null, redirect: null, type: 'portal_homepage' },
  customer_update: null,
  subscription_cancel: subscription === undefined ? null : { retention: null, subscription },
  subscription_pause: null,
  subscription_update: null,
  subscription_update_confirm: null,
  type,
});
