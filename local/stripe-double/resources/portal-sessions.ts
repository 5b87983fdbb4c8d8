import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { hostedUrl } from '../hosted.ts';
import { page, paginate } from '../http/pagination.ts';
import { flag, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { emit } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';

const CONFIGURATION_ID = 'bpc_1StripeDouble0000';

const FLOWS = ['payment_method_update', 'customer_update', 'subscription_cancel'] as const;

export const portalRoutes = [
  route(
    'POST',
    '/v1/billing_portal/sessions',
    {
      customer: text(),
      configuration: z.optional(z.literal(CONFIGURATION_ID, 'parameter_invalid: must be a configuration')),
      return_url: z.optional(text()),
      flow_data: z.optional(
        z.strictObject({
          type: z.enum(FLOWS, 'parameter_invalid: must be a flow that the double supports'),
          subscription_cancel: z.optional(z.strictObject({ subscription: text() })),
        }),
      ),
    },
    (scope, { customer, return_url: returnUrl, flow_data: flow }) => {
      customerIn(scope, customer, { param: 'customer' });
      const id = scope.newId('bps');
      const session: Stripe.BillingPortal.Session = {
        id,
        object: 'billing_portal.session',
        after_expiration: null,
        configuration: CONFIGURATION_ID,
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
  route(
    'GET',
    '/v1/billing_portal/configurations',
    { active: z.optional(flag), is_default: z.optional(flag), ...page },
    (_scope, { active, is_default: isDefault, ...window }) => {
      const shown = active !== false && isDefault !== false ? [CONFIGURATION] : [];
      return paginate('/v1/billing_portal/configurations', shown, window);
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

const REASONS: Stripe.BillingPortal.Configuration.Features.SubscriptionCancel.CancellationReason.Option[] = [
  'too_expensive',
  'unused',
  'other',
];

/** The only configuration, as saved in the Dashboard. */
const CONFIGURATION: Stripe.BillingPortal.Configuration = {
  id: CONFIGURATION_ID,
  object: 'billing_portal.configuration',
  active: true,
  application: null,
  business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
  created: 1_700_000_000,
  default_return_url: null,
  features: {
    customer_update: { allowed_updates: ['email', 'name'], enabled: true },
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true, payment_method_configuration: null },
    subscription_cancel: {
      cancellation_reason: { enabled: false, feedback_options: null, options: REASONS },
      enabled: true,
      mode: 'at_period_end',
      proration_behavior: 'none',
    },
    subscription_pause: { duration: { interval_options: [], type: 'indefinite' }, enabled: false },
    subscription_update: {
      billing_cycle_anchor: null,
      default_allowed_updates: [],
      enabled: false,
      proration_behavior: 'none',
      schedule_at_period_end: { conditions: [] },
      trial_update_behavior: 'end_trial',
    },
  },
  is_default: true,
  livemode: false,
  login_page: { enabled: false, url: null },
  metadata: {},
  name: null,
  updated: 1_700_000_000,
};
