import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { page, paginate } from '../http/pagination.ts';
import { flag, metadata } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { change, emit, type Scope } from '../scope.ts';

type Configuration = Stripe.BillingPortal.Configuration;
type Features = Configuration['features'];

const UPDATES = ['address', 'email', 'name', 'phone', 'shipping', 'tax_id'] as const;

const onOff = z.optional(z.strictObject({ enabled: flag }));
const features = z.strictObject({
  customer_update: z.optional(
    z.strictObject({
      enabled: z.optional(flag),
      allowed_updates: z.optional(z.array(z.enum(UPDATES, 'parameter_invalid: must be what it can update'))),
    }),
  ),
  invoice_history: onOff,
  payment_method_update: onOff,
  subscription_cancel: onOff,
  subscription_update: onOff,
});

const text = z.optional(z.string());
const profile = z.optional(
  z.strictObject({ headline: text, privacy_policy_url: text, terms_of_service_url: text }),
);

/** What the portal offers. */
export const portalConfigurationRoutes = [
  route(
    'GET',
    '/v1/billing_portal/configurations',
    { active: z.optional(flag), is_default: z.optional(flag), ...page },
    ({ state }, { active, is_default: isDefault, ...window }) => {
      const shown = [...state.portalConfigurations.newestFirst, DEFAULT].filter(
        (one) => (active ?? one.active) === one.active && (isDefault ?? one.is_default) === one.is_default,
      );
      return paginate('/v1/billing_portal/configurations', shown, window);
    },
  ),
  route(
    'POST',
    '/v1/billing_portal/configurations',
    { features, business_profile: profile, metadata },
    (scope, input) => {
      const made: Configuration = {
        ...structuredClone(DEFAULT),
        id: scope.newId('bpc'),
        created: scope.now,
        updated: scope.now,
        is_default: false,
        metadata: mergeMetadata({}, input.metadata),
        business_profile: profileWith(DEFAULT.business_profile, input.business_profile),
        features: featuresWith(NOTHING, input.features),
      };
      scope.state.portalConfigurations.add(made);
      emit(scope, 'billing_portal.configuration.created', made);
      return made;
    },
  ),
  route('GET', '/v1/billing_portal/configurations/:id', {}, (scope, _, { id = '' }) =>
    id === DEFAULT.id ? DEFAULT : scope.state.portalConfigurations.get(id, 'path'),
  ),
  route(
    'POST',
    '/v1/billing_portal/configurations/:id',
    { features: z.optional(features), business_profile: profile, active: z.optional(flag), metadata },
    (scope, input, { id = '' }) => {
      const found = scope.state.portalConfigurations.get(id, 'path');
      change(found, {
        ...(input.active !== undefined && { active: input.active }),
        business_profile: profileWith(found.business_profile, input.business_profile),
        metadata: mergeMetadata(found.metadata ?? {}, input.metadata),
        features: featuresWith(found.features, input.features),
        updated: scope.now,
      });
      emit(scope, 'billing_portal.configuration.updated', found);
      return found;
    },
  ),
];

/** The named configuration, or the Dashboard's. @throws Refusal for an unknown one */
export function configurationIn({ state }: Pick<Scope, 'state'>, id: string | undefined): Configuration {
  if (id === undefined || id === DEFAULT.id) return DEFAULT;
  return state.portalConfigurations.get(id, { param: 'configuration' });
}

const profileWith = (
  before: Configuration['business_profile'],
  input: z.output<typeof profile>,
): Configuration['business_profile'] => ({ ...before, ...withoutUndefined(input ?? {}) });

function featuresWith(before: Features, input: z.output<typeof features> | undefined): Features {
  const merged = structuredClone(before);
  const { customer_update: update, ...switches } = input ?? {};
  Object.assign(merged.customer_update, withoutUndefined(update ?? {}));
  if (switches.invoice_history) merged.invoice_history.enabled = switches.invoice_history.enabled;
  if (switches.payment_method_update) {
    merged.payment_method_update.enabled = switches.payment_method_update.enabled;
  }
  if (switches.subscription_cancel) merged.subscription_cancel.enabled = switches.subscription_cancel.enabled;
  if (switches.subscription_update) merged.subscription_update.enabled = switches.subscription_update.enabled;
  return merged;
}

const REASONS: Stripe.BillingPortal.Configuration.Features.SubscriptionCancel.CancellationReason.Option[] = [
  'too_expensive',
  'unused',
  'other',
];

/** The default configuration, as saved in the Dashboard. */
const DEFAULT: Stripe.BillingPortal.Configuration = {
  id: 'bpc_1StripeDouble0000',
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

/** A new configuration offers only what it names. */
const NOTHING: Features = {
  ...DEFAULT.features,
  customer_update: { allowed_updates: [], enabled: false },
  invoice_history: { enabled: false },
  payment_method_update: { ...DEFAULT.features.payment_method_update, enabled: false },
  subscription_cancel: { ...DEFAULT.features.subscription_cancel, enabled: false },
};
