import type Stripe from 'stripe';
import { lookUp } from '../../look-up.ts';
import type {
  CreditNoteDocument,
  DisputeDocument,
  InvoiceDocument,
  PaymentDocument,
} from '../port/documents.ts';
import { fixReferenceOf } from './payments.ts';

/* Stripe's documents for their customer. */

/** The link, if it leads to Stripe, or to the local stand-in. Null otherwise. */
export type StripeLink = (url: string | null | undefined) => string | null;

const STRIPE = 'stripe.com';

/** @param apiBase the local stand-in, whose own pages are as good as Stripe's; null on a stage */
export const stripeLink =
  (apiBase: URL | null): StripeLink =>
  (url) => {
    if (!url || !URL.canParse(url)) return null;
    const { protocol, host, origin, username, password, href } = new URL(url);
    // `host` includes a port that is not the usual one, so no other port passes.
    const isStripe = protocol === 'https:' && (host === STRIPE || host.endsWith(`.${STRIPE}`));
    const isTrusted = (isStripe || origin === apiBase?.origin) && username === '' && password === '';
    return isTrusted ? href : null;
  };

const momentOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

export function paymentDocument(charge: Stripe.Charge, link: StripeLink): PaymentDocument {
  const { id, created, amount, currency, status, disputed, description } = charge;
  return {
    id,
    createdAt: momentOf(created),
    amount,
    currency,
    state: lookUp(STATES, status) ?? 'pending',
    refunded: charge.amount_refunded,
    isDisputed: disputed,
    fixAttemptId: fixReferenceOf(charge.metadata)?.fixAttemptId ?? null,
    description,
    receiptUrl: link(charge.receipt_url),
  };
}

const STATES: Readonly<Record<string, PaymentDocument['state']>> = {
  succeeded: 'paid',
  failed: 'declined',
  pending: 'pending',
};

export const invoiceDocument = (invoice: Stripe.Invoice, link: StripeLink): InvoiceDocument => ({
  id: invoice.id,
  createdAt: momentOf(invoice.created),
  amount: invoice.total,
  currency: invoice.currency,
  number: invoice.number,
  status: invoice.status ?? 'draft',
  pageUrl: link(invoice.hosted_invoice_url),
  pdfUrl: link(invoice.invoice_pdf),
});

/** @param note with its invoice expanded */
export const creditNoteDocument = (note: Stripe.CreditNote, link: StripeLink): CreditNoteDocument => ({
  id: note.id,
  createdAt: momentOf(note.created),
  amount: note.total,
  currency: note.currency,
  number: note.number,
  isVoid: note.status === 'void',
  reason: note.reason,
  memo: note.memo,
  invoiceNumber: typeof note.invoice === 'string' ? null : note.invoice.number,
  pdfUrl: link(note.pdf),
});

export const disputeDocument = ({
  id,
  created,
  amount,
  currency,
  status,
}: Stripe.Dispute): DisputeDocument => ({
  id,
  createdAt: momentOf(created),
  amount,
  currency,
  status,
});
