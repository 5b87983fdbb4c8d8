import type { LedgerEntry } from '../../../lib/domain/ledger.ts';
import { verifyLedger } from '../../../lib/domain/verify.ts';
import { auditCustomer } from '../../../lib/operations/reconcile/audit-customer.ts';
import { creditsOfInvoices } from '../../../test/support/sold-and-returned.ts';
import type { World } from '../world.ts';
import { isForSupport } from './findings.ts';
import { forPeople } from './for-people.ts';
import { fieldOf, type Stored } from './stored.ts';
import { addTo } from './sums.ts';

const CREDITS = { trial: 5, card: 5 } as const;

/**
 * Violations of the eight invariants of every ledger, and findings of the auditor about its money at Stripe.
 */
export async function brokenInvariants({ calmDeps, double }: World, stored: Stored): Promise<string[]> {
  const found: string[] = [];
  const left = forPeople(double.state);
  for (const head of stored.heads) {
    const customerId = String(head['customer_id']);
    const records = await auditCustomer(calmDeps, customerId).catch((error: unknown) => String(error));
    if (typeof records === 'string') found.push(records);
    else if (records === null) found.push(`${customerId} has no ledger`);
    else {
      const { money, accountDrift } = records.audit ?? { money: [], accountDrift: [] };
      const violations = [...verifyLedger(records), ...money, ...accountDrift]
        .filter(({ message }) => !isForSupport(message, left))
        .map(({ invariant, message }) => `[${invariant ?? 'auditor'}] ${message}`);
      if (
        countEndless(double.state, stored, customerId) > 1 &&
        !accountDrift.some(({ message }) => isForSupport(message, left))
      )
        found.push(`${customerId} pays for two subscriptions, and the auditor does not report it`);
      found.push(...[...violations, ...unpaidDebts(records.entries)].map((one) => `${customerId} ${one}`));
    }
  }
  return found;
}

/** The number of a customer's Pro subscriptions that Stripe charges each period and that have no end date. */
function countEndless(
  { subscriptions, prices }: World['double']['state'],
  stored: Stored,
  customerId: string,
): number {
  const isPro = (price: string) => prices.find(price)?.metadata['plan'] === 'pro';
  return subscriptions.newestFirst.filter(
    ({ customer, status, cancel_at: end, cancel_at_period_end: ends, pause_collection: paused, items }) =>
      stored.ownerOf(String(customer)) === customerId &&
      (status === 'active' || status === 'past_due') &&
      end === null &&
      !ends &&
      paused === null &&
      items.data.some(({ price }) => isPro(price.id)),
  ).length;
}

/** Owed credits must be paid from the next grant, up to its amount. */
function unpaidDebts(entries: readonly LedgerEntry[]): string[] {
  let debt = 0;
  return entries.flatMap(({ source, amount, metadata, seq }, i) => {
    const owed = debt;
    debt += Number(metadata['debt_change'] ?? 0);
    if (source !== 'pro_subscription_payment' && source !== 'trial_billing_added') return [];
    const paid = entries[i + 1]?.metadata['reason'] === 'debt_netted' ? -(entries[i + 1]?.amount ?? 0) : 0;
    return paid === Math.min(owed, amount)
      ? []
      : [`entry ${seq} grants ${amount}, ${owed} owed, ${paid} paid`];
  });
}

/** Compares each balance with the sum of the facts behind it. */
export function wrongBalances({ double }: World, stored: Stored): string[] {
  const bought = new Map<string, number>();
  for (const { customer, granted, takenBack } of creditsOfInvoices(double.state).values())
    addTo(bought, stored.ownerOf(customer) ?? '', granted - takenBack);
  return stored.heads.flatMap((head) => {
    const pk = String(head['pk']);
    const adjustments = stored.under(pk, 'ONCE#adjustment#');
    const spent = stored
      .under(pk, 'FIX#')
      .filter((fix) => fieldOf(fix, 'billed', 'outcome') === 'credit_consumed');
    const expected =
      CREDITS.trial +
      CREDITS.card * stored.under(pk, 'ONCE#card_bonus#').length +
      adjustments.reduce((sum, { amount }) => sum + Number(amount), 0) +
      (bought.get(String(head['customer_id'])) ?? 0) -
      spent.length;
    const actual = Number(head['balance']) - Number(head['debt']);
    return actual === expected ? [] : [`${pk} has ${actual} credits net of debt instead of ${expected}`];
  });
}
