import type { Double } from '../../../local/stripe-double/double.ts';
import { creditsOfInvoices, netCreditsByInvoice } from '../../../test/support/sold-and-returned.ts';
import type { Stored } from './stored.ts';

/** Invoices whose credits in the ledger differ from sold minus returned credits. */
export function wrongInvoices(state: Double['state'], stored: Stored): string[] {
  const expected = creditsOfInvoices(state);
  const actual = netCreditsByInvoice(stored.entries);
  const all = new Set([...expected.keys(), ...actual.keys()]);
  return [...all].flatMap((id) => {
    const found = expected.get(id);
    if (found !== undefined && stored.ownerOf(found.customer) === undefined) return [];
    const { granted = 0, takenBack = 0 } = found ?? {};
    const net = actual.get(id) ?? 0;
    if (net === granted - takenBack) return [];
    return [`invoice ${id} has ${net} credits in the ledger; ${granted} were sold and ${takenBack} returned`];
  });
}
