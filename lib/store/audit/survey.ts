import * as z from 'zod/mini';
import type { CustomerHead } from '../../domain/customer.ts';
import type { FixAttempt } from '../../domain/fix-attempt.ts';
import type { SubscriptionType } from '../../domain/pricing.ts';
import { openClosingOf } from '../closing.ts';
import { storedWork } from '../due-work.ts';
import { decodeFix } from '../fix-attempts.ts';
import { type DoublePayment, decodeDoublePayment } from '../guards.ts';
import { decodeHead } from '../heads.ts';
import { type DueItem, keys } from '../keys.ts';
import { decodeOrder, type ProOrder } from '../orders.ts';
import { readPage } from '../paging.ts';
import { readable, UnreadableItem } from '../record.ts';
import type { Item, Table } from '../table.ts';

/* What operators look at. It reads more than a request may. */

/** A piece of work with money in it as it stands in the table. */
export type PendingWork =
  | { readonly kind: 'fix'; readonly customerId: string; readonly fix: FixAttempt }
  | { readonly kind: 'order'; readonly customerId: string; readonly order: ProOrder }
  | { readonly kind: 'double_payment'; readonly customerId: string; readonly double: DoublePayment }
  | { readonly kind: 'closing'; readonly customerId: string };

/** All that the sweeper will come to and was begun by `until`, the oldest first, page by page. */
export async function* pendingWork(table: Table, until: Date): AsyncGenerator<PendingWork | UnreadableItem> {
  for await (const { item, stored } of storedWork(table, 'charge', until)) {
    const work = readable((one) => stillPending(item, one), stored);
    if (work !== null) yield work;
  }
}

/** Null where the index was behind, and the work is done. */
function stillPending(item: DueItem, stored: Item): PendingWork | null {
  switch (item.kind) {
    case 'fix': {
      const fix = decodeFix(stored);
      return fix.charge?.state === 'charging' ? { kind: 'fix', customerId: item.customerId, fix } : null;
    }
    case 'order': {
      const order = decodeOrder(stored);
      return order.state === 'ordering' ? { kind: 'order', customerId: item.customerId, order } : null;
    }
    case 'double_payment': {
      const double = decodeDoublePayment(stored);
      return double.refundId === null
        ? { kind: 'double_payment', customerId: item.customerId, double }
        : null;
    }
    case 'closing':
      return openClosingOf(stored) === null ? null : { kind: 'closing', customerId: item.customerId };
    case 'event':
    case 'head':
    case 'notice':
      return null;
    case 'unknown':
      throw new UnreadableItem(stored, ['sk']);
    default:
      return item satisfies never;
  }
}

export interface CustomerFilter {
  readonly plan?: SubscriptionType | undefined;
  /** Only those who owe credits. */
  readonly owing?: boolean;
}

/** Where a listing goes on: the key of the last item that was looked at. */
export const ListPosition = z.strictObject({ pk: z.string(), sk: z.string() });
export type ListPosition = z.output<typeof ListPosition>;

export interface CustomerPage {
  readonly customers: CustomerHead[];
  /** Null when the whole table was looked at. */
  readonly next: ListPosition | null;
}

const SCANNED_AT_ONCE = 1_000;
/** For one page: a table of a million items is looked through in as many pages as it takes. */
const MAX_SCANS = 20;

/**
 * Up to `limit` customers, in the table's own order. It scans, so it looks at no more than 20,000 items for one page: that
 * page may hold fewer customers than were wanted, even none, and says where to go on.
 */
export async function listCustomers(
  table: Table,
  filter: CustomerFilter,
  limit: number,
  from: ListPosition | null,
): Promise<CustomerPage> {
  const customers: CustomerHead[] = [];
  const scan = { ...filterExpression(filter), Limit: SCANNED_AT_ONCE };
  let position: Item | undefined = from ?? undefined;
  for (let scans = 0; scans < MAX_SCANS; scans++) {
    const page = await readPage(table, scan, position);
    const found = page.items.slice(0, limit - customers.length);
    customers.push(...found.map(decodeHead));
    position = page.next;
    const last = found.at(-1);
    const cut = found.length < page.items.length;
    if (cut && last !== undefined) return { customers, next: ListPosition.parse(keyOf(last)) };
    if (position === undefined) return { customers, next: null };
    if (customers.length === limit) break;
  }
  return { customers, next: ListPosition.parse(position) };
}

const keyOf = ({ pk, sk }: Item) => ({ pk, sk });

function filterExpression({ plan, owing = false }: CustomerFilter) {
  return {
    FilterExpression: [
      'sk = :head',
      ...(plan === undefined ? [] : ['subscription_type = :plan']),
      ...(owing ? ['debt > :nothing'] : []),
    ].join(' AND '),
    ExpressionAttributeValues: {
      ':head': keys.head('').sk,
      ...(plan !== undefined && { ':plan': plan }),
      ...(owing && { ':nothing': 0 }),
    },
  };
}
