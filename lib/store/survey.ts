import * as z from 'zod/mini';
import type { CustomerHead } from '../domain/customer.ts';
import type { FixAttempt } from '../domain/fix-attempt.ts';
import type { SubscriptionType } from '../domain/pricing.ts';
import { openClosingOf } from './closing.ts';
import { storedWork } from './due-work.ts';
import { decodeFix, decodeHead, readable, UnreadableItem } from './items.ts';
import { type DueItem, keys, prefixes } from './keys.ts';
import { type FoundNotice, findNotice } from './notice-items.ts';
import { pages, readPage } from './paging.ts';
import {
  type DoublePayment,
  decodeDoublePayment,
  decodeOrder,
  decodeOwner,
  type ProOrder,
} from './stripe-items.ts';
import { type Item, readOne, type Table } from './table.ts';

/* What operators look at. It reads more than a request may. */

/** A customer's items whose sort keys begin with this, page by page, strongly consistent. */
export async function* itemsOf(table: Table, customerId: string, prefix: string): AsyncGenerator<Item> {
  const query = {
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': keys.customer(customerId), ':prefix': prefix },
    ConsistentRead: true,
  };
  for await (const page of pages(table, query)) yield* page;
}

/** The customer who has this address; null where it is free. */
export const findByEmail = (table: Table, email: string): Promise<string | null> =>
  readOne(table, keys.email(email), decodeOwner);

/** Who a customer is and where they stand; null when there is no such customer. */
export const readHead = (table: Table, customerId: string): Promise<CustomerHead | null> =>
  readOne(table, keys.head(customerId), decodeHead);

/** The order for Pro, whatever became of it; null when the customer never made one. */
export const readOrder = (table: Table, customerId: string): Promise<ProOrder | null> =>
  readOne(table, keys.order(customerId), decodeOrder);

/** The fixes whose charge waits for Stripe or for the cardholder, and those that cannot be read, whose charge may wait too. */
export async function readOpenCharges(
  table: Table,
  customerId: string,
): Promise<(FixAttempt | UnreadableItem)[]> {
  const open: (FixAttempt | UnreadableItem)[] = [];
  for await (const item of itemsOf(table, customerId, prefixes.fix)) {
    const fix = readable(decodeFix, item);
    if (
      fix instanceof UnreadableItem ||
      fix.charge?.state === 'charging' ||
      fix.charge?.state === 'action_required'
    )
      open.push(fix);
  }
  return open;
}

/** What the customer was told, and is to be told. */
export async function readNotices(table: Table, customerId: string): Promise<FoundNotice[]> {
  const notices: FoundNotice[] = [];
  for await (const item of itemsOf(table, customerId, prefixes.notice)) notices.push(findNotice(item));
  return notices;
}

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
