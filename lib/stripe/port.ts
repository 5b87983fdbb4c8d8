import type { ProInvoice } from '../domain/grants.ts';
import type { ProSubscription } from '../domain/subscription.ts';
import type { StripeEvent } from './event.ts';

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
  readonly disputes: readonly { readonly id: string; readonly open: boolean; readonly amountCents: number }[];
  readonly paidFor:
    | { readonly kind: 'fix'; readonly fix: FixReference }
    | { readonly kind: 'invoice'; readonly invoice: ProInvoice }
    | { readonly kind: 'other' };
}

/** A renewal that Stripe could not collect for so far. */
export interface FailedRenewal {
  readonly id: string;
  /** What is still to be paid, in US cents. */
  readonly amountCents: number;
  /** How often it was tried. */
  readonly attempt: number;
  /** ISO 8601; null when Stripe does not try again by itself. */
  readonly nextAttemptAt: string | null;
}

export interface PaidMoney {
  readonly fixPayments: readonly Paid<PaidFix>[];
  /** Those that bring credits. */
  readonly proInvoices: readonly Paid<ProInvoice>[];
  /** Charges that were ever disputed, whatever they paid for. */
  readonly disputedChargeIds: readonly string[];
}

/** A payment for a fix that succeeded. */
export interface PaidFix extends FixPayment {
  /** Whether all of it was refunded: a ledger that never had it has nothing to say of it. */
  readonly isReturned: boolean;
}

export type Paid<T> = T & { readonly paidAt: Date };

export type OwnedInvoice = ProInvoice & { readonly stripeCustomerId: string | null };

/** A part of one of Stripe's lists, which are told the newest first. */
export interface ListWindow {
  /** What was created from this moment on, to the second. */
  readonly from: Date;
  /** And before this one; null for the newest too. */
  readonly until: Date | null;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
}

/** At most 100 of a list; fewer where Stripe's page held others than were asked for. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Null on the last page. */
  readonly next: string | null;
}

/** An event about a customer, and whether somebody is still to be told of it. */
export interface CustomerEvent {
  readonly id: string;
  readonly type: string;
  /** What it is about. */
  readonly objectId: string | null;
  readonly undelivered: boolean;
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
  /**
   * The Stripe customers that were made for a customer of ours under this address, and not deleted since: more than one where
   * Stripe made one and answered an error.
   */
  findCustomers(customer: { readonly customerId: string; readonly email: string }): Promise<string[]>;
  /** Takes every card off, and the name and address. Payments stay. One that is deleted already is none the worse. */
  anonymiseCustomer(stripeCustomerId: string): Promise<void>;
  /** With their cards; a subscription ends at once. One that is deleted already is none the worse. */
  deleteCustomer(stripeCustomerId: string): Promise<void>;
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
  /** Null where a renewal's invoice is paid by now, or is none of a renewal. */
  readFailedRenewal(invoiceId: string): Promise<FailedRenewal | null>;
  readReturnedMoney(chargeId: string): Promise<ReturnedMoney>;
  /** Whether all that was paid for an invoice was refunded: a ledger that never had it has nothing to say of it. */
  isInvoiceReturned(invoice: Pick<ProInvoice, 'id' | 'totalCents'>): Promise<boolean>;
  /** All that a customer ever paid for fixes and Pro, for an audit. */
  readPaidMoney(stripeCustomerId: string): Promise<PaidMoney>;
  /** The event as Stripe keeps it, for 30 days. */
  readEvent(eventId: string): Promise<unknown>;
  /** Events of the types that change something here. */
  listEvents(window: ListWindow): Promise<Page<StripeEvent>>;
  /** Events of any type about a customer, also one who was deleted; the newest 1,000 of the account are looked through. */
  findEventsOf(stripeCustomerId: string, since: Date): Promise<CustomerEvent[]>;
  /** Payments for fixes that succeeded, whoever paid. */
  listFixPayments(window: ListWindow): Promise<Page<PaidFix>>;
  /** Paid invoices that bring credits, whoever paid. */
  listProInvoices(window: ListWindow): Promise<Page<OwnedInvoice>>;
}
