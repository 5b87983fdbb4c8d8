import type { ProInvoice, ReturnedValue } from '../../domain/grants.ts';
import type { KnownPrice, SoldPlan } from '../../domain/plans.ts';
import type { ProSubscription } from '../../domain/subscription.ts';

export interface Subscribed {
  readonly subscription: ProSubscription;
  /** The invoice of the first period. */
  readonly invoice: ProInvoice | null;
}

/** A renewal that Stripe could not collect so far. */
export interface FailedRenewal {
  readonly id: string;
  /** The number that is printed on the invoice; null before it is final. */
  readonly number: string | null;
  /** Still due, in US cents. */
  readonly amountCents: number;
  /** How many times Stripe tried. */
  readonly attempt: number;
  /** ISO 8601; null when Stripe schedules no further attempt. */
  readonly nextAttemptAt: string | null;
  /** Why the last try failed: the decline code, or the error's code; null if Stripe names none. */
  readonly declineCode: string | null;
  /** Fingerprint of the card of the last try, or the payment method's id; null if Stripe names none. */
  readonly cardKey: string | null;
}

/** An unpaid invoice of a renewal. */
export interface OpenRenewal {
  readonly invoiceId: string;
  /** Still due, in US cents. */
  readonly amountCents: number;
}

/** An invoice, with all value that its customer got back. */
export interface InvoiceValue {
  readonly invoice: ProInvoice;
  readonly returned: ReturnedValue;
}

/** What a change of an invoice can affect: its customer, and earlier invoices that it credits. */
export interface InvoiceReach {
  readonly stripeCustomerId: string | null;
  readonly isPaid: boolean;
  /** Prices of ours on the paid invoice without known credits. */
  readonly unknownPriceIds: readonly string[];
  /** Earlier invoices whose unused time this invoice credits. */
  readonly creditedInvoiceIds: readonly string[];
}

/** Subscriptions and their invoices. */
export interface PlanCalls {
  /** The price of Pro for new customers, from the settings. */
  readonly proPriceId: string;
  /**
   * The price of a plan for new customers, with its current amount and credits at Stripe.
   * @throws StripeFault misconfigured if the plan has none, or the price is not a monthly price of this plan
   */
  soldPrice(plan: SoldPlan): Promise<KnownPrice>;
  subscribe(order: {
    readonly customerId: string;
    readonly stripeCustomerId: string;
    readonly priceId: string;
    readonly attempt: number;
  }): Promise<Subscribed>;
  /** The subscription made by an order, if there is one. */
  findSubscribed(stripeCustomerId: string, attempt: number): Promise<Subscribed | null>;
  /**
   * Ends a subscription with its current period, or withdraws a scheduled end, also one set by `cancel_at`.
   * Does nothing if the subscription has ended.
   */
  setCancelAtPeriodEnd(subscriptionId: string, cancel: boolean): Promise<void>;
  /** Removes a subscription's own card, so that Stripe charges the customer's default card. */
  clearOwnCard(subscriptionId: string, defaultCard: string): Promise<void>;
  /**
   * Ends a subscription now, without a refund. Idempotent: does nothing if it has already ended.
   * @param isReplaced another subscription follows; Stripe stores this, so that no letter reports an end
   */
  cancelSubscription(subscriptionId: string, isReplaced?: boolean): Promise<void>;

  /**
   * A subscription's newest open invoice for a period at a known price; null without one.
   * @param isAsked a person asked to pay: without an open invoice, the newest one counts if it is
   * uncollectible
   */
  findOpenRenewal(subscriptionId: string, isAsked: boolean): Promise<OpenRenewal | null>;
  /** Whether a renewal's invoice is paid or can still be paid. */
  readRenewalState(invoiceId: string): Promise<'paid' | 'open' | 'over'>;
  /**
   * Pays an open or uncollectible invoice off-session with a card. Throws like any charge: declined,
   * authentication_required, …; indeterminate if Stripe accepts the payment and the invoice is not paid yet.
   */
  payInvoice(payment: {
    readonly invoiceId: string;
    readonly paymentMethodId: string;
    readonly idempotencyKey: string;
  }): Promise<void>;
  readInvoice(invoiceId: string): Promise<ProInvoice>;
  /**
   * Reads an invoice and what was returned of it. Skips the reads of returned money if the invoice has
   * granted no credits and grants none.
   * @param known.hasBrought the invoice has granted credits before
   */
  readInvoiceValue(invoiceId: string, known: { readonly hasBrought: boolean }): Promise<InvoiceValue>;
  readInvoiceReach(invoiceId: string): Promise<InvoiceReach>;
  /**
   * Null if the invoice is paid by now, is an order's first one, or is not for a subscription at a known
   * price.
   */
  readFailedRenewal(invoiceId: string): Promise<FailedRenewal | null>;
}
