import type Stripe from 'stripe';
import { type Decline, type TestCard, testCard } from '../cards.ts';
import { idOf } from '../collection.ts';
import { hostedUrl } from '../hosted.ts';
import { Refusal, type StripeErrorBody } from '../http/errors.ts';
import { change, changeAndEmit, emit, type Scope } from '../scope.ts';

export interface NewSetup {
  readonly customer: string | null;
  readonly description: string | null;
  readonly metadata: Stripe.Metadata;
  readonly usage: 'off_session' | 'on_session';
  readonly allowed: readonly string[] | null;
}

const AUTHENTICATION_FAILED: Decline & { readonly code: string } = {
  code: 'card_declined',
  declineCode: null,
  message: 'The provided payment method has failed authentication.',
};

/** A setup intent that waits for a payment method. */
export function createSetup(scope: Scope, setup: NewSetup): Stripe.SetupIntent {
  const id = scope.newId('seti');
  const intent = scope.state.setupIntents.add({
    id,
    object: 'setup_intent',
    allowed_payment_method_types: setup.allowed === null ? null : [...setup.allowed],
    application: null,
    automatic_payment_methods: setup.allowed === null ? { allow_redirects: 'always', enabled: true } : null,
    cancellation_reason: null,
    client_secret: scope.newId(`${id}_secret`),
    created: scope.now,
    customer: setup.customer,
    customer_account: null,
    description: setup.description,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    managed_payments: null,
    mandate: null,
    metadata: setup.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card'],
    single_use_mandate: null,
    status: 'requires_payment_method',
    usage: setup.usage,
  });
  emit(scope, 'setup_intent.created', intent);
  return intent;
}

/**
 * Attaches `method` to the intent's customer; the outcome depends on the card. No default changes.
 * @throws Refusal 402 if the issuer declines: the intent waits for another method.
 */
export function confirmSetup(
  scope: Scope,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  returnUrl: string | undefined,
): void {
  const card = cardOf(scope, method);
  if (card.refusesAttach && card.decline !== undefined) throw failSetup(scope, intent, method, card.decline);
  if (card.authentication === undefined) {
    succeed(scope, intent, method);
    return;
  }
  changeAndEmit(scope, 'setup_intent.requires_action', intent, {
    status: 'requires_action',
    payment_method: method.id,
    last_setup_error: null,
    next_action: nextAction(scope, intent.id, returnUrl),
  });
}

/** Applies the cardholder's answer to their bank. */
export function authenticateSetup(scope: Scope, intent: Stripe.SetupIntent, succeeds: boolean): void {
  const method = scope.state.paymentMethods.known(idOf(intent.payment_method) ?? '');
  if (succeeds) succeed(scope, intent, method);
  else failSetup(scope, intent, method, AUTHENTICATION_FAILED, 'setup_intent_authentication_failure');
}

function succeed(scope: Scope, intent: Stripe.SetupIntent, method: Stripe.PaymentMethod): void {
  const facts = scope.state.cardFacts.get(method.id);
  if (facts !== undefined) facts.setUp = true;
  const customer = idOf(intent.customer);
  change(intent, {
    status: 'succeeded',
    payment_method: method.id,
    next_action: null,
    last_setup_error: null,
  });
  if (customer !== null && method.customer === null) {
    method.customer = customer;
    emit(scope, 'payment_method.attached', method);
  }
  emit(scope, 'setup_intent.succeeded', intent);
}

function failSetup(
  scope: Scope,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
  { code: issuersCode, declineCode, message }: Decline,
  code: string = issuersCode,
): Refusal {
  const shown = structuredClone(method);
  const type = code === issuersCode ? 'card_error' : 'invalid_request_error';
  const error: StripeErrorBody = {
    type,
    code,
    ...(declineCode !== null && { decline_code: declineCode }),
    message,
    payment_method: shown,
  };
  change(intent, {
    status: 'requires_payment_method',
    payment_method: null,
    next_action: null,
    last_setup_error: {
      type,
      code,
      ...(declineCode !== null && { decline_code: declineCode }),
      message,
      payment_method: shown,
    },
  });
  emit(scope, 'setup_intent.setup_failed', intent);
  return new Refusal(402, error);
}

function nextAction(
  { state }: Scope,
  id: string,
  returnUrl: string | undefined,
): Stripe.SetupIntent.NextAction {
  if (returnUrl === undefined || state.switches.next_action_with_return_url === 'use_stripe_sdk') {
    return { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect' } };
  }
  state.returnUrls.set(id, returnUrl);
  const url = hostedUrl(`/authenticate/${id}`);
  return { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } };
}

function cardOf(scope: Scope, method: Stripe.PaymentMethod): TestCard {
  const facts = scope.state.cardFacts.get(method.id);
  if (facts === undefined) throw new Error(`the double has no card for ${method.id}`);
  return testCard(facts.card);
}
