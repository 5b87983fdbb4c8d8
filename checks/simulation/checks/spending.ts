import { NEW_LIMIT_CENTS } from '../../../lib/domain/customer.ts';
import type { Item } from '../../../lib/store/table.ts';
import type { World } from '../world.ts';
import { fieldOf, type Stored } from './stored.ts';
import { addTo } from './sums.ts';

/**
 * The sums of each month must equal the charges behind them, and must not exceed the limit. Reads only stored
 * attributes.
 */
export function wrongSpending({ limits, lateCustomers }: World, stored: Stored): string[] {
  return stored.heads.flatMap((head) => {
    const pk = String(head['pk']);
    const months = stored.under(pk, 'SPENDING#');
    const customerId = String(head['customer_id']);
    const all = [NEW_LIMIT_CENTS, ...(limits.get(customerId) ?? [])];
    const of = { all, isLate: lateCustomers.has(customerId) };
    return [...wrongSums(pk, months, stored), ...months.flatMap((month) => exceeded(month, of))];
  });
}

function wrongSums(pk: string, months: readonly Item[], stored: Stored): string[] {
  const reserved = new Map<string, number>();
  const spent = new Map<string, number>();
  for (const fix of stored.under(pk, 'FIX#')) {
    const isOpen = /^(charging|action_required)$/.test(String(fieldOf(fix, 'charge', 'state')));
    if (isOpen)
      add(reserved, fieldOf(fix, 'charge', 'spending_month'), fieldOf(fix, 'charge', 'amount_cents'));
    if (fieldOf(fix, 'billed', 'payment_intent_id'))
      add(spent, fieldOf(fix, 'billed', 'spending_month'), fieldOf(fix, 'billed', 'amount_cents'));
  }
  for (const double of stored.under(pk, 'ONCE#double_payment#')) {
    if (double['state'] !== 'returned') add(spent, double['spending_month'], double['amount_cents']);
  }
  const names = new Set([...months.map(({ sk }) => monthOf(sk)), ...reserved.keys(), ...spent.keys()]);
  return [...names].flatMap((month) => {
    const item = months.find(({ sk }) => monthOf(sk) === month);
    const isSpent = Number(item?.['spent_cents'] ?? 0);
    const isReserved = Number(item?.['committed_cents'] ?? 0) - isSpent;
    const expected = [reserved.get(month) ?? 0, spent.get(month) ?? 0];
    return isReserved === expected[0] && isSpent === expected[1]
      ? []
      : [`${pk} ${month}: ${isReserved} reserved and ${isSpent} spent instead of ${expected.join(' and ')}`];
  });
}

function add(sums: Map<string, number>, month: unknown, cents: unknown): void {
  addTo(sums, String(month), Number(cents));
}

const monthOf = (sk: unknown): string => String(sk).slice('SPENDING#'.length);

/**
 * An announcement stores the limit with the sum that it makes, so the sum exceeds the stored limit only if a
 * late payment was added since then.
 */
function exceeded({ pk, sk, committed_cents: cents, limit_cents: limit }: Item, limits: Limits): string[] {
  const found: string[] = [];
  if (limit !== null && limit !== undefined && Number(cents) > Number(limit) && !limits.isLate)
    found.push(`${pk} ${sk} has ${cents} cents, above its limit ${limit}`);
  if (limit !== undefined && !limits.all.includes(limit))
    found.push(`${pk} ${sk} has the limit ${limit}, which the customer never had`);
  return found;
}

interface Limits {
  /** Every limit that the customer had or asked for. */
  readonly all: readonly unknown[];
  /** A payment above the limit was reported. */
  readonly isLate: boolean;
}
