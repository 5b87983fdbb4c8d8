import {
  bringsProCredits,
  grantForInvoice,
  type InvoiceGuard,
  newInvoiceGuard,
  type ProInvoice,
} from '../../domain/grants.ts';
import type { Deps } from '../../runtime/deps.ts';
import { decodeInvoiceGuard, keepInvoice } from '../../store/guards.ts';
import { keys } from '../../store/keys.ts';
import type { Item } from '../../store/table.ts';
import {
  changeLedger,
  type LedgerDecision,
  type LedgerView,
  type LedgerWrite,
  type Receipt,
} from '../ledger/change-ledger.ts';

/**
 * Grants the Pro credits of a paid invoice, once for each invoice; an invoice that brings none changes nothing. Safe to
 * repeat. Answers whether this call wrote it.
 * @throws BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export async function grantInvoice(
  deps: Deps,
  customerId: string,
  invoice: ProInvoice,
  receipt?: Receipt,
): Promise<boolean> {
  const { wrote } = await changeLedger<InvoiceGuard | null, null>(deps, {
    customerId,
    relatedKeys: [keys.once(customerId, 'invoice', invoice.id)],
    decodeRelated: ([item]) => guardOf(item),
    receipt,
    decide: ({ head, related: guard }): LedgerDecision<null> => {
      const granted = grantDue(head, invoice, guard);
      return granted ? { kind: 'write', ...granted, answer: () => null } : { kind: 'done', answer: null };
    },
  });
  return wrote;
}

export const guardOf = (item: Item | undefined): InvoiceGuard | null =>
  item === undefined ? null : decodeInvoiceGuard(item);

/** What granting an invoice writes; null where it is granted already, or brings nothing. */
export function grantDue(
  head: LedgerView<unknown>['head'],
  invoice: ProInvoice,
  guard: InvoiceGuard | null,
): Omit<LedgerWrite<never>, 'kind' | 'answer'> | null {
  if (guard !== null || !bringsProCredits(invoice)) return null;
  const { postings, debt } = grantForInvoice(head, invoice);
  return {
    postings,
    ...(debt !== head.debt && { profile: { debt } }),
    writes: () => [keepInvoice(head.customerId, newInvoiceGuard(invoice), null)],
  };
}
