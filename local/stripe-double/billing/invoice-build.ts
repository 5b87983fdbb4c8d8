import Stripe from 'stripe';
import type { Scope } from '../scope.ts';
import { takeDiscounts } from './discounts.ts';
import { priceInvoice } from './line-prices.ts';

export interface NewInvoice {
  readonly customer: Stripe.Customer;
  readonly subscription: Stripe.Subscription | null;
  readonly reason: Stripe.Invoice.BillingReason;
  readonly currency: string;
  readonly period: Stripe.InvoiceLineItem.Period;
  readonly description: string | null;
  readonly metadata: Stripe.Metadata;
}

export type NewLine = Pick<
  Stripe.InvoiceLineItem,
  'amount' | 'description' | 'parent' | 'period' | 'pricing' | 'quantity'
>;

/** A draft without lines; `addLines` adds lines and totals. */
export function buildInvoice(scope: Scope, invoice: NewInvoice): Stripe.Invoice {
  const { customer, subscription } = invoice;
  const id = scope.newId('in');
  return {
    id,
    object: 'invoice',
    account_country: 'US',
    account_name: 'RSOLV (double)',
    account_tax_ids: null,
    amount_due: 0,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_remaining: 0,
    amount_shipping: 0,
    application: null,
    attempt_count: 0,
    attempted: false,
    auto_advance: subscription !== null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
    automatically_finalizes_at: null,
    billing_reason: invoice.reason,
    collection_method: subscription?.collection_method ?? 'charge_automatically',
    created: scope.now,
    currency: invoice.currency,
    custom_fields: null,
    customer: customer.id,
    customer_account: null,
    customer_address: customer.address ?? null,
    customer_email: customer.email,
    customer_name: customer.name ?? null,
    customer_phone: customer.phone ?? null,
    customer_shipping: null,
    customer_tax_exempt: 'none',
    customer_tax_ids: [],
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: invoice.description,
    discounts: subscription === null ? [] : takeDiscounts(scope, subscription),
    due_date: null,
    effective_at: null,
    ending_balance: null,
    footer: null,
    from_invoice: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: { object: 'list', data: [], has_more: false, url: `/v1/invoices/${id}/lines` },
    livemode: false,
    metadata: invoice.metadata,
    next_payment_attempt: null,
    number: null,
    on_behalf_of: null,
    parent:
      subscription === null
        ? null
        : {
            quote_details: null,
            // The subscription's current metadata. A later change does not reach the invoice.
            subscription_details: { metadata: { ...subscription.metadata }, subscription: subscription.id },
            type: 'subscription_details',
          },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: invoice.period.end,
    period_start: invoice.period.start,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal: 0,
    subtotal_excluding_tax: 0,
    test_clock: null,
    total: 0,
    total_discount_amounts: [],
    total_excluding_tax: 0,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
  };
}

export function addLines(scope: Scope, invoice: Stripe.Invoice, lines: readonly NewLine[]): void {
  for (const line of lines) invoice.lines.data.push(buildLine(scope, invoice, line));
  priceInvoice(scope, invoice);
}

/** One line per item of a subscription, for the service period that the line pays for. */
export function subscriptionLines(
  subscription: Stripe.Subscription,
  period: Stripe.InvoiceLineItem.Period,
  free: boolean,
): NewLine[] {
  return subscription.items.data.map(({ id, price, quantity = 1 }) => {
    const unitAmount = free ? 0 : (price.unit_amount ?? 0);
    return {
      amount: unitAmount * quantity,
      description: `${quantity} × ${price.nickname ?? price.id}`,
      parent: {
        invoice_item_details: null,
        subscription_item_details: {
          invoice_item: null,
          proration: false,
          proration_details: { credited_items: null },
          subscription: subscription.id,
          subscription_item: id,
        },
        type: 'subscription_item_details',
      },
      period,
      pricing: {
        price_details: { price: price.id, product: String(price.product) },
        type: 'price_details',
        unit_amount_decimal: Stripe.Decimal.from(unitAmount),
      },
      quantity,
    };
  });
}

const buildLine = (scope: Scope, invoice: Stripe.Invoice, line: NewLine): Stripe.InvoiceLineItem => ({
  id: scope.newId('il'),
  object: 'line_item',
  ...line,
  currency: invoice.currency,
  discount_amounts: [],
  // The credit of a proration is already net.
  discountable: line.amount > 0 || line.parent?.subscription_item_details?.proration !== true,
  discounts: [],
  invoice: invoice.id,
  livemode: false,
  metadata: {},
  pretax_credit_amounts: [],
  quantity_decimal: line.quantity === null ? null : Stripe.Decimal.from(line.quantity),
  subscription: line.parent?.subscription_item_details?.subscription ?? null,
  subtotal: line.amount,
  taxes: [],
});
