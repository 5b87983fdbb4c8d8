import type Stripe from 'stripe';
import type { Scope } from '../scope.ts';

export interface NewSubscriptionItem {
  readonly price: Stripe.Price;
  readonly quantity: number;
  readonly metadata: Stripe.Metadata;
}

export interface NewSubscription {
  readonly customer: Stripe.Customer;
  readonly items: readonly NewSubscriptionItem[];
  readonly anchor: number;
  readonly collection: Pick<Stripe.Subscription, 'collection_method' | 'days_until_due'>;
  readonly period: Stripe.InvoiceLineItem.Period;
  readonly trialEnd: number | null;
  readonly missingMethod: 'cancel' | 'create_invoice' | 'pause';
  readonly defaultMethod: string | null;
  readonly description: string | null;
  readonly metadata: Stripe.Metadata;
  readonly saveDefaultMethod: 'off' | 'on_subscription';
}

/** A subscription before its first invoice is paid. */
export function buildSubscription(scope: Scope, subscription: NewSubscription): Stripe.Subscription {
  const id = scope.newId('sub');
  const { period, trialEnd } = subscription;
  return {
    id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: subscription.anchor,
    billing_cycle_anchor_config: null,
    billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
    created: scope.now,
    currency: subscription.items[0]?.price.currency ?? 'usd',
    customer: subscription.customer.id,
    customer_account: null,
    ...subscription.collection,
    default_payment_method: subscription.defaultMethod,
    default_source: null,
    default_tax_rates: [],
    description: subscription.description,
    discounts: [],
    ended_at: null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: {
      object: 'list',
      data: subscription.items.map((item) => buildItem(scope, id, item, period)),
      has_more: false,
      url: `/v1/subscription_items?subscription=${id}`,
    },
    latest_invoice: null,
    livemode: false,
    managed_payments: { enabled: false },
    metadata: subscription.metadata,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: null,
      save_default_payment_method: subscription.saveDefaultMethod,
    },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: scope.now,
    status: trialEnd === null ? 'incomplete' : 'trialing',
    test_clock: null,
    transfer_data: null,
    trial_end: trialEnd,
    trial_settings: {
      end_behavior: { billing_cycle_anchor: 'now', missing_payment_method: subscription.missingMethod },
    },
    trial_start: trialEnd === null ? null : scope.now,
  };
}

export const buildItem = (
  scope: Scope,
  subscriptionId: string,
  { price, quantity, metadata }: NewSubscriptionItem,
  period: Stripe.InvoiceLineItem.Period,
): Stripe.SubscriptionItem => ({
  id: scope.newId('si'),
  object: 'subscription_item',
  billing_thresholds: null,
  created: scope.now,
  current_period_end: period.end,
  current_period_start: period.start,
  current_trial: null,
  discounts: [],
  metadata,
  plan: planOf(price),
  price,
  quantity,
  subscription: subscriptionId,
  tax_rates: [],
});

/** The older form of a price, which Stripe still sends beside it. */
const planOf = (price: Stripe.Price): Stripe.Plan => ({
  id: price.id,
  object: 'plan',
  active: price.active,
  amount: price.unit_amount,
  amount_decimal: price.unit_amount_decimal,
  billing_scheme: 'per_unit',
  created: price.created,
  currency: price.currency,
  interval: price.recurring?.interval ?? 'month',
  interval_count: price.recurring?.interval_count ?? 1,
  livemode: false,
  metadata: { ...price.metadata },
  meter: null,
  nickname: price.nickname,
  product: price.product,
  tiers_mode: null,
  transform_usage: null,
  trial_period_days: null,
  usage_type: 'licensed',
});
