import type { ListWindow, Page } from './lists.ts';

/*
 * Stripe's objects as the auditor reads them: amounts, states and references. The auditor shares no rule with
 * the service, so these types hold no conclusion of the service. All amounts are US cents, all times Unix
 * seconds.
 */

export interface RawCharge {
  readonly id: string;
  readonly paymentIntentId: string | null;
  readonly created: number;
  /** When the payment was requested, which decides the price. In seconds. */
  readonly askedAt: number;
  readonly isPaid: boolean;
  readonly capturedCents: number;
  /** Refunded so far, without failed refunds. */
  readonly refundedCents: number;
  readonly isDisputed: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface RawRefund {
  readonly id: string;
  readonly status: string | null;
  readonly cents: number;
}

export interface RawDispute {
  readonly id: string;
  readonly status: string;
  /** Taken from us by its balance transactions, without fees; negative if they returned money. */
  readonly takenCents: number;
}

export interface RawReturned {
  readonly refunds: readonly RawRefund[];
  readonly disputes: readonly RawDispute[];
}

export interface RawLine {
  readonly id: string;
  readonly cents: number;
  readonly discountCents: number;
  /** Tax on top of the amount. */
  readonly taxCents: number;
  readonly quantity: number;
  readonly priceId: string | null;
  /** Null for a line without a subscription. */
  readonly subscriptionId: string | null;
  readonly isProration: boolean;
  /** For credited unused time: the invoice that had charged for it, if Stripe names it. */
  readonly creditedInvoiceId: string | null;
  readonly start: number;
  readonly end: number;
}

export interface RawInvoice {
  readonly id: string;
  readonly status: string;
  readonly created: number;
  readonly paidAt: number | null;
  readonly lines: readonly RawLine[];
  readonly payments: readonly {
    /** Null for money outside Stripe. */
    readonly paymentIntentId: string | null;
    readonly chargeId: string | null;
    readonly cents: number;
  }[];
  /** From the customer's balance: credit that the invoice used; negative if the invoice added credit. */
  readonly balanceCents: number;
  /** Paid outside Stripe. */
  readonly outOfBandCents: number;
  readonly hasNotes: boolean;
}

export interface RawNote {
  readonly invoiceId: string;
  readonly isIssued: boolean;
  /** Returned without a refund. */
  readonly cents: number;
  readonly refunds: readonly { readonly id: string; readonly cents: number }[];
  /** The invoice lines that it names. */
  readonly lines: readonly { readonly lineId: string; readonly cents: number }[];
  readonly wholeCents: number;
}

export interface RawPrice {
  readonly id: string;
  readonly unitCents: number | null;
  readonly productId: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface RawSubscription {
  readonly id: string;
  readonly status: string;
  readonly priceIds: readonly string[];
  /** Whether an end is scheduled. */
  readonly isEnding: boolean;
  readonly isCollectionPaused: boolean;
}

/** That a subscription's collection was paused, resumed, or paused in another way. */
export interface RawPauseChange {
  readonly subscriptionId: string;
  readonly created: number;
  readonly wasPaused: boolean;
}

/** A customer at Stripe. For a deleted customer, null fields are unknown. */
export interface RawCustomer {
  readonly isDeleted: boolean;
  /** The default card for charges; null without a default, or if the default is not a card. */
  readonly cardId: string | null;
  readonly subscriptions: readonly RawSubscription[];
}

/** An entry of a customer's balance; negative is credit. */
export interface RawBalanceEntry {
  readonly id: string;
  readonly type: string;
  readonly cents: number;
  readonly created: number;
}

/** One movement of money on our Stripe account. */
export interface RawMovement {
  readonly id: string;
  readonly created: number;
  /** Stripe's `reporting_category`: charge, refund, dispute, fee, … */
  readonly category: string;
  readonly cents: number;
  readonly feeCents: number;
  readonly sourceId: string | null;
}

/** The auditor's reads. Every list is read to its last page. */
export interface AuditCalls {
  rawCharges(stripeCustomerId: string, after: string | null): Promise<Page<RawCharge>>;
  rawReturned(chargeId: string, what: { refunds: boolean; disputes: boolean }): Promise<RawReturned>;
  /** In every status. */
  rawInvoices(stripeCustomerId: string): Promise<readonly RawInvoice[]>;
  rawNotes(stripeCustomerId: string): Promise<readonly RawNote[]>;
  rawBalance(stripeCustomerId: string): Promise<readonly RawBalanceEntry[]>;
  rawPrice(priceId: string): Promise<RawPrice>;
  rawCustomer(stripeCustomerId: string): Promise<RawCustomer>;
  /** Of all customers, newest first. Stripe keeps events for 30 days. */
  rawPauseChanges(since: number, after: string | null): Promise<Page<RawPauseChange>>;
  rawMovements(window: ListWindow): Promise<Page<RawMovement>>;
}
