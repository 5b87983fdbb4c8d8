import * as z from 'zod/mini';

interface Switch {
  readonly values: readonly [string, string, ...string[]];
  readonly default: string;
  /** What is unknown about Stripe, in one sentence. */
  readonly unknown: string;
  /** Where Stripe leaves it open: a type of the SDK, or a page of Stripe's documentation. */
  readonly where: string;
}

/**
 * Facts that Stripe's documentation leaves open and a stand-in must decide. A correct program works with
 * every combination, so each fact is a switch.
 */
export const SWITCHES = {
  charge_refunded_previous: {
    values: ['present', 'absent'],
    default: 'present',
    unknown: 'Whether charge.refunded carries previous_attributes.',
    where: 'Events.d.ts, charge.refunded',
  },
  authentication_required_charge: {
    values: ['present', 'absent'],
    default: 'present',
    unknown: 'Whether an off-session payment that fails with authentication_required has a charge.',
    where: 'docs.stripe.com/error-codes, authentication_required',
  },
  customer_fail_decline_code: {
    values: ['generic_decline', 'do_not_honor', 'insufficient_funds', 'none'],
    default: 'generic_decline',
    unknown: 'The decline_code of pm_card_chargeCustomerFail.',
    where: 'docs.stripe.com/testing',
  },
  declined_subscription_events: {
    values: ['payment', 'none', 'all'],
    default: 'payment',
    unknown:
      'Which events follow a decline under error_if_incomplete: those of the payment, none, or those of ' +
      'the subscription and the invoice too.',
    where: 'Subscriptions.d.ts, payment_behavior',
  },
  detached_customer: {
    values: ['null', 'kept'],
    default: 'null',
    unknown:
      'Whether payment_method.detached shows customer as null, with the id in previous_attributes, or ' +
      'still shows the customer.',
    where: 'Events.d.ts, payment_method.detached',
  },
  detach_customer_updated: {
    values: ['sent', 'not_sent'],
    default: 'sent',
    unknown: 'Whether customer.updated follows when the default card is detached.',
    where: 'Events.d.ts, customer.updated',
  },
  card_source_listed: {
    values: ['listed', 'not_listed'],
    default: 'listed',
    unknown: 'Whether the list of payment methods also shows cards of the older kind.',
    where: 'docs.stripe.com/payments/payment-methods/transitioning',
  },
  idempotency_conflict_type: {
    values: ['invalid_request_error', 'idempotency_error', 'api_error'],
    default: 'invalid_request_error',
    unknown: 'The error type of a 409 with the code idempotency_key_in_use.',
    where: 'docs.stripe.com/error-low-level',
  },
  return_url_with_allowed_types: {
    values: ['not_needed', 'required'],
    default: 'not_needed',
    unknown: 'Whether allowed_payment_method_types spares a confirmation its return_url.',
    where: 'PaymentIntents.d.ts, allowed_payment_method_types',
  },
  next_action_with_return_url: {
    values: ['use_stripe_sdk', 'redirect_to_url'],
    default: 'use_stripe_sdk',
    unknown: 'The next_action of a card that needs authentication, when the caller gave a return_url.',
    where: 'PaymentIntents.d.ts, next_action',
  },
  period_end_sets_cancel_at: {
    values: ['yes', 'no'],
    default: 'yes',
    unknown: 'Whether cancel_at_period_end also sets cancel_at.',
    where: 'Subscriptions.d.ts, cancel_at',
  },
  period_end_false_clears: {
    values: ['any_cancel_at', 'period_end_only'],
    default: 'any_cancel_at',
    unknown: 'Whether cancel_at_period_end=false clears a cancel_at that is not the end of the period.',
    where: 'Subscriptions.d.ts, cancel_at_period_end',
  },
  empty_subscription_default: {
    values: ['clears', 'refused'],
    default: 'refused',
    unknown: "Whether an empty default_payment_method clears the subscription's own card.",
    where: 'Subscriptions.d.ts, default_payment_method',
  },
  payment_failed_beside_action_required: {
    values: ['when_declined', 'always', 'never'],
    default: 'when_declined',
    unknown: 'Whether invoice.payment_failed accompanies invoice.payment_action_required.',
    where: 'Events.d.ts, invoice.payment_action_required',
  },
  inquiry_escalation: {
    values: ['same_dispute', 'new_dispute'],
    default: 'same_dispute',
    unknown: 'Whether an inquiry that escalates keeps its id or makes a new dispute.',
    where: 'docs.stripe.com/disputes/how-disputes-work',
  },
  inquiry_escalation_events: {
    values: ['both', 'updated', 'funds_withdrawn'],
    default: 'both',
    unknown:
      'Which of charge.dispute.updated and charge.dispute.funds_withdrawn tell that an inquiry escalated.',
    where: 'Events.d.ts, charge.dispute.funds_withdrawn',
  },
  prevented_dispute_closed: {
    values: ['sent', 'not_sent'],
    default: 'sent',
    unknown: 'Whether charge.dispute.closed is sent when a dispute becomes prevented.',
    where: 'Events.d.ts, charge.dispute.closed',
  },
  won_charge_refundable: {
    values: ['no', 'yes'],
    default: 'no',
    unknown: 'Whether a charge can be refunded after its dispute was won.',
    where: 'Disputes.d.ts, is_charge_refundable',
  },
  disputed_refund_code: {
    values: ['charge_disputed', 'refund_disputed_payment'],
    default: 'charge_disputed',
    unknown: 'The error code of a refund that is refused because of a dispute.',
    where: 'docs.stripe.com/error-codes, charge_disputed and refund_disputed_payment',
  },
  trial_end_billing_reason: {
    values: ['subscription_cycle', 'subscription_update'],
    default: 'subscription_cycle',
    unknown: 'The billing_reason of the invoice that follows a trial.',
    where: 'Invoices.d.ts, billing_reason',
  },
  resume_billing_reason: {
    values: ['subscription_cycle', 'subscription_update'],
    default: 'subscription_cycle',
    unknown: 'The billing_reason of the invoice of a resumed subscription.',
    where: 'Invoices.d.ts, billing_reason',
  },
  anchor_reset_billing_reason: {
    values: ['subscription_update', 'subscription_cycle'],
    default: 'subscription_update',
    unknown: 'The billing_reason of the invoice of a restarted billing cycle.',
    where: 'Invoices.d.ts, billing_reason',
  },
  cancel_billing_reason: {
    values: ['subscription_update', 'manual', 'subscription_cycle'],
    default: 'subscription_update',
    unknown: 'The billing_reason of the last invoice of a subscription that is canceled with invoice_now.',
    where: 'Invoices.d.ts, billing_reason',
  },
  invoice_pay_authentication_code: {
    values: ['authentication_required', 'invoice_payment_intent_requires_action'],
    default: 'authentication_required',
    unknown: 'The error code when paying an invoice needs authentication.',
    where: 'docs.stripe.com/error-codes, invoice_payment_intent_requires_action',
  },
  setup_session_payment_status: {
    values: ['no_payment_required', 'unpaid', 'paid'],
    default: 'no_payment_required',
    unknown: 'The payment_status of a Checkout Session in setup mode.',
    where: 'Checkout/Sessions.d.ts, payment_status',
  },
  portal_card_on_subscription: {
    values: ['kept', 'replaced', 'cleared'],
    default: 'kept',
    unknown: "What a new default card of the customer portal does to a subscription's own card.",
    where: 'docs.stripe.com/customer-management/portal-deep-links',
  },
} as const satisfies Record<string, Switch>;

export type SwitchName = keyof typeof SWITCHES;

type ValueOf<N extends SwitchName> = (typeof SWITCHES)[N]['values'][number];

/** The current value of each switch. */
export type Switches = { [N in SwitchName]: ValueOf<N> };

const isSwitch = (name: string): name is SwitchName => Object.hasOwn(SWITCHES, name);

export const SWITCH_NAMES: readonly SwitchName[] = Object.keys(SWITCHES).filter(isSwitch);

const schemaOf = <const V extends readonly string[]>(values: V) => z.optional(z.enum(values));

/** Some switches, each with one of its values. Unknown names are rejected. */
export const switchesSchema = z.strictObject({
  charge_refunded_previous: schemaOf(SWITCHES.charge_refunded_previous.values),
  authentication_required_charge: schemaOf(SWITCHES.authentication_required_charge.values),
  customer_fail_decline_code: schemaOf(SWITCHES.customer_fail_decline_code.values),
  declined_subscription_events: schemaOf(SWITCHES.declined_subscription_events.values),
  detached_customer: schemaOf(SWITCHES.detached_customer.values),
  detach_customer_updated: schemaOf(SWITCHES.detach_customer_updated.values),
  card_source_listed: schemaOf(SWITCHES.card_source_listed.values),
  idempotency_conflict_type: schemaOf(SWITCHES.idempotency_conflict_type.values),
  return_url_with_allowed_types: schemaOf(SWITCHES.return_url_with_allowed_types.values),
  next_action_with_return_url: schemaOf(SWITCHES.next_action_with_return_url.values),
  period_end_sets_cancel_at: schemaOf(SWITCHES.period_end_sets_cancel_at.values),
  period_end_false_clears: schemaOf(SWITCHES.period_end_false_clears.values),
  empty_subscription_default: schemaOf(SWITCHES.empty_subscription_default.values),
  payment_failed_beside_action_required: schemaOf(SWITCHES.payment_failed_beside_action_required.values),
  inquiry_escalation: schemaOf(SWITCHES.inquiry_escalation.values),
  inquiry_escalation_events: schemaOf(SWITCHES.inquiry_escalation_events.values),
  prevented_dispute_closed: schemaOf(SWITCHES.prevented_dispute_closed.values),
  won_charge_refundable: schemaOf(SWITCHES.won_charge_refundable.values),
  disputed_refund_code: schemaOf(SWITCHES.disputed_refund_code.values),
  trial_end_billing_reason: schemaOf(SWITCHES.trial_end_billing_reason.values),
  resume_billing_reason: schemaOf(SWITCHES.resume_billing_reason.values),
  anchor_reset_billing_reason: schemaOf(SWITCHES.anchor_reset_billing_reason.values),
  cancel_billing_reason: schemaOf(SWITCHES.cancel_billing_reason.values),
  invoice_pay_authentication_code: schemaOf(SWITCHES.invoice_pay_authentication_code.values),
  setup_session_payment_status: schemaOf(SWITCHES.setup_session_payment_status.values),
  portal_card_on_subscription: schemaOf(SWITCHES.portal_card_on_subscription.values),
});

export const defaultSwitches = (): Switches => ({
  charge_refunded_previous: SWITCHES.charge_refunded_previous.default,
  authentication_required_charge: SWITCHES.authentication_required_charge.default,
  customer_fail_decline_code: SWITCHES.customer_fail_decline_code.default,
  declined_subscription_events: SWITCHES.declined_subscription_events.default,
  detached_customer: SWITCHES.detached_customer.default,
  detach_customer_updated: SWITCHES.detach_customer_updated.default,
  card_source_listed: SWITCHES.card_source_listed.default,
  idempotency_conflict_type: SWITCHES.idempotency_conflict_type.default,
  return_url_with_allowed_types: SWITCHES.return_url_with_allowed_types.default,
  next_action_with_return_url: SWITCHES.next_action_with_return_url.default,
  period_end_sets_cancel_at: SWITCHES.period_end_sets_cancel_at.default,
  period_end_false_clears: SWITCHES.period_end_false_clears.default,
  empty_subscription_default: SWITCHES.empty_subscription_default.default,
  payment_failed_beside_action_required: SWITCHES.payment_failed_beside_action_required.default,
  inquiry_escalation: SWITCHES.inquiry_escalation.default,
  inquiry_escalation_events: SWITCHES.inquiry_escalation_events.default,
  prevented_dispute_closed: SWITCHES.prevented_dispute_closed.default,
  won_charge_refundable: SWITCHES.won_charge_refundable.default,
  disputed_refund_code: SWITCHES.disputed_refund_code.default,
  trial_end_billing_reason: SWITCHES.trial_end_billing_reason.default,
  resume_billing_reason: SWITCHES.resume_billing_reason.default,
  anchor_reset_billing_reason: SWITCHES.anchor_reset_billing_reason.default,
  cancel_billing_reason: SWITCHES.cancel_billing_reason.default,
  invoice_pay_authentication_code: SWITCHES.invoice_pay_authentication_code.default,
  setup_session_payment_status: SWITCHES.setup_session_payment_status.default,
  portal_card_on_subscription: SWITCHES.portal_card_on_subscription.default,
});

export interface SwitchRow {
  readonly name: SwitchName;
  readonly value: string;
  readonly default: string;
  readonly values: readonly string[];
  readonly unknown: string;
  readonly where: string;
}

/** The table with the current values, for pages, the README and programs that draw random values. */
export const switchTable = (present: Switches): SwitchRow[] =>
  SWITCH_NAMES.map((name) => ({ name, value: present[name], ...SWITCHES[name] }));
