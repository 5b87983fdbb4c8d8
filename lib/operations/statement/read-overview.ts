import type { CustomerHead } from '../../domain/customer.ts';
import type { LedgerEntry } from '../../domain/ledger.ts';
import type { ChargeBasis } from '../../domain/payments/exposure.ts';
import { monthOf, type Spending } from '../../domain/payments/spending.ts';
import { countUnbilledFixes } from '../../domain/payments/unbilled-fixes.ts';
import type { SoldPrices } from '../../domain/plans.ts';
import { monthsUntil } from '../../domain/statement/months.ts';
import { type Key, keys } from '../../store/keys.ts';
import { readHeadAndNewest } from '../../store/ledger.ts';
import { decodeNotice } from '../../store/notices.ts';
import { decodeCardTries } from '../../store/payments/card-tries.ts';
import { recordedByDay } from '../../store/payments/recorded-days.ts';
import { decodeSoldPrices, soldPriceKeys } from '../../store/payments/sold-prices.ts';
import { decodeSpending } from '../../store/payments/spending.ts';
import { readWaitingFixes, type WaitingFixes } from '../../store/payments/waiting-fixes.ts';
import { readable, UnreadableItem } from '../../store/record.ts';
import { type Item, readFound, type Table } from '../../store/table.ts';
import { customerGone } from '../ledger/require-item.ts';

/** The months of spending that are shown: this one and those before it. */
const MONTHS = 12;
/** The newest entries that are read: for the chart of the balance, and for the list of changes. */
const NEWEST = 100;

/** An open dispute, with its amount if the letter about it is still stored. */
export interface OpenDispute {
  readonly id: string;
  readonly amountCents: number | null;
}

/** The account at a glance. */
export interface Overview extends ChargeBasis {
  readonly head: CustomerHead;
  /** The newest first. */
  readonly newest: readonly LedgerEntry[];
  /** Spending by month, this month first. */
  readonly months: readonly [Spending, ...Spending[]];
  readonly prices: SoldPrices;
  /** Fixes of the last 30 days that are recorded and not billed. */
  readonly unbilledFixes: number;
  readonly disputes: readonly OpenDispute[];
  /** Merged fixes that could not be billed. */
  readonly waiting: WaitingFixes;
}

/** Keys of the items that are read together with the session and passed to `readOverview`. */
export const overviewKeys = (customerId: string, at: Date): readonly Key[] => [
  keys.cardTries(customerId),
  ...monthsUntil(monthOf(at), MONTHS).map((month) => keys.spending(customerId, month)),
  ...soldPriceKeys(),
];

/**
 * Reads the overview in three queries, however long the history is, and in one more read while a payment is
 * disputed. Searches only the first megabyte of fixes for waiting ones.
 * @throws BillingError customer_not_found
 */
export async function readOverview(
  table: Table,
  customerId: string,
  [tries, ...items]: readonly (Item | undefined)[],
  at: Date,
): Promise<Overview> {
  const [account, recorded, waiting] = await Promise.all([
    readHeadAndNewest(table, customerId, NEWEST),
    recordedByDay(table, customerId, at),
    readWaitingFixes(table, customerId, null, 1),
  ]);
  const { head, newest } = account ?? customerGone();
  const [month, ...earlier] = monthsUntil(monthOf(at), MONTHS);
  const spending = decodeSpending(items[0], month ?? monthOf(at));
  return {
    head,
    newest,
    cards: decodeCardTries(tries).cards,
    spending,
    months: [spending, ...earlier.map((one, i) => decodeSpending(items[i + 1], one))],
    prices: decodeSoldPrices(items.slice(MONTHS)),
    unbilledFixes: countUnbilledFixes(recorded, head.billedByDay, at),
    disputes: await openDisputes(table, head),
    waiting,
    at,
  };
}

/** One call reads no more. The amounts of further disputes are not shown. */
const MAX_DISPUTES_READ = 100;

async function openDisputes(
  table: Table,
  { customerId, openDisputes: ids }: CustomerHead,
): Promise<OpenDispute[]> {
  const letters = await readFound(table, ids.slice(0, MAX_DISPUTES_READ), (id) =>
    keys.notice(customerId, 'dispute', id),
  );
  const amounts = new Map(letters.map(([id, item]) => [id, amountOf(item)]));
  return ids.map((id) => ({ id, amountCents: amounts.get(id) ?? null }));
}

function amountOf(item: Item): number | null {
  const letter = readable(decodeNotice, item);
  return letter instanceof UnreadableItem || letter.content.kind !== 'dispute'
    ? null
    : letter.content.amountCents;
}
