import type Stripe from 'stripe';
import { balanceNow } from './balance.ts';
import { type Aftermath, type Decline, type TestCard, testCard } from './cards.ts';
import { idOf } from './collection.ts';
import { hostedUrl } from './hosted.ts';
import { invalid, Refusal, type StripeErrorBody } from './http/errors.ts';
import { buildCharge } from './resources/charge-build.ts';
import { openDispute } from './resources/dispute-open.ts';
import { change, changeAndEmit, emit, type Scope } from './scope.ts';

export type Outcome =
  | { readonly kind: 'succeeded'; readonly charge: Stripe.Charge }
  | { readonly kind: 'requires_action' }
  | { readonly kind: 'declined'; readonly error: StripeErrorBody };

export interface Session {
  /** The cardholder is absent and cannot authenticate. */
  readonly offSession: boolean;
  /** The cardholder is present, but the caller prefers a failure to authentication. */
  readonly refuseAction: boolean;
  /** Where the cardholder goes after authentication. */
  readonly returnUrl?: string | undefined;
}

const AUTHENTICATION_REQUIRED = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
} as const;

/** Charges `method` for `intent`; the outcome depends on the card. */
export function attemptPayment(
  scope: Scope,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  { offSession, refuseAction, returnUrl }: Session,
): Outcome {
  assertUsable(scope, intent, method);
  const card = cardOf(scope, method);
  if (asksForAuthentication(scope, method, card, offSession)) {
    if (offSession || refuseAction) {
      const withCharge = scope.state.switches.authentication_required_charge === 'present';
      return decline(scope, intent, method, AUTHENTICATION_REQUIRED, { withCharge });
    }
    changeAndEmit(scope, 'payment_intent.requires_action', intent, {
      status: 'requires_action',
      payment_method: method.id,
      next_action: nextAction(scope, intent.id, returnUrl),
      last_payment_error: null,
    });
    return { kind: 'requires_action' };
  }
  return charge(scope, intent, method, card);
}

/** The next step of the browser. */
function nextAction(
  { state }: Scope,
  intentId: string,
  returnUrl: string | undefined,
): Stripe.PaymentIntent.NextAction {
  if (returnUrl !== undefined) state.returnUrls.set(intentId, returnUrl);
  if (returnUrl === undefined || state.switches.next_action_with_return_url === 'use_stripe_sdk') {
    return { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect' } };
  }
  const url = hostedUrl(`/authenticate/${intentId}`);
  return { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } };
}

/** Applies the cardholder's answer to their bank. */
export function finishAuthentication(
  scope: Scope,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  succeeds: boolean,
): Outcome {
  assertUsable(scope, intent, method);
  if (succeeds) return charge(scope, intent, method, cardOf(scope, method));
  return decline(
    scope,
    intent,
    method,
    {
      code: 'payment_intent_authentication_failure',
      declineCode: null,
      message: 'The provided payment method has failed authentication.',
    },
    { withCharge: false },
  );
}

/** After a decline, the intent waits for another method. The error carries both. */
export function refuseDeclined(intent: Stripe.PaymentIntent, error: StripeErrorBody): Refusal {
  return new Refusal(402, { ...error, payment_intent: intent });
}

function charge(
  scope: Scope,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  card: TestCard,
): Outcome {
  if (card.decline !== undefined)
    return decline(scope, intent, method, reasonOf(scope, method, card.decline));
  const made = scope.state.charges.add(buildCharge(scope, intent, method, null));
  const facts = scope.state.cardFacts.get(method.id);
  if (intent.setup_future_usage === 'off_session' && facts !== undefined) {
    facts.setUp = true;
    if (method.customer === null && intent.customer !== null) {
      method.customer = idOf(intent.customer);
      emit(scope, 'payment_method.attached', method);
    }
  } else if (method.customer === null && facts !== undefined) {
    facts.spent = true;
  }
  change(intent, {
    status: 'succeeded',
    amount_received: intent.amount,
    latest_charge: made.id,
    payment_method: method.id,
    last_payment_error: null,
    next_action: null,
  });
  emit(scope, 'charge.succeeded', made);
  emit(scope, 'payment_intent.succeeded', intent);
  if (card.isAvailableAtOnce) emit(scope, 'balance.available', balanceNow(scope));
  follow(scope, made, card.aftermath);
  return { kind: 'succeeded', charge: made };
}

/** The decline_code of one test card is not documented. */
function reasonOf(scope: Scope, method: Stripe.PaymentMethod, reason: Decline): Decline {
  if (scope.state.cardFacts.get(method.id)?.card !== 'chargeCustomerFail') return reason;
  const code = scope.state.switches.customer_fail_decline_code;
  return { ...reason, declineCode: code === 'none' ? null : code };
}

function decline(
  scope: Scope,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  reason: Omit<Decline, 'code'> & { readonly code: string },
  { withCharge } = { withCharge: true },
): Outcome {
  const made = withCharge ? scope.state.charges.add(buildCharge(scope, intent, method, reason)) : undefined;
  const error: StripeErrorBody = {
    type: 'card_error',
    code: reason.code,
    ...(reason.declineCode !== null && { decline_code: reason.declineCode }),
    ...(made && { charge: made.id }),
    message: reason.message,
    payment_method: copyOf(method),
  };
  change(intent, {
    status: 'requires_payment_method',
    payment_method: null,
    ...(made && { latest_charge: made.id }),
    next_action: null,
    last_payment_error: { ...lastError(error), type: 'card_error' },
  });
  if (made !== undefined) emit(scope, 'charge.failed', made);
  emit(scope, 'payment_intent.payment_failed', intent);
  return { kind: 'declined', error };
}

function lastError(error: StripeErrorBody): Omit<Stripe.PaymentIntent.LastPaymentError, 'type'> {
  const { code, decline_code, charge, message, payment_method } = error;
  return {
    ...(code !== undefined && { code }),
    ...(decline_code !== undefined && { decline_code }),
    ...(charge !== undefined && { charge }),
    ...(message !== undefined && { message }),
    ...(payment_method !== undefined && { payment_method }),
  };
}

function follow(scope: Scope, made: Stripe.Charge, aftermath: Aftermath | undefined): void {
  if (aftermath === 'dispute') openDispute(scope, made, { reason: 'fraudulent', inquiry: false });
  if (aftermath === 'inquiry') openDispute(scope, made, { reason: 'fraudulent', inquiry: true });
}

/** A customer's method pays only for that customer. A spent method cannot pay. */
export function assertUsable(scope: Scope, intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod): void {
  const param = 'payment_method';
  const allowed: readonly string[] | null = intent.allowed_payment_method_types;
  if (allowed !== null && !allowed.includes(method.type)) {
    throw invalid(`The PaymentMethod provided (${method.type}) is not allowed for this PaymentIntent.`, {
      code: 'payment_intent_incompatible_payment_method',
      param,
    });
  }
  if (method.customer === null) {
    if (!scope.state.cardFacts.get(method.id)?.spent) return;
    throw invalid(
      'The provided PaymentMethod was previously used without a Customer, or detached from one, and may ' +
        'not be used again.',
      { param },
    );
  }
  if (intent.customer === null) {
    throw invalid('The provided PaymentMethod belongs to a Customer: name that Customer too.', { param });
  }
  if (method.customer !== intent.customer) {
    throw invalid(`The provided PaymentMethod (${method.id}) does not belong to the provided Customer.`, {
      param,
    });
  }
}

function asksForAuthentication(
  scope: Scope,
  method: Stripe.PaymentMethod,
  { authentication }: TestCard,
  offSession: boolean,
): boolean {
  switch (authentication) {
    case undefined:
      return false;
    case 'always':
      return true;
    case 'until_set_up':
      return !scope.state.cardFacts.get(method.id)?.setUp;
    case 'present_only':
      return !offSession;
    default:
      return authentication satisfies never;
  }
}

function cardOf(scope: Scope, method: Stripe.PaymentMethod): TestCard {
  const facts = scope.state.cardFacts.get(method.id);
  if (facts === undefined) throw new Error(`the double has no card for ${method.id}`);
  return testCard(facts.card);
}

/** An error shows the method as it was then. */
const copyOf = (method: Stripe.PaymentMethod): Stripe.PaymentMethod => structuredClone(method);
