import type { ProInvoice, ReturnedValue } from '../../domain/grants.ts';
import type { KnownPrice, SoldPlan } from '../../domain/plans.ts';
import type { ProSubscription } from '../../domain/subscription.ts';

export interface Subscribed {
  readonly subscription: ProSubscription;
  /** The invoice of its first period. */
  readonly invoice: ProInvoice | null;
}

/** A renewal that Stripe could not collect for so far. */
export interface FailedRenewal {
  readonly id: string;
  /** What is still to be paid, in US cents. */
  readonly amountCents: number;
  /** How often it was tried. */
  readonly attempt: number;
  /** ISO 8601; null when Stripe schedules no further attempt. */
  readonly nextAttemptAt: string | null;
  /** Fingerprint of the card that was tried last, or the payment method's id; null where Stripe does not say. */
  readonly cardKey: string | null;
}

/** An invoice of a renewal that is not paid yet. */
export interface OpenRenewal {
  readonly invoiceId: string;
  /** What is still to be paid, in US cents. */
  readonly amountCents: number;
}

/** An invoice, with all of it that its customer has back. */
export interface InvoiceValue {
  readonly invoice: ProInvoice;
  readonly returned: ReturnedValue;
}

/** Whose credits a change of an invoice can change. */
export interface InvoiceReach {
  readonly stripeCustomerId: string | null;
  readonly isPaid: boolean;
  /** Prices of ours at which it was paid, and of which we do not know what they bring. */
  readonly unknownPriceIds: readonly string[];
  /** Earlier invoices whose unused time this one credits. */
  readonly creditedInvoiceIds: readonly string[];
}

/** Subscriptions and their invoices. */
export interface PlanCalls {
  /** The price of Pro that is sold, as the settings name it. */
  readonly proPriceId: string;
  /** The price at which new customers subscribe to a plan. */
  soldPriceId(plan: SoldPlan): Promise<string>;
  /** The same price with its amount and its credits, as Stripe has it now. */
  soldPrice(plan: SoldPlan): Promise<KnownPrice>;
  subscribe(order: {
    readonly customerId: string;
    readonly stripeCustomerId: string;
    readonly priceId: string;
    readonly attempt: number;
  }): Promise<Subscribed>;
  /** The subscription that an order made, if it did. */
  findSubscribed(stripeCustomerId: string, attempt: number): Promise<Subscribed | null>;
  /**
   * Ends a subscription with its current period, or withdraws its cancellation, by the flag and by a date alike. Does nothing
   * if the subscription has ended.
   */
  setCancelAtPeriodEnd(subscriptionId: string, cancel: boolean): Promise<void>;
  /** Takes a subscription's own card off, so that Stripe charges the customer's default card. */
  clearOwnCard(subscriptionId: string, defaultCard: string): Promise<void>;
  /**
   * Now, without a refund. Idempotent: does nothing if the subscription has already ended.
   * @param isReplaced another subscription follows; Stripe keeps that with the ended one, so that no letter reports an end
   */
  cancelSubscription(subscriptionId: string, isReplaced?: boolean): Promise<void>;

  /** The newest open invoice of a subscription for a period at a known price; null without one. */
  findOpenRenewal(subscriptionId: string): Promise<OpenRenewal | null>;
  /** Whether a renewal's invoice is paid, or can still be. */
  readRenewalState(invoiceId: string): Promise<'paid' | 'open' | 'over'>;
  /** Pays an open invoice off-session with a card. Throws as any charge: declined, authentication_required, … */
  payInvoice(payment: {
    readonly invoiceId: string;
    readonly paymentMethodId: string;
    readonly idempotencyKey: string;
  }): Promise<void>;
  readInvoice(invoiceId: string): Promise<ProInvoice>;
  /** With what was returned of it: several calls, which are left out where it has brought nothing and brings nothing. */
  readInvoiceValue(invoiceId: string, known: { readonly hasBrought: boolean }): Promise<InvoiceValue>;
  readInvoiceReach(invoiceId: string): Promise<InvoiceReach>;
  /** Null where a renewal's invoice is paid by now, or is none of a renewal. */
  readFailedRenewal(invoiceId: string): Promise<FailedRenewal | null>;
}
