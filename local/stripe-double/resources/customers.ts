import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { addEntry } from '../billing/balance.ts';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, email, inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { address, shipping } from './address.ts';
import { customerIn } from './customer-lookup.ts';
import { attach } from './payment-methods.ts';
import { assertSourceOf, deleteSource, sourcesOf } from './source-life.ts';
import { createSource } from './sources.ts';
import { endSubscription } from './subscription-end.ts';

const optionalText = z.optional(clearable(text()));

const fields = {
  address: z.optional(clearable(address)),
  balance: z.optional(integer),
  description: optionalText,
  email: z.optional(clearable(email)),
  name: z.optional(clearable(text(256))),
  phone: z.optional(clearable(text(20))),
  shipping: z.optional(clearable(shipping)),
  invoice_settings: z.optional(z.strictObject({ default_payment_method: optionalText })),
  metadata,
  source: z.optional(text()),
};

export const customerRoutes = [
  route('POST', '/v1/customers', { ...fields, payment_method: z.optional(text()) }, (scope, input) => {
    const { metadata, invoice_settings: settings, payment_method: methodId, source: token, ...rest } = input;
    const customer: Stripe.Customer = { ...emptyCustomer(scope), metadata: mergeMetadata({}, metadata) };
    Object.assign(customer, withoutUndefined(rest));
    // If attaching is refused, no customer is created.
    const method =
      methodId === undefined ? undefined : attach(scope, methodId, customer, { param: 'payment_method' });
    const source = token === undefined ? undefined : createSource(scope, customer, token);
    customer.default_source = source?.id ?? null;
    if (customer.balance !== 0) addEntry(scope, { ...customer, balance: 0 }, 'initial', customer.balance);
    scope.state.customers.add(customer);
    emit(scope, 'customer.created', customer);
    if (source !== undefined) emit(scope, 'customer.source.created', source);
    const wanted = settings?.default_payment_method;
    // A test method's name stands for the method that was just created.
    if (wanted !== undefined)
      setDefaultMethod(scope, customer, wanted === methodId ? (method?.id ?? null) : wanted);
    return customer;
  }),
  route(
    'GET',
    '/v1/customers',
    { email: z.optional(text()), created: range, ...page },
    (scope, { email, created, ...window }) => {
      const customers = scope.state.customers.newestFirst.filter(
        (customer) => (email === undefined || customer.email === email) && inRange(customer.created, created),
      );
      return paginate('/v1/customers', customers, window);
    },
  ),
  route(
    'GET',
    '/v1/customers/:id',
    {},
    (scope, _, { id = '' }) => scope.state.deletedCustomers.get(id) ?? customerIn(scope, id, 'path'),
  ),
  route(
    'POST',
    '/v1/customers/:id',
    { ...fields, default_source: z.optional(text()) },
    (scope, input, ids) => {
      const { id = '' } = ids;
      const customer = customerIn(scope, id, 'path');
      const { metadata, invoice_settings: settings, source: token, ...rest } = input;
      if (rest.default_source !== undefined) assertSourceOf(scope, id, rest.default_source, 'default_source');
      const changes: Partial<Stripe.Customer> = {
        ...withoutUndefined(rest),
        ...(token !== undefined && { default_source: replaceSource(scope, customer, token) }),
        metadata: mergeMetadata(customer.metadata, metadata),
      };
      if (settings?.default_payment_method !== undefined) {
        changes.invoice_settings = withDefaultMethod(scope, customer, settings.default_payment_method);
      }
      const moved = (rest.balance ?? customer.balance) - customer.balance;
      if (moved !== 0) addEntry(scope, customer, 'adjustment', moved);
      changeAndEmit(scope, 'customer.updated', customer, changes);
      return customer;
    },
  ),
  route('DELETE', '/v1/customers/:id', {}, (scope, _, { id = '' }) => {
    const customer = customerIn(scope, id, 'path');
    for (const subscription of scope.state.subscriptions.newestFirst) {
      if (subscription.customer === id && subscription.ended_at === null)
        endSubscription(scope, subscription, null);
    }
    // Payment methods and sources go with the customer, without events of their own.
    for (const { id: source } of sourcesOf(scope, id)) scope.state.sources.delete(source);
    for (const method of scope.state.paymentMethods.newestFirst) {
      if (method.customer !== id) continue;
      method.customer = null;
      const facts = scope.state.cardFacts.get(method.id);
      if (facts !== undefined) facts.spent = true;
    }
    scope.state.customers.delete(id);
    const deleted: Stripe.DeletedCustomer = { id, object: 'customer', deleted: true };
    scope.state.deletedCustomers.set(id, deleted);
    emit(scope, 'customer.deleted', customer);
    return deleted;
  }),
];

/** A new default source replaces the previous one, which is deleted. */
function replaceSource(scope: Scope, customer: Stripe.Customer, token: string): string {
  const before = idOf(customer.default_source);
  const made = createSource(scope, customer, token);
  emit(scope, 'customer.source.created', made);
  // Cleared first, so that no other source becomes the default in between.
  customer.default_source = null;
  if (before !== null) deleteSource(scope, before);
  customer.default_source = before;
  return made.id;
}

function setDefaultMethod(scope: Scope, customer: Stripe.Customer, methodId: string | null): void {
  changeAndEmit(scope, 'customer.updated', customer, {
    invoice_settings: withDefaultMethod(scope, customer, methodId),
  });
}

function withDefaultMethod(
  scope: Scope,
  customer: Stripe.Customer,
  methodId: string | null,
): Stripe.Customer.InvoiceSettings {
  if (methodId !== null) {
    const param = 'invoice_settings[default_payment_method]';
    const method = scope.state.paymentMethods.get(methodId, { param });
    if (method.customer !== customer.id) {
      throw invalid(`The customer does not have a payment method with the ID ${methodId}. Attach it first.`, {
        code: 'resource_missing',
        param,
      });
    }
  }
  return { ...customer.invoice_settings, default_payment_method: methodId };
}

const emptyCustomer = (scope: Scope): Stripe.Customer => ({
  id: scope.newId('cus'),
  object: 'customer',
  address: null,
  balance: 0,
  created: scope.now,
  currency: null,
  customer_account: null,
  default_source: null,
  delinquent: false,
  description: null,
  discount: null,
  email: null,
  invoice_prefix: `D${scope.state.customers.size + 1}`,
  invoice_settings: {
    custom_fields: null,
    default_payment_method: null,
    footer: null,
    rendering_options: null,
  },
  livemode: false,
  metadata: {},
  name: null,
  next_invoice_sequence: 1,
  phone: null,
  preferred_locales: [],
  shipping: null,
  tax_exempt: 'none',
  test_clock: null,
});
