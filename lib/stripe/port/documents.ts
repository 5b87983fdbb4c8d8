import type { Page } from './lists.ts';

/*
 * What customers see of Stripe's documents. Links are Stripe's own and valid for a while only: they are read
 * for each view, and are neither stored nor logged. A link that does not lead to Stripe is null.
 */

/** An amount in the smallest unit of its currency, such as cents. */
export interface Money {
  readonly amount: number;
  /** ISO 4217, in lower case. */
  readonly currency: string;
}

interface StripeDocument extends Money {
  readonly id: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** One charge of a card, also a declined one. */
export interface PaymentDocument extends StripeDocument {
  readonly state: 'paid' | 'pending' | 'declined';
  /** The part that was refunded, in the payment's currency. */
  readonly refunded: number;
  readonly isDisputed: boolean;
  /** The id of the fix that it paid for; null for any other payment. */
  readonly fixAttemptId: string | null;
  readonly description: string | null;
  readonly receiptUrl: string | null;
}

export interface InvoiceDocument extends StripeDocument {
  /** Null for a draft. */
  readonly number: string | null;
  /** Stripe's status. */
  readonly status: string;
  /** Stripe's page of the invoice, on which an open one can be paid. */
  readonly pageUrl: string | null;
  readonly pdfUrl: string | null;
}

export interface CreditNoteDocument extends StripeDocument {
  readonly number: string;
  readonly isVoid: boolean;
  /** Stripe's reason. */
  readonly reason: string | null;
  readonly memo: string | null;
  readonly invoiceNumber: string | null;
  readonly pdfUrl: string | null;
}

export interface DisputeDocument extends StripeDocument {
  /** Stripe's status. */
  readonly status: string;
}

/** Where a page of a customer's list starts. */
export interface DocumentWindow {
  /** `next` of the page before; null for the newest. */
  readonly after: string | null;
  /** At most 100. */
  readonly limit: number;
}

/**
 * Documents of one Stripe customer, newest first. Reads only.
 * @throws StripeFault refused if Stripe no longer lists the documents of a deleted customer
 */
export interface DocumentCalls {
  listPayments(stripeCustomerId: string, window: DocumentWindow): Promise<Page<PaymentDocument>>;
  listInvoices(stripeCustomerId: string, window: DocumentWindow): Promise<Page<InvoiceDocument>>;
  listCreditNotes(stripeCustomerId: string, window: DocumentWindow): Promise<Page<CreditNoteDocument>>;
  readDispute(disputeId: string): Promise<DisputeDocument>;
  /** The disputes of one charge, newest first. A charge has few: at most ten are returned. */
  listDisputesOf(chargeId: string): Promise<readonly DisputeDocument[]>;
}
