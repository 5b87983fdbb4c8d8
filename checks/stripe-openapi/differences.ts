/*
 * Places where the stand-in's answers differ from Stripe's description, and why the stand-in is right. Each
 * row has a proof: an entry of the SDK's changelog, the description that Stripe publishes for SDKs, or a
 * reason. The check fails for a row that no answer needs.
 */

interface Common {
  /** A place as the check reports it, with or without an operation. */
  readonly at: string;
}

/** The description is older than our pinned version. */
interface Newer extends Common {
  readonly because: 'newer';
  /** A line of the changelog of the pinned SDK, word for word. */
  readonly changelog: string;
}

/** The description that Stripe publishes for SDKs has the field, and the public description omits it. */
interface ForSdks extends Common {
  readonly because: 'sdk';
  readonly schema: string;
}

interface Stated extends Common {
  readonly because: 'stated';
  readonly reason: string;
}

export type KnownDifference = Newer | ForSdks | Stated;

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    at: 'POST /v1/subscriptions/:id/pause',
    because: 'newer',
    changelog: 'Add support for `pause` method on resource `Subscription`',
  },
  {
    at: 'payment_intent.payment_record',
    because: 'newer',
    changelog: 'Add support for `payment_record` on `PaymentIntent`',
  },
  {
    at: 'charge.payment_method_details.card.electronic_commerce_indicator',
    because: 'newer',
    changelog: 'Add support for `electronic_commerce_indicator` on `Charge.payment_method_details.card`',
  },
  {
    at: 'dispute.intended_submission_method',
    because: 'newer',
    changelog: 'Add support for `intended_submission_method` on `DisputeUpdateParams` and `Dispute`',
  },
  {
    at: 'dispute.evidence_details.submission_method',
    because: 'newer',
    changelog: 'Add support for `submission_method` on `Dispute.evidence_details`',
  },
  {
    at: 'subscription_item.current_trial',
    because: 'newer',
    changelog:
      'Add support for `current_trial` on `InvoiceCreatePreviewParams.subscription_details.items[]`, ' +
      '`SubscriptionCreateParams.items[]`, `SubscriptionItemCreateParams`, ' +
      '`SubscriptionItemUpdateParams`, `SubscriptionItem`',
  },
  {
    at: 'subscription.trial_settings.end_behavior.billing_cycle_anchor',
    because: 'newer',
    changelog: 'Add support for `billing_cycle_anchor` on `Subscription.trial_settings.end_behavior`',
  },
  {
    at: 'subscription.status_details',
    because: 'newer',
    changelog: 'Add support for `status_details` on `Invoice` and `Subscription`',
  },
  {
    at: 'invoice.status_details',
    because: 'newer',
    changelog: 'Add support for `status_details` on `Invoice` and `Subscription`',
  },
  {
    at: 'billing_portal.configuration.features.subscription_pause',
    because: 'newer',
    changelog: 'Add support for `subscription_pause` on `BillingPortal.Configuration.features`',
  },
  {
    at: 'billing_portal.session.flow.subscription_pause',
    because: 'newer',
    changelog:
      'Add support for `subscription_pause` on `BillingPortal.Configuration.features`, ' +
      '`BillingPortal.ConfigurationCreateParams.features`, ' +
      '`BillingPortal.ConfigurationUpdateParams.features`, `BillingPortal.Session.flow`',
  },
  {
    at: 'billing_portal.session.after_expiration',
    because: 'newer',
    changelog:
      'Add support for `after_expiration` on `BillingPortal.SessionCreateParams` and `BillingPortal.Session`',
  },
  {
    at: 'checkout.session.allowed_payment_method_types',
    because: 'newer',
    changelog:
      'Add support for `allowed_payment_method_types` on `Checkout.SessionCreateParams` and ' +
      '`Checkout.Session`',
  },
  {
    at: 'POST /v1/events/:id/retry',
    because: 'stated',
    reason:
      '`stripe events resend` makes this call. Stripe does not describe it, but its own command line uses ' +
      'it.',
  },
  { at: 'product.tax_details', because: 'sdk', schema: 'product' },
  { at: 'product.type', because: 'sdk', schema: 'product' },
  { at: 'price.recurring.trial_period_days', because: 'sdk', schema: 'recurring' },
  { at: 'payment_intent.source', because: 'sdk', schema: 'payment_intent' },
  { at: 'charge.source', because: 'sdk', schema: 'charge' },
  { at: 'dispute.network_reason_code', because: 'sdk', schema: 'dispute' },
  { at: 'subscription_item.plan', because: 'sdk', schema: 'subscription_item' },
  {
    at: 'account.settings.payments.statement_descriptor_prefix_kana',
    because: 'sdk',
    schema: 'account_payments_settings',
  },
  {
    at: 'account.settings.payments.statement_descriptor_prefix_kanji',
    because: 'sdk',
    schema: 'account_payments_settings',
  },
  {
    at: 'invoice.amount_paid_off_stripe',
    because: 'stated',
    reason:
      'The description requires the field, and the types of the SDK make it optional. Stripe announced on ' +
      '2026-05-27 that it sends the field on request (`expand`) only, and never in events.',
  },
];
