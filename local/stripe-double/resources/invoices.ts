import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { sendInvoice } from '../billing/collecting.ts';
import { discountsOf, discountsParameter } from '../billing/discounts.ts';
import { addLines, buildInvoice } from '../billing/invoice-build.ts';
import {
  COLLECTABLE,
  collect,
  creditPayment,
  finalizeInvoice,
  markPaid,
  markUncollectible,
  voidInvoice,
} from '../billing/invoice-life.ts';
import { addPayment, intentOf, paymentsOf } from '../billing/invoice-payments.ts';
import { takePendingLines } from '../billing/pending-items.ts';
import { methodOf, subscriptionOf } from '../billing/subscription-status.ts';
import { refuseDeclined } from '../charging.ts';
import { idOf } from '../collection.ts';
import { invalid, type StripeErrorBody } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, currency, flag, inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';
import { collection } from './subscription-update.ts';

const statuses = ['draft', 'open', 'paid', 'uncollectible', 'void'] as const;

export const invoiceRoutes = [
  route(
    'POST',
    '/v1/invoices',
    {
      customer: text(),
      auto_advance: z.optional(flag),
      collection_method: collection.collection_method,
      currency: z.optional(currency),
      days_until_due: z.optional(integer),
      due_date: z.optional(integer),
      description: z.optional(text()),
      discounts: discountsParameter,
      metadata,
      pending_invoice_items_behavior: z.optional(
        z.enum(['include', 'exclude'], 'parameter_invalid: must be include or exclude'),
      ),
      subscription: z.optional(text()),
    },
    (scope, input) => {
      const customer = customerIn(scope, input.customer, { param: 'customer' });
      const subscription =
        input.subscription === undefined
          ? null
          : scope.state.subscriptions.get(input.subscription, { param: 'subscription' });
      const invoice = buildInvoice(scope, {
        customer,
        subscription,
        reason: 'manual',
        currency: input.currency?.toLowerCase() ?? customer.currency ?? 'usd',
        period: { start: scope.now, end: scope.now },
        description: input.description ?? null,
        metadata: mergeMetadata({}, input.metadata),
      });
      invoice.auto_advance = input.auto_advance ?? false;
      if (input.collection_method !== undefined) invoice.collection_method = input.collection_method;
      invoice.due_date = dueDateOf(scope, invoice, input);
      const holder = { customer: customer.id, subscription: null, invoice: invoice.id };
      if (input.discounts) invoice.discounts = discountsOf(scope, input.discounts, holder);
      const include = input.pending_invoice_items_behavior === 'include';
      addLines(scope, invoice, include ? takePendingLines(scope, invoice) : []);
      scope.state.invoices.add(invoice);
      emit(scope, 'invoice.created', invoice);
      return invoice;
    },
  ),
  route(
    'GET',
    '/v1/invoices',
    {
      customer: z.optional(text()),
      subscription: z.optional(text()),
      status: z.optional(z.enum(statuses, 'parameter_invalid: must be a valid status')),
      created: range,
      ...page,
    },
    (scope, { customer, subscription, status, created, ...window }) => {
      if (customer !== undefined) customerIn(scope, customer, { param: 'customer' });
      const invoices = scope.state.invoices.newestFirst.filter(
        (invoice) =>
          (customer === undefined || invoice.customer === customer) &&
          (subscription === undefined ||
            invoice.parent?.subscription_details?.subscription === subscription) &&
          (status === undefined || invoice.status === status) &&
          inRange(invoice.created, created),
      );
      return paginate('/v1/invoices', invoices, window);
    },
  ),
  route('GET', '/v1/invoices/:id', {}, (scope, _, { id = '' }) => scope.state.invoices.get(id, 'path')),
  route('GET', '/v1/invoices/:id/lines', page, (scope, window, { id = '' }) =>
    paginate(`/v1/invoices/${id}/lines`, scope.state.invoices.get(id, 'path').lines.data, window),
  ),
  route(
    'POST',
    '/v1/invoices/:id',
    { auto_advance: z.optional(flag), description: z.optional(clearable(text())), metadata },
    (scope, { metadata, ...rest }, { id = '' }) => {
      const invoice = scope.state.invoices.get(id, 'path');
      const changes: Partial<Stripe.Invoice> = withoutUndefined(rest);
      changeAndEmit(scope, 'invoice.updated', invoice, {
        ...changes,
        metadata: mergeMetadata(invoice.metadata ?? {}, metadata),
      });
      return invoice;
    },
  ),
  route(
    'POST',
    '/v1/invoices/:id/finalize',
    { auto_advance: z.optional(flag) },
    (scope, input, { id = '' }) => {
      const invoice = scope.state.invoices.get(id, 'path');
      finalizeInvoice(scope, invoice);
      if (input.auto_advance !== undefined && invoice.status === 'open')
        invoice.auto_advance = input.auto_advance;
      return invoice;
    },
  ),
  route(
    'POST',
    '/v1/invoices/:id/pay',
    {
      payment_method: z.optional(text()),
      off_session: z.optional(flag),
      paid_out_of_band: z.optional(flag),
      /** Forgives the shortfall of a pre-funded source. A card is not such a source. */
      forgive: z.optional(flag),
    },
    (
      scope,
      { payment_method: methodId, off_session: offSession = true, paid_out_of_band: outOfBand },
      { id = '' },
    ) => {
      const invoice = scope.state.invoices.get(id, 'path');
      if (invoice.status === 'paid')
        throw invalid('Invoice is already paid', { code: 'invoice_already_paid' });
      if (invoice.status === 'void') throw invalid('A void invoice cannot be paid.');
      const method = methodId === undefined ? chosenMethod(scope, invoice) : methodIn(scope, methodId);
      if (invoice.status === 'draft') finalizeInvoice(scope, invoice);
      if (invoice.amount_remaining === 0) return invoice;
      if (outOfBand) {
        scope.state.paidOffStripe.set(invoice.id, invoice.amount_remaining);
        markPaid(scope, invoice, 'out_of_band');
        return invoice;
      }
      if (method === undefined) {
        throw invalid(
          'This customer has no default payment method: attach one and make it the default first.',
          {
            code: 'resource_missing',
          },
        );
      }
      const retryAt = invoice.next_payment_attempt;
      const outcome = collect(scope, invoice, { method, offSession, refuseAction: true, retryAt });
      if (outcome.kind === 'declined') {
        throw refuseDeclined(intentOf(scope, invoice), withPayCode(scope, outcome.error));
      }
      return invoice;
    },
  ),
  route(
    'POST',
    '/v1/invoices/:id/attach_payment',
    { payment_intent: text() },
    (scope, { payment_intent: intentId }, { id = '' }) => {
      const invoice = scope.state.invoices.get(id, 'path');
      const intent = scope.state.paymentIntents.get(intentId, { param: 'payment_intent' });
      assertAttachable(scope, invoice, intent);
      const payment = addPayment(scope, invoice, intent, false);
      if (intent.status === 'succeeded') creditPayment(scope, invoice, payment, intent);
      return invoice;
    },
  ),
  route('POST', '/v1/invoices/:id/send', {}, (scope, _, { id = '' }) => {
    const invoice = scope.state.invoices.get(id, 'path');
    if (invoice.collection_method !== 'send_invoice') {
      throw invalid('You can only manually send an invoice whose collection_method is send_invoice.');
    }
    if (invoice.status === 'void') throw invalid('A void invoice cannot be sent.');
    if (invoice.status === 'draft') finalizeInvoice(scope, invoice);
    sendInvoice(scope, invoice);
    return invoice;
  }),
  route('POST', '/v1/invoices/:id/void', {}, (scope, _, { id = '' }) => {
    const invoice = scope.state.invoices.get(id, 'path');
    if (invoice.status !== 'open' && invoice.status !== 'uncollectible') {
      throw invalid(`You can only void open or uncollectible invoices; this one is ${invoice.status}.`);
    }
    voidInvoice(scope, invoice);
    return invoice;
  }),
  route('POST', '/v1/invoices/:id/mark_uncollectible', {}, (scope, _, { id = '' }) => {
    const invoice = scope.state.invoices.get(id, 'path');
    if (invoice.status !== 'open')
      throw invalid(`Only an open invoice can be; this one is ${invoice.status}.`);
    markUncollectible(scope, invoice, 'user_forgiven');
    return invoice;
  }),
];

/** @throws Refusal unless sent invoices, and only those, have a due date. */
function dueDateOf(
  scope: Scope,
  { collection_method: method, parent }: Stripe.Invoice,
  input: { readonly days_until_due?: number | undefined; readonly due_date?: number | undefined },
): number | null {
  const { days_until_due: days, due_date: date } = input;
  if (method === 'charge_automatically') {
    if (days === undefined && date === undefined) return null;
    throw invalid('days_until_due and due_date are only for send_invoice.', { param: 'days_until_due' });
  }
  // A subscription has its own days_until_due.
  if (parent?.subscription_details && days === undefined && date === undefined) return null;
  if (days !== undefined) return scope.now + days * DAY_SECONDS;
  if (date !== undefined) return date;
  throw invalid('An invoice that is sent needs due_date or days_until_due.', {
    code: 'parameter_missing',
    param: 'days_until_due',
  });
}

const DAY_SECONDS = 24 * 60 * 60;

/** Stripe does not document which code asks for authentication here. */
const withPayCode = ({ state }: Scope, error: StripeErrorBody): StripeErrorBody =>
  error.code === 'authentication_required'
    ? { ...error, code: state.switches.invoice_pay_authentication_code }
    : error;

/** @throws Refusal for a payment that cannot pay this invoice. */
function assertAttachable(scope: Scope, invoice: Stripe.Invoice, intent: Stripe.PaymentIntent): void {
  if (!COLLECTABLE.includes(invoice.status ?? '')) {
    throw invalid(`A payment can only be attached to an open invoice; this one is ${invoice.status}.`);
  }
  const param = 'payment_intent';
  if (intent.status === 'canceled') throw invalid('The PaymentIntent is canceled.', { param });
  if (intent.customer !== null && intent.customer !== invoice.customer) {
    throw invalid('The PaymentIntent belongs to another customer.', { param });
  }
  if (intent.currency !== invoice.currency) {
    throw invalid('The PaymentIntent has another currency than the invoice.', { param });
  }
  if (paymentsOf(scope, invoice.id).some((one) => one.payment.payment_intent === intent.id)) {
    throw invalid('The PaymentIntent is already attached to this invoice.', { param });
  }
}

const chosenMethod = (scope: Scope, invoice: Stripe.Invoice): Stripe.PaymentMethod | undefined =>
  methodOf(scope, subscriptionOf(scope, invoice), idOf(invoice.customer));

const methodIn = (scope: Scope, id: string): Stripe.PaymentMethod =>
  scope.state.paymentMethods.get(id, { param: 'payment_method' });
