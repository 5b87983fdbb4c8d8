import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { type CardName, cardNamed, fingerprintOf, testCard } from '../cards.ts';
import { idOf } from '../collection.ts';
import { invalid, missing, Refusal } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, email, metadata, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { change, changeAndEmit, emit, type Scope } from '../scope.ts';
import type { CardFacts } from '../state.ts';
import { address, EMPTY_ADDRESS } from './address.ts';
import { customerIn } from './customer-lookup.ts';
import { OTHER_KINDS, type OtherKind, otherKindNamed, otherMethod } from './other-methods.ts';
import { deleteSource } from './source-life.ts';

const EXPIRES_YEAR = 2034;

const billingDetails = z.optional(
  z.strictObject({
    address: z.optional(clearable(address)),
    email: z.optional(clearable(email)),
    name: z.optional(clearable(text())),
    phone: z.optional(clearable(text())),
  }),
);

export const paymentMethodRoutes = [
  route(
    'POST',
    '/v1/payment_methods',
    {
      type: z.enum(['card', ...OTHER_KINDS], 'parameter_invalid: must be a kind that the double supports'),
      card: z.optional(z.strictObject({ token: text() })),
      us_bank_account: z.optional(
        z.strictObject({
          account_holder_type: z.optional(text()),
          account_number: z.optional(text()),
          account_type: z.optional(text()),
          routing_number: z.optional(text()),
        }),
      ),
      link: z.optional(z.strictObject({})),
      cashapp: z.optional(z.strictObject({})),
      amazon_pay: z.optional(z.strictObject({})),
      billing_details: billingDetails,
      metadata,
    },
    (scope, { type, card, billing_details: details, metadata }) => {
      const method = type === 'card' ? cardFrom(scope, card?.token) : createOtherMethod(scope, type);
      method.billing_details = { ...method.billing_details, ...withoutUndefined(details) };
      method.metadata = mergeMetadata({}, metadata);
      return method;
    },
  ),
  route(
    'GET',
    '/v1/payment_methods',
    { customer: z.optional(text()), type: z.optional(text()), ...page },
    (scope, { customer, type, ...window }) => {
      if (customer === undefined) return paginate('/v1/payment_methods', [], window);
      return listOf(scope, '/v1/payment_methods', customer, type, window);
    },
  ),
  route('GET', '/v1/payment_methods/:id', {}, (scope, _, { id = '' }) => methodIn(scope, id, 'path')),
  route(
    'POST',
    '/v1/payment_methods/:id',
    { billing_details: billingDetails, metadata },
    (scope, input, { id = '' }) => {
      const method = scope.state.paymentMethods.get(id, 'path');
      changeAndEmit(scope, 'payment_method.updated', method, {
        billing_details: { ...method.billing_details, ...withoutUndefined(input.billing_details) },
        metadata: mergeMetadata(method.metadata ?? {}, input.metadata),
      });
      return method;
    },
  ),
  route('POST', '/v1/payment_methods/:id/attach', { customer: text() }, (scope, { customer }, { id = '' }) =>
    attach(scope, id, customerIn(scope, customer, { param: 'customer' }), 'path'),
  ),
  route('POST', '/v1/payment_methods/:id/detach', {}, (scope, _, { id = '' }) => {
    const method = scope.state.paymentMethods.get(id, 'path');
    if (method.customer === null) {
      throw invalid(
        'The payment method you provided is not attached to a customer so detachment is impossible.',
      );
    }
    detach(scope, method);
    return method;
  }),
  route(
    'GET',
    '/v1/customers/:id/payment_methods',
    { type: z.optional(text()), ...page },
    (scope, { type, ...window }, { id = '' }) => {
      customerIn(scope, id, 'path');
      return listOf(scope, `/v1/customers/${id}/payment_methods`, id, type, window);
    },
  ),
  route('GET', '/v1/customers/:id/payment_methods/:method', {}, (scope, _, { id = '', method = '' }) => {
    customerIn(scope, id, 'path');
    const found = scope.state.paymentMethods.get(method, 'path');
    if (found.customer !== id) throw invalid(`The customer has no payment method ${method}.`);
    return found;
  }),
];

/** @throws Refusal for a token that is not a test card. */
function cardFrom(scope: Scope, token: string | undefined): Stripe.PaymentMethod {
  const param = 'card[token]';
  if (token === undefined)
    throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  const name = cardNamed(token);
  if (name === undefined) throw missing('token', token, { param });
  return createPaymentMethod(scope, name);
}

function namedMethod(scope: Scope, id: string): Stripe.PaymentMethod | undefined {
  const other = otherKindNamed(id);
  if (other !== undefined) return createOtherMethod(scope, other);
  const name = cardNamed(id);
  return name === undefined ? undefined : createPaymentMethod(scope, name);
}

/** An existing method, or a new one for a test method's name. */
export function methodIn(
  scope: Scope,
  id: string,
  where: 'path' | { readonly param: string },
): Stripe.PaymentMethod {
  return namedMethod(scope, id) ?? scope.state.paymentMethods.get(id, where);
}

export function factsOf(scope: Scope, methodId: string): CardFacts {
  const facts = scope.state.cardFacts.get(methodId);
  if (facts === undefined) throw new Error(`the double has no card for ${methodId}`);
  return facts;
}

/** @throws Refusal as `cardForAttaching`, and for a method that cannot be attached. */
export function attach(
  scope: Scope,
  id: string,
  customer: Stripe.Customer,
  where: 'path' | { readonly param: string },
): Stripe.PaymentMethod {
  const other = otherKindNamed(id);
  if (other !== undefined) return attach(scope, createOtherMethod(scope, other).id, customer, where);
  const name = cardNamed(id);
  const present = name === undefined ? scope.state.paymentMethods.get(id, where) : undefined;
  if (present?.customer === customer.id) return present;
  if (present !== undefined && present.customer !== null) {
    throw invalid('The payment method you provided has already been attached to a customer.');
  }
  if (present !== undefined && factsOf(scope, id).spent) {
    throw invalid(
      'This PaymentMethod was used without a Customer, or detached from one, and may not be used again.',
    );
  }
  const card = cardForAttaching(name ?? factsOf(scope, id).card);
  const method = present ?? createPaymentMethod(scope, card);
  method.customer = customer.id;
  emit(scope, 'payment_method.attached', method);
  return method;
}

/**
 * Returns the test card unchanged if it can be attached.
 * @throws Refusal 402 for a test card that the issuer declines when it is attached.
 */
export function cardForAttaching(name: CardName): CardName {
  const { refusesAttach, decline } = testCard(name);
  if (!refusesAttach || decline === undefined) return name;
  const { code, declineCode, message } = decline;
  throw new Refusal(402, {
    type: 'card_error',
    code,
    ...(declineCode !== null && { decline_code: declineCode }),
    message,
  });
}

/** Permanent: a detached method cannot be attached again. It is removed wherever it was the default. */
export function detach(scope: Scope, method: Stripe.PaymentMethod): void {
  const customer = scope.state.customers.find(idOf(method.customer));
  factsOf(scope, method.id).spent = true;
  const attached = { ...method };
  const previous = change(method, { customer: null });
  if (scope.state.switches.detached_customer === 'null') {
    emit(scope, 'payment_method.detached', method, previous ?? undefined);
  } else {
    emit(scope, 'payment_method.detached', attached);
  }
  deleteSource(scope, method.id);
  if (customer === undefined) return;
  if (customer.invoice_settings.default_payment_method === method.id) {
    const sendsUpdate = scope.state.switches.detach_customer_updated === 'sent';
    const settings = { ...customer.invoice_settings, default_payment_method: null };
    if (sendsUpdate) changeAndEmit(scope, 'customer.updated', customer, { invoice_settings: settings });
    else change(customer, { invoice_settings: settings });
  }
  for (const subscription of scope.state.subscriptions.newestFirst) {
    if (subscription.default_payment_method !== method.id) continue;
    changeAndEmit(scope, 'customer.subscription.updated', subscription, { default_payment_method: null });
  }
}

export function createPaymentMethod(
  scope: Scope,
  name: CardName,
  id = scope.newId('pm'),
): Stripe.PaymentMethod {
  const { brand, number, funding } = testCard(name);
  const method: Stripe.PaymentMethod = {
    id,
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { address: EMPTY_ADDRESS, email: null, name: null, phone: null, tax_id: null },
    card: {
      brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: 'US',
      display_brand: brand,
      exp_month: 12,
      exp_year: EXPIRES_YEAR,
      fingerprint: fingerprintOf(number),
      funding,
      generated_from: null,
      last4: number.slice(-4),
      networks: { available: [brand], preferred: null },
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created: scope.now,
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: 'card',
  };
  scope.state.cardFacts.set(method.id, { card: name, setUp: false, spent: false });
  return scope.state.paymentMethods.add(method);
}

/** A method that is not a card. Its charges succeed. */
function createOtherMethod(scope: Scope, kind: OtherKind): Stripe.PaymentMethod {
  const { card: _, ...rest } = createPaymentMethod(scope, 'visa');
  return scope.state.paymentMethods.add({ ...rest, ...otherMethod(kind) });
}

function listOf(
  scope: Scope,
  url: string,
  customer: string,
  type: string | undefined,
  window: Parameters<typeof paginate>[2],
) {
  const listsSources = scope.state.switches.card_source_listed === 'listed';
  const methods = scope.state.paymentMethods.newestFirst.filter(
    (method) =>
      method.customer === customer &&
      (type === undefined || method.type === type) &&
      (listsSources || scope.state.sources.find(method.id) === undefined),
  );
  return paginate(url, methods, window);
}
