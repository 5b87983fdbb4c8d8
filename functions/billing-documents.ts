import { documentsPage, wantedDocuments } from '../lib/http/pages/documents.ts';
import { customerPage, routed } from '../lib/http/pages/page-endpoint.ts';
import { readDocuments } from '../lib/operations/documents/read-documents.ts';
import { requireHead } from '../lib/operations/ledger/require-item.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { keys } from '../lib/store/keys.ts';

/** Receipts, invoices, credit notes and disputes, as Stripe has them. */
export const handler = routed({
  'GET /billing/documents': (route) =>
    customerPage(
      route,
      (customerId) => [keys.head(customerId)],
      async (deps, { query, customerId, formToken, items: [item] }) => {
        const head = requireHead(item, customerId);
        const wanted = wantedDocuments(query);
        const documents = await readDocuments(paymentDeps(deps), head, wanted);
        return documentsPage(head, wanted, documents, formToken);
      },
    ),
});
