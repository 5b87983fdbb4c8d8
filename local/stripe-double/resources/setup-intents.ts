import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { idOf } from '../collection.ts';
import { invalid, Refusal } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, flag, inRange, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit, type Scope } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';
import { assertMethodTypes } from './payment-intent-checks.ts';
import { methodIn } from './payment-methods.ts';
import { authenticateSetup, confirmSetup, createSetup } from './setup-life.ts';

const CONFIRMABLE: readonly string[] = ['requires_payment_method', 'requires_confirmation'];
const ENDED: readonly string[] = ['succeeded', 'canceled'];

const described = { description: z.optional(clearable(text(1_000))), metadata };
const confirming = { payment_method: z.optional(text()), return_url: z.optional(text()) };

export const setupIntentRoutes = [
  route(
    'POST',
    '/v1/setup_intents',
    {
      ...described,
      ...confirming,
      customer: z.optional(text()),
      confirm: z.optional(flag),
      usage: z.optional(
        z.enum(['off_session', 'on_session'], 'parameter_invalid: must be off_session or on_session'),
      ),
      allowed_payment_method_types: z.optional(z.array(text())),
      payment_method_types: z.optional(z.array(text())),
      automatic_payment_methods: z.optional(
        z.strictObject({ enabled: flag, allow_redirects: z.optional(z.enum(['always', 'never'])) }),
      ),
    },
    (scope, input) => {
      const { customer, confirm = false, return_url: returnUrl } = input;
      assertMethodTypes(
        scope,
        input.payment_method_types,
        input.allowed_payment_method_types,
        input.automatic_payment_methods,
      );
      if (returnUrl !== undefined && !confirm) {
        throw invalid('return_url can only be given when confirm is true.', { param: 'return_url' });
      }
      if (customer !== undefined) customerIn(scope, customer, { param: 'customer' });
      const method =
        input.payment_method === undefined
          ? undefined
          : usableMethod(scope, input.payment_method, customer ?? null);
      const intent = createSetup(scope, {
        customer: customer ?? null,
        description: input.description ?? null,
        metadata: mergeMetadata({}, input.metadata),
        usage: input.usage ?? 'off_session',
        allowed: input.allowed_payment_method_types ?? null,
      });
      if (method !== undefined) {
        intent.payment_method = method.id;
        intent.status = 'requires_confirmation';
      }
      if (!confirm) return intent;
      if (method === undefined) throw missingMethod(intent);
      return confirmed(scope, intent, method, returnUrl);
    },
  ),
  route(
    'GET',
    '/v1/setup_intents',
    { customer: z.optional(text()), payment_method: z.optional(text()), created: range, ...page },
    (scope, { customer, payment_method: method, created, ...window }) => {
      const intents = scope.state.setupIntents.newestFirst.filter(
        (intent) =>
          (customer === undefined || intent.customer === customer) &&
          (method === undefined || intent.payment_method === method) &&
          inRange(intent.created, created),
      );
      return paginate('/v1/setup_intents', intents, window);
    },
  ),
  route('GET', '/v1/setup_intents/:id', { client_secret: z.optional(text()) }, (scope, _, { id = '' }) =>
    scope.state.setupIntents.get(id, 'path'),
  ),
  route('POST', '/v1/setup_intents/:id', described, (scope, { metadata, ...rest }, { id = '' }) => {
    const intent = scope.state.setupIntents.get(id, 'path');
    // Stripe has no event for a change of description or metadata alone.
    Object.assign(intent, withoutUndefined(rest), {
      metadata: mergeMetadata(intent.metadata ?? {}, metadata),
    });
    return intent;
  }),
  route('POST', '/v1/setup_intents/:id/confirm', confirming, (scope, input, { id = '' }) => {
    const intent = scope.state.setupIntents.get(id, 'path');
    assertOwn(scope, intent, 'confirmed');
    if (!CONFIRMABLE.includes(intent.status)) throw unexpectedState(intent, 'confirmed');
    const chosen = input.payment_method ?? idOf(intent.payment_method);
    if (chosen === null) throw missingMethod(intent);
    const method = usableMethod(scope, chosen, idOf(intent.customer));
    return confirmed(scope, intent, method, input.return_url);
  }),
  route(
    'POST',
    '/v1/setup_intents/:id/cancel',
    {
      cancellation_reason: z.optional(
        z.enum(
          ['abandoned', 'duplicate', 'requested_by_customer'],
          'parameter_invalid: must be a reason that Stripe supports',
        ),
      ),
    },
    (scope, { cancellation_reason: reason }, { id = '' }) => {
      const intent = scope.state.setupIntents.get(id, 'path');
      assertOwn(scope, intent, 'canceled');
      if (ENDED.includes(intent.status)) throw unexpectedState(intent, 'canceled');
      changeAndEmit(scope, 'setup_intent.canceled', intent, {
        status: 'canceled',
        cancellation_reason: reason ?? null,
        next_action: null,
      });
      return intent;
    },
  ),
];

/**
 * The cardholder passes or fails authentication in the browser.
 * @throws Refusal for an intent that does not wait for authentication.
 */
export function answerSetup(scope: Scope, intent: Stripe.SetupIntent, succeeds: boolean): Stripe.SetupIntent {
  if (intent.status !== 'requires_action') throw unexpectedState(intent, 'authenticated');
  authenticateSetup(scope, intent, succeeds);
  return intent;
}

/** @throws Refusal 402 if the issuer declines; the error carries the intent. */
function confirmed(
  scope: Scope,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  returnUrl: string | undefined,
): Stripe.SetupIntent {
  confirmSetup(scope, intent, method, returnUrl);
  return intent;
}

function usableMethod(scope: Scope, id: string, customer: string | null): Stripe.PaymentMethod {
  const param = 'payment_method';
  const method = methodIn(scope, id, { param });
  const spent = scope.state.cardFacts.get(method.id)?.spent ?? false;
  if (spent || (method.customer !== null && method.customer !== customer)) {
    throw invalid('The provided PaymentMethod cannot be set up for this customer.', { param });
  }
  return method;
}

/** A Checkout Session's intent can be used only by the session. */
function assertOwn({ state }: Scope, { id }: Stripe.SetupIntent, what: string): void {
  if (!state.checkoutSessions.newestFirst.some((session) => session.setup_intent === id)) return;
  throw invalid(`This SetupIntent belongs to a Checkout Session and cannot be ${what} directly.`);
}

const unexpectedState = ({ status }: Stripe.SetupIntent, what: string): Refusal =>
  new Refusal(400, {
    type: 'invalid_request_error',
    code: 'setup_intent_unexpected_state',
    message: `This SetupIntent cannot be ${what} because it has a status of ${status}.`,
  });

const missingMethod = ({ id }: Stripe.SetupIntent): Refusal =>
  invalid(`The SetupIntent ${id} cannot be confirmed because it is missing a payment method.`, {
    code: 'setup_intent_unexpected_state',
    param: 'payment_method',
  });
