import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { intentSucceeded } from '../billing/invoice-life.ts';
import { cancelPayment, paymentsWith } from '../billing/invoice-payments.ts';
import {
  assertUsable,
  attemptPayment,
  finishAuthentication,
  type Outcome,
  refuseDeclined,
} from '../charging.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import {
  clearable,
  currency,
  email,
  flag,
  inRange,
  integer,
  metadata,
  range,
  text,
} from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { emit, type Scope } from '../scope.ts';
import { shipping } from './address.ts';
import { customerIn } from './customer-lookup.ts';
import { buildIntent } from './payment-intent-build.ts';
import {
  assertAmount,
  assertMethodTypes,
  assertReturnUrl,
  missingMethod,
  unexpectedState,
} from './payment-intent-checks.ts';
import { methodIn } from './payment-methods.ts';

const CANCELABLE = ['requires_payment_method', 'requires_confirmation', 'requires_action', 'processing'];
const CONFIRMABLE = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

const described = {
  description: z.optional(clearable(text(1_000))),
  receipt_email: z.optional(clearable(email)),
  shipping: z.optional(clearable(shipping)),
  statement_descriptor_suffix: z.optional(clearable(text(22))),
  metadata,
};
const confirming = {
  payment_method: z.optional(text()),
  off_session: z.optional(flag),
  return_url: z.optional(text()),
  error_on_requires_action: z.optional(flag),
  setup_future_usage: z.optional(
    z.enum(['off_session', 'on_session'], 'parameter_invalid: must be off_session or on_session'),
  ),
};

export const paymentIntentRoutes = [
  route(
    'POST',
    '/v1/payment_intents',
    {
      ...described,
      ...confirming,
      amount: integer,
      currency,
      customer: z.optional(text()),
      confirm: z.optional(flag),
      allowed_payment_method_types: z.optional(z.array(text())),
      automatic_payment_methods: z.optional(
        z.strictObject({
          enabled: flag,
          allow_redirects: z.optional(
            z.enum(['always', 'never'], 'parameter_invalid: must be always or never'),
          ),
        }),
      ),
      payment_method_types: z.optional(z.array(text())),
    },
    (scope, input) => {
      const { amount, customer, confirm = false, metadata, automatic_payment_methods: automatic } = input;
      assertAmount(amount);
      const allowed = input.allowed_payment_method_types;
      assertMethodTypes(scope, input.payment_method_types, allowed, automatic);
      for (const name of ['off_session', 'error_on_requires_action', 'return_url'] as const) {
        if (input[name] === undefined || confirm) continue;
        throw invalid(`${name} can only be given when confirm is true.`, { param: name });
      }
      if (customer !== undefined) customerIn(scope, customer, { param: 'customer' });
      const settled = allowed !== undefined || input.payment_method_types !== undefined;
      const spared = settled && scope.state.switches.return_url_with_allowed_types === 'not_needed';
      if (confirm && !spared && automatic?.allow_redirects !== 'never') assertReturnUrl(input.return_url);
      const method = input.payment_method;
      const intent: Stripe.PaymentIntent = {
        ...buildIntent(scope, {
          amount,
          currency: input.currency.toLowerCase(),
          customer: customer ?? null,
          description: input.description ?? null,
          metadata: mergeMetadata({}, metadata),
        }),
        allowed_payment_method_types: allowed ?? null,
        automatic_payment_methods: settled
          ? null
          : { allow_redirects: 'always', enabled: true, ...withoutUndefined(automatic) },
        receipt_email: input.receipt_email ?? null,
        setup_future_usage: input.setup_future_usage ?? null,
        shipping: input.shipping ?? null,
        statement_descriptor_suffix: input.statement_descriptor_suffix ?? null,
      };
      const paymentMethod =
        method === undefined ? undefined : methodIn(scope, method, { param: 'payment_method' });
      if (paymentMethod !== undefined) {
        intent.payment_method = paymentMethod.id;
        intent.status = 'requires_confirmation';
      }
      if (!confirm) {
        scope.state.paymentIntents.add(intent);
        emit(scope, 'payment_intent.created', intent);
        return intent;
      }
      if (paymentMethod === undefined) throw missingMethod(intent);
      // Checked before anything is stored: an unusable method leaves no trace.
      assertUsable(scope, intent, paymentMethod);
      scope.state.paymentIntents.add(intent);
      emit(scope, 'payment_intent.created', intent);
      return confirmed(scope, intent, attemptPayment(scope, intent, paymentMethod, sessionOf(input)));
    },
  ),
  route(
    'GET',
    '/v1/payment_intents',
    { customer: z.optional(text()), created: range, ...page },
    (scope, { customer, created, ...window }) => {
      if (customer !== undefined) customerIn(scope, customer, { param: 'customer' });
      const intents = scope.state.paymentIntents.newestFirst.filter(
        (intent) =>
          (customer === undefined || intent.customer === customer) && inRange(intent.created, created),
      );
      return paginate('/v1/payment_intents', intents, window);
    },
  ),
  route('GET', '/v1/payment_intents/:id', { client_secret: z.optional(text()) }, (scope, _, { id = '' }) =>
    scope.state.paymentIntents.get(id, 'path'),
  ),
  route(
    'POST',
    '/v1/payment_intents/:id',
    { ...described, amount: z.optional(integer) },
    (scope, { metadata, amount, ...rest }, { id = '' }) => {
      const intent = scope.state.paymentIntents.get(id, 'path');
      if (amount !== undefined) {
        if (!CONFIRMABLE.includes(intent.status)) throw unexpectedState(intent, 'changed');
        assertAmount(amount);
        if (paymentsWith(scope, intent.id).length > 0) {
          throw invalid('The amount of a PaymentIntent that belongs to an invoice cannot be changed.', {
            param: 'amount',
          });
        }
      }
      // Stripe has no event for a change of description or metadata alone.
      Object.assign(intent, withoutUndefined({ ...rest, amount }), {
        metadata: mergeMetadata(intent.metadata, metadata),
      });
      return intent;
    },
  ),
  route('POST', '/v1/payment_intents/:id/confirm', confirming, (scope, input, { id = '' }) => {
    const intent = scope.state.paymentIntents.get(id, 'path');
    if (!CONFIRMABLE.includes(intent.status)) throw unexpectedState(intent, 'confirmed');
    const chosen = input.payment_method ?? intent.payment_method;
    if (chosen === null) throw missingMethod(intent);
    const method = methodIn(scope, typeof chosen === 'string' ? chosen : chosen.id, {
      param: 'payment_method',
    });
    if (input.setup_future_usage !== undefined) intent.setup_future_usage = input.setup_future_usage;
    return confirmed(scope, intent, attemptPayment(scope, intent, method, sessionOf(input)));
  }),
  route(
    'POST',
    '/v1/payment_intents/:id/cancel',
    {
      cancellation_reason: z.optional(
        z.enum(
          ['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer'],
          'parameter_invalid: must be a reason that Stripe supports',
        ),
      ),
    },
    (scope, { cancellation_reason: reason }, { id = '' }) => {
      const intent = scope.state.paymentIntents.get(id, 'path');
      if (!CANCELABLE.includes(intent.status)) throw unexpectedState(intent, 'canceled');
      const payments = paymentsWith(scope, intent.id);
      if (payments.some((one) => one.is_default)) {
        throw invalid('A PaymentIntent that belongs to an invoice is canceled by voiding the invoice.');
      }
      intent.status = 'canceled';
      intent.canceled_at = scope.now;
      intent.cancellation_reason = reason ?? null;
      intent.next_action = null;
      for (const payment of payments) cancelPayment(scope, payment);
      emit(scope, 'payment_intent.canceled', intent);
      return intent;
    },
  ),
];

/** Whether the payment waits for the cardholder's authentication. */
export function awaitsCardholder({ status, last_payment_error: error }: Stripe.PaymentIntent): boolean {
  const asked = status === 'requires_action' || error?.code === 'authentication_required';
  return asked && CONFIRMABLE.includes(status);
}

/** The cardholder confirms in the browser with the client secret, and passes or fails authentication. */
export function authenticate(
  scope: Scope,
  intent: Stripe.PaymentIntent,
  succeeds: boolean,
): Stripe.PaymentIntent {
  if (!awaitsCardholder(intent)) throw unexpectedState(intent, 'authenticated');
  const chosen = intent.payment_method ?? intent.last_payment_error?.payment_method?.id;
  if (chosen === null || chosen === undefined) throw missingMethod(intent);
  const method = scope.state.paymentMethods.known(typeof chosen === 'string' ? chosen : chosen.id);
  const outcome = finishAuthentication(scope, intent, method, succeeds);
  if (outcome.kind === 'succeeded') intentSucceeded(scope, intent);
  return intent;
}

/** @throws Refusal 402 after a decline; the intent exists all the same. */
function confirmed(scope: Scope, intent: Stripe.PaymentIntent, outcome: Outcome): Stripe.PaymentIntent {
  if (outcome.kind === 'declined') throw refuseDeclined(intent, outcome.error);
  if (outcome.kind === 'succeeded') intentSucceeded(scope, intent);
  return intent;
}

const sessionOf = (input: {
  readonly off_session?: boolean | undefined;
  readonly error_on_requires_action?: boolean | undefined;
  readonly return_url?: string | undefined;
}) => ({
  offSession: input.off_session ?? false,
  refuseAction: input.error_on_requires_action ?? false,
  returnUrl: input.return_url,
});
