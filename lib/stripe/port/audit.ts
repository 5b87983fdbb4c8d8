import type { ListWindow, Page } from './lists.ts';

/*
 * Stripe's objects as the auditor reads them: amounts, states and references, before any rule of ours. The auditor shares no rule
 * with the service, so these types name nothing that the service concludes. All amounts are US cents, all times Unix seconds.
 */

export interface RawCharge {
  readonly id: string;
  readonly paymentIntentId: string | null;
  readonly created: number;
  /** When the payment was asked for, which decides its price. In seconds. */
  readonly askedAt: number;
  readonly isPaid: boolean;
  readonly capturedCents: number;
  /** Refunded so far; a refund that failed is not counted. */
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
  /** What its balance transactions took from us, without fees; below zero where they gave it back. */
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
  /** Tax that is added to the amount. */
  readonly taxCents: number;
  readonly quantity: number;
  readonly priceId: string | null;
  /** Null for a line that is of no subscription. */
  readonly subscriptionId: string | null;
  readonly isProration: boolean;
  /** Of unused time that is credited: the invoice that had charged it, where Stripe says so. */
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
    /** Null for money that did not move through Stripe. */
    readonly paymentIntentId: string | null;
    readonly chargeId: string | null;
    readonly cents: number;
  }[];
  /** Of the customer's balance: credit that the invoice used; below zero where the invoice added credit. */
  readonly balanceCents: number;
  /** Paid past Stripe. */
  readonly outOfBandCents: number;
  readonly hasNotes: boolean;
}

export interface RawNote {
  readonly invoiceId: string;
  readonly isIssued: boolean;
  /** What it returns in another way than by refunds. */
  readonly cents: number;
  readonly refunds: readonly { readonly id: string; readonly cents: number }[];
  /** The lines of the invoice that it names. */
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
  /** Whether it is set to end. */
  readonly isEnding: boolean;
  readonly isCollectionPaused: boolean;
}

/** A customer at Stripe. Null fields of a deleted one are not known. */
export interface RawCustomer {
  readonly isDeleted: boolean;
  /** The card that Stripe charges by default; null where there is none, or it is no card. */
  readonly cardId: string | null;
  readonly subscriptions: readonly RawSubscription[];
}

/** An entry of a customer's balance: below zero is credit. */
export interface RawBalanceEntry {
  readonly id: string;
  readonly type: string;
  readonly cents: number;
  readonly created: number;
}

/** One movement of money on our account at Stripe. */
export interface RawMovement {
  readonly id: string;
  readonly created: number;
  /** charge, refund, dispute, fee, … as Stripe's own reports group them. */
  readonly category: string;
  readonly cents: number;
  readonly feeCents: number;
  readonly sourceId: string | null;
}

/** What the auditor reads. Every list is read to its last page. */
export interface AuditCalls {
  rawCharges(stripeCustomerId: string, after: string | null): Promise<Page<RawCharge>>;
  rawReturned(chargeId: string, what: { refunds: boolean; disputes: boolean }): Promise<RawReturned>;
  /** Of every status. */
  rawInvoices(stripeCustomerId: string): Promise<readonly RawInvoice[]>;
  rawNotes(stripeCustomerId: string): Promise<readonly RawNote[]>;
  rawBalance(stripeCustomerId: string): Promise<readonly RawBalanceEntry[]>;
  rawPrice(priceId: string): Promise<RawPrice>;
  rawCustomer(stripeCustomerId: string): Promise<RawCustomer>;
  rawMovements(window: ListWindow): Promise<Page<RawMovement>>;
}
