import type Stripe from 'stripe';
import type { DocumentCalls, DocumentWindow } from '../port/documents.ts';
import type { Page } from '../port/lists.ts';
import {
  creditNoteDocument,
  disputeDocument,
  invoiceDocument,
  paymentDocument,
  type StripeLink,
} from '../readers/documents.ts';

/** More than any charge has: each lost dispute can be appealed, which is the same dispute. */
const MAX_DISPUTES = 10;

export function documentCalls(stripe: Stripe, link: StripeLink): DocumentCalls {
  return {
    async listPayments(customer, window) {
      const list = await stripe.charges.list({ customer, ...pageOf(window) });
      return pageWith(list, (charge) => paymentDocument(charge, link));
    },

    async listInvoices(customer, window) {
      const list = await stripe.invoices.list({ customer, ...pageOf(window) });
      return pageWith(list, (invoice) => invoiceDocument(invoice, link));
    },

    async listCreditNotes(customer, window) {
      const expand = ['data.invoice'];
      const list = await stripe.creditNotes.list({ customer, ...pageOf(window), expand });
      return pageWith(list, (note) => creditNoteDocument(note, link));
    },

    async readDispute(disputeId) {
      return disputeDocument(await stripe.disputes.retrieve(disputeId));
    },

    async listDisputesOf(charge) {
      const { data } = await stripe.disputes.list({ charge, limit: MAX_DISPUTES });
      return data.map(disputeDocument);
    },
  };
}

const pageOf = ({ after, limit }: DocumentWindow) => ({
  limit,
  ...(after !== null && { starting_after: after }),
});

const pageWith = <T extends { id: string }, D>(
  { data, has_more: hasMore }: Stripe.ApiList<T>,
  documentOf: (object: T) => D,
): Page<D> => ({
  items: data.map(documentOf),
  next: hasMore ? (data.at(-1)?.id ?? null) : null,
});
