import type { LedgerEntry } from '../../../lib/domain/ledger.ts';
import { verifyLedger } from '../../../lib/domain/verify.ts';
import { auditCustomer } from '../../../lib/operations/reconcile/audit-customer.ts';
import type { World } from '../world.ts';
import { fieldOf, type Stored } from './stored.ts';

export const CREDITS = { trial: 5, card: 5, invoice: 60 } as const;

/** The eight invariants of every ledger, and what the auditor says of their money at Stripe. */
export async function brokenInvariants({ calmDeps }: World, { heads }: Stored): Promise<string[]> {
  const found: string[] = [];
  for (const head of heads) {
    const customerId = String(head['customer_id']);
    const records = await auditCustomer(calmDeps, customerId);
    if (records === null) found.push(`${customerId} is gone`);
    else {
      const { money, standing } = records.audit ?? { money: [], standing: [] };
      const violations = [...verifyLedger(records), ...money, ...standing].map(
        ({ invariant, message }) => `[${invariant ?? 'auditor'}] ${message}`,
      );
      found.push(...[...violations, ...unpaidDebts(records.entries)].map((one) => `${customerId} ${one}`));
    }
  }
  return found;
}

/** What is owed is paid out of the next grant, as far as that goes. */
function unpaidDebts(entries: readonly LedgerEntry[]): string[] {
  let debt = 0;
  return entries.flatMap(({ source, amount, metadata, seq }, i) => {
    const owed = debt;
    debt += Number(metadata['debt_change'] ?? 0);
    if (source !== 'pro_subscription_payment' && source !== 'trial_billing_added') return [];
    const paid = entries[i + 1]?.metadata['reason'] === 'debt_netted' ? -(entries[i + 1]?.amount ?? 0) : 0;
    return paid === Math.min(owed, amount)
      ? []
      : [`entry ${seq} grants ${amount}, ${owed} are owed, ${paid} are paid`];
  });
}

/** Each balance, from the facts that made it. */
export function wrongBalances(stored: Stored): string[] {
  return stored.heads.flatMap((head) => {
    const pk = String(head['pk']);
    const invoices = stored.under(pk, 'ONCE#invoice#');
    const adjustments = stored.under(pk, 'ONCE#adjustment#');
    const spent = stored
      .under(pk, 'FIX#')
      .filter((fix) => fieldOf(fix, 'billed', 'outcome') === 'credit_consumed');
    const expected =
      CREDITS.trial +
      CREDITS.card * stored.under(pk, 'ONCE#card_bonus#').length +
      adjustments.reduce((sum, { amount }) => sum + Number(amount), 0) +
      invoices.reduce((sum, invoice) => sum + CREDITS.invoice - Number(invoice['reversed_credits']), 0) -
      spent.length;
    const actual = Number(head['balance']) - Number(head['debt']);
    return actual === expected ? [] : [`${pk} has ${actual} credits net of debt, the facts say ${expected}`];
  });
}
