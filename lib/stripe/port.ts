import type { ProInvoice } from '../domain/grants.ts';
import type { ProSubscription } from '../domain/subscription.ts';

/*
 * What the service asks of Stripe, in the service's own terms. Every call is safe to repeat; those that move money carry an
 * idempotency key that is made of business facts. All of them throw `StripeFault` and nothing else.
 */

/** Stripe keeps an idempotency key for 24 hours; after that the same call would be a new one. An hour is left for clocks. */
export const KEY_IS_SAFE_MS = 23 * 60 * 60 * 1000;

/** Which attempt of which fix a payment is for; travels as the payment intent's metadata. */
export interface FixReference {
  readonly customerId: string;
  readonly fixAttemptId: string;
  readonly attempt: number;
}

export interface Decline {
  readonly code: string;
  readonly declineCode: string | null;
}

/** A payment intent for a fix, as Stripe has it now. Amounts in US cents. */
export interface FixPayment extends FixReference {
  readonly paymentIntentId: string;
  readonly stripeCustomerId: string | null;
  readonly state: 'succeeded' | 'processing' | 'action_required' | 'declined' | 'canceled';
  readonly amountCents: number;
  readonly decline: Decline | null;
  /** With it the cardholder can confirm the payment in a browser; never stored, never logged. */
  readonly clientSecret: string | null;
}

export interface FixChargeOrder extends FixReference {
  readonly stripeCustomerId: string;
  readonly paymentMethodId: string;
  readonly amountCents: number;
  readonly idempotencyKey: string;
}

export interface AttachedCard {
  /** Not always the id that was given: a test method gets one of its own. */
  readonly paymentMethodId: string;
  /** The same for every payment method that is this card; null for what is no card. */
  readonly fingerprint: string | null;
}

/** What Stripe says of a customer now. */
export type StripeAccount =
  | { readonly kind: 'deleted' }
  | {
      readonly kind: 'account';
      readonly paymentMethodId: string | null;
      readonly subscriptions: readonly ProSubscription[];
    };

export interface Subscribed {
  readonly subscription: ProSubscription;
  /** The invoice of its first period. */
  readonly invoice: ProInvoice | null;
}

/** A charge with all that went back of it: refunds that did not fail, and disputes that are not won. */
export interface ReturnedMoney {
  readonly chargeId: string;
  readonly stripeCustomerId: string | null;
  readonly paymentIntentId: string | null;
  readonly returnedCents: number;
  readonly disputes: readonly { readonly id: string; readonly open: boolean }[];
  readonly paidFor:
    | { readonly kind: 'fix'; readonly fix: FixReference }
    | { readonly kind: 'invoice'; readonly invoice: ProInvoice }
    | { readonly kind: 'other' };
}

export interface PaidMoney {
  readonly fixPayments: readonly FixPayment[];
  /** Those that bring credits. */
  readonly proInvoices: readonly ProInvoice[];
}

export interface StripePort {
  /** The price whose subscriptions are Pro. */
  readonly proPriceId: string;

  createCustomer(customer: {
    readonly customerId: string;
    readonly name: string;
    readonly email: string;
    /** The Stripe customer before, when that was deleted. */
    readonly former: string | null;
  }): Promise<string>;
  attachCard(stripeCustomerId: string, paymentMethodId: string): Promise<AttachedCard>;
  makeDefault(stripeCustomerId: string, paymentMethodId: string): Promise<void>;
  readAccount(stripeCustomerId: string): Promise<StripeAccount>;

  /** Creates and confirms the payment, off-session. A decline is a payment too. */
  chargeFix(order: FixChargeOrder): Promise<FixPayment>;
  /** Null for a payment intent that is not for a fix. */
  readFixPayment(paymentIntentId: string): Promise<FixPayment | null>;
  /** The payments of a fix since a moment, found by their metadata. */
  findFixPayments(stripeCustomerId: string, fixAttemptId: string, since: Date): Promise<FixPayment[]>;
  /** Makes sure that it cannot be paid any more; answers how it is then, which can be `succeeded`. */
  cancelPayment(paymentIntentId: string): Promise<FixPayment | null>;
  /** Gives a whole payment back, once; answers the refund's id. */
  refundPayment(paymentIntentId: string): Promise<string>;

  subscribe(order: {
    readonly customerId: string;
    readonly stripeCustomerId: string;
    readonly priceId: string;
    readonly attempt: number;
  }): Promise<Subscribed>;
  /** The subscription that an order made, if it did. */
  findSubscribed(stripeCustomerId: string, attempt: number): Promise<Subscribed | null>;
  setCancelAtPeriodEnd(subscriptionId: string, cancel: boolean): Promise<void>;
  /** Now, without a refund. One that is over already is none the worse. */
  cancelSubscription(subscriptionId: string): Promise<void>;

  readInvoice(invoiceId: string): Promise<ProInvoice>;
  readReturnedMoney(chargeId: string): Promise<ReturnedMoney>;
  /** All that a customer ever paid for fixes and Pro, for an audit. */
  readPaidMoney(stripeCustomerId: string): Promise<PaidMoney>;
  /** The event as Stripe keeps it, for 30 days. */
  readEvent(eventId: string): Promise<unknown>;
}
