import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { type CardName, isCardName } from '../cards.ts';
import { idOf } from '../collection.ts';
import { hostedUrl } from '../hosted.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { currency, email, flag, inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { change, emit, type Scope } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';
import { createPaymentMethod } from './payment-methods.ts';
import { authenticateSetup, confirmSetup, createSetup } from './setup-life.ts';

const MINUTE_SECONDS = 60;
const DAY_SECONDS = 24 * 60 * MINUTE_SECONDS;
const SHORTEST_SECONDS = 30 * MINUTE_SECONDS;

const parameters = {
  mode: z.literal('setup', 'parameter_invalid: the double supports only the setup mode'),
  allowed_payment_method_types: z.optional(z.array(text())),
  billing_address_collection: z.optional(z.enum(['auto', 'required'])),
  cancel_url: z.optional(text()),
  client_reference_id: z.optional(text(200)),
  consent_collection: z.optional(
    z.strictObject({ terms_of_service: z.optional(z.enum(['none', 'required'])) }),
  ),
  currency: z.optional(currency),
  custom_text: z.optional(z.strictObject({ submit: z.optional(z.strictObject({ message: text(1_200) })) })),
  customer: z.optional(text()),
  customer_email: z.optional(email),
  customer_update: z.optional(
    z.partial(
      z.strictObject({
        address: z.enum(['auto', 'never']),
        name: z.enum(['auto', 'never']),
        shipping: z.enum(['auto', 'never']),
      }),
    ),
  ),
  expires_at: z.optional(integer),
  metadata,
  return_url: z.optional(text()),
  setup_intent_data: z.optional(z.strictObject({ description: z.optional(text(1_000)), metadata })),
  success_url: text(),
  tax_id_collection: z.optional(z.strictObject({ enabled: flag })),
};

type Input = z.output<z.ZodMiniObject<typeof parameters>>;

export const checkoutSessionRoutes = [
  route('POST', '/v1/checkout/sessions', parameters, (scope, input) => {
    if (input.customer !== undefined) customerIn(scope, input.customer, { param: 'customer' });
    assertFits(input);
    const expiresAt = input.expires_at ?? scope.now + DAY_SECONDS;
    if (expiresAt < scope.now + SHORTEST_SECONDS || expiresAt > scope.now + DAY_SECONDS) {
      throw invalid('expires_at must be between 30 minutes and 24 hours from now.', { param: 'expires_at' });
    }
    const setup = createSetup(scope, {
      customer: input.customer ?? null,
      description: input.setup_intent_data?.description ?? null,
      metadata: mergeMetadata({}, input.setup_intent_data?.metadata),
      usage: 'off_session',
      allowed: input.allowed_payment_method_types ?? null,
    });
    const session = scope.state.checkoutSessions.add(buildSession(scope, input, setup.id, expiresAt));
    scope.schedule.at(expiresAt, `${session.id} expires`, (later) => {
      if (session.status === 'open') expire(later, session);
    });
    return session;
  }),
  route(
    'GET',
    '/v1/checkout/sessions',
    {
      customer: z.optional(text()),
      payment_intent: z.optional(text()),
      subscription: z.optional(text()),
      status: z.optional(
        z.enum(['open', 'complete', 'expired'], 'parameter_invalid: must be a valid status'),
      ),
      created: range,
      ...page,
    },
    (scope, { customer, payment_intent: intent, subscription, status, created, ...window }) => {
      const sessions = scope.state.checkoutSessions.newestFirst.filter(
        (one) =>
          (customer === undefined || one.customer === customer) &&
          (intent === undefined || one.payment_intent === intent) &&
          (subscription === undefined || one.subscription === subscription) &&
          (status === undefined || one.status === status) &&
          inRange(one.created, created),
      );
      return paginate('/v1/checkout/sessions', sessions, window);
    },
  ),
  route('GET', '/v1/checkout/sessions/:id', {}, (scope, _, { id = '' }) =>
    scope.state.checkoutSessions.get(id, 'path'),
  ),
  route('POST', '/v1/checkout/sessions/:id/expire', {}, (scope, _, { id = '' }) => {
    const session = scope.state.checkoutSessions.get(id, 'path');
    if (session.status !== 'open') throw notOpen(session);
    expire(scope, session);
    return session;
  }),
];

export interface Entered {
  /** A test card's name, as in `pm_card_<name>`. */
  readonly card: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
}

/**
 * The customer enters a card on the hosted page. If the card requires authentication, the session stays open.
 * @throws Refusal for a session that is not open, an unknown card, and 402 for a declined one.
 */
export function enterCard(
  scope: Scope,
  session: Stripe.Checkout.Session,
  entered: Entered,
): Stripe.Checkout.Session {
  if (session.status !== 'open') throw notOpen(session);
  const setup = setupOf(scope, session);
  if (setup.status === 'requires_action') throw invalid('The cardholder must authenticate first.');
  const method = createPaymentMethod(scope, cardIn(entered.card));
  method.billing_details = {
    ...method.billing_details,
    name: entered.name ?? null,
    email: entered.email ?? session.customer_email,
  };
  confirmSetup(scope, setup, method, undefined);
  if (setup.status === 'succeeded') complete(scope, session, method);
  return session;
}

/** The customer's answer to the authentication of the entered card. */
export function answerBank(
  scope: Scope,
  session: Stripe.Checkout.Session,
  succeeds: boolean,
): Stripe.Checkout.Session {
  const setup = setupOf(scope, session);
  if (session.status !== 'open' || setup.status !== 'requires_action') throw notOpen(session);
  const method = scope.state.paymentMethods.known(idOf(setup.payment_method) ?? '');
  authenticateSetup(scope, setup, succeeds);
  if (succeeds) complete(scope, session, method);
  return session;
}

export function cardIn(name: string): CardName {
  if (isCardName(name)) return name;
  throw invalid('There is no such test card. Use a name like visa.', { param: 'card' });
}

export const setupOf = ({ state }: Pick<Scope, 'state'>, session: Stripe.Checkout.Session) =>
  state.setupIntents.known(idOf(session.setup_intent) ?? '');

function complete(scope: Scope, session: Stripe.Checkout.Session, method: Stripe.PaymentMethod): void {
  const { name, email: address } = method.billing_details;
  change(session, {
    status: 'complete',
    url: null,
    // Setup mode has no address here: it is in the payment method's billing details.
    customer_details: {
      address: null,
      business_name: null,
      email: address,
      individual_name: name,
      name,
      phone: null,
      tax_exempt: 'none',
      tax_ids: [],
    },
    ...(session.consent_collection !== null && {
      consent: { promotions: null, terms_of_service: 'accepted' },
    }),
  });
  emit(scope, 'checkout.session.completed', session);
}

function expire(scope: Scope, session: Stripe.Checkout.Session): void {
  change(session, { status: 'expired', url: null });
  emit(scope, 'checkout.session.expired', session);
}

const notOpen = ({ status }: Stripe.Checkout.Session) =>
  invalid(`Only Checkout Sessions with a status of open can do this. This one is ${status}.`);

function assertFits({ allowed_payment_method_types: allowed, customer, currency, ...input }: Input): void {
  if (allowed === undefined && currency === undefined) {
    throw invalid('currency is needed in setup mode without allowed_payment_method_types.', {
      code: 'parameter_missing',
      param: 'currency',
    });
  }
  if (customer === undefined && input.customer_update !== undefined) {
    throw invalid('customer_update can only be used with customer.', { param: 'customer_update' });
  }
  if (customer !== undefined && input.customer_email !== undefined) {
    throw invalid('customer and customer_email exclude each other.', { param: 'customer_email' });
  }
}

function buildSession(
  scope: Scope,
  input: Input,
  setupIntent: string,
  expiresAt: number,
): Stripe.Checkout.Session {
  const id = scope.newId('cs_test');
  const submit = input.custom_text?.submit;
  const terms = input.consent_collection?.terms_of_service;
  return {
    id,
    object: 'checkout.session',
    adaptive_pricing: null,
    after_expiration: null,
    allow_promotion_codes: null,
    allowed_payment_method_types: input.allowed_payment_method_types ?? null,
    amount_subtotal: null,
    amount_total: null,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: input.billing_address_collection ?? null,
    cancel_url: input.cancel_url ?? null,
    client_reference_id: input.client_reference_id ?? null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection:
      terms === undefined
        ? null
        : { payment_method_reuse_agreement: null, promotions: null, terms_of_service: terms },
    created: scope.now,
    currency: input.currency?.toLowerCase() ?? null,
    currency_conversion: null,
    custom_fields: [],
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: submit === undefined ? null : { message: submit.message },
      terms_of_service_acceptance: null,
    },
    customer: input.customer ?? null,
    customer_account: null,
    customer_creation: null,
    customer_details: null,
    customer_email: input.customer_email ?? null,
    discounts: null,
    expires_at: expiresAt,
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: null,
    managed_payments: null,
    metadata: mergeMetadata({}, input.metadata),
    mode: 'setup',
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: 'always',
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card'],
    payment_status: scope.state.switches.setup_session_payment_status,
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: setupIntent,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: null,
    subscription: null,
    success_url: input.success_url.replaceAll('{CHECKOUT_SESSION_ID}', id),
    tax_id_collection: { enabled: input.tax_id_collection?.enabled ?? false, required: 'never' },
    total_details: null,
    ui_mode: 'hosted_page',
    url: hostedUrl(`/checkout/${id}`),
    wallet_options: null,
  };
}
