import * as z from 'zod/mini';
import type { CustomerHead } from '../../domain/customer.ts';
import type { SubscriptionType } from '../../domain/plans.ts';
import { type DueKind, type StoredWork, storedWorkPages } from '../due-work.ts';
import { decodeHead } from '../heads.ts';
import { keys } from '../keys.ts';
import { type Meter, readPage } from '../paging.ts';
import type { Item, Table } from '../table.ts';

/* Reads for operators. They read more than a request may. */

/**
 * All due work of a kind, the oldest first, page by page. Leaves out work that is done but still in the
 * index.
 */
export async function* readDueWork(table: Table, due: DueKind, meter: Meter): AsyncGenerator<StoredWork[]> {
  for await (const page of storedWorkPages(table, due, null, meter)) {
    yield page.filter(({ stored }) => stored['due'] === due);
  }
}

export interface CustomerFilter {
  readonly plan?: SubscriptionType | undefined;
  /** Only customers with owed credits. */
  readonly owing?: boolean;
  /** Only customers who asked to close their account. */
  readonly closing?: boolean;
}

/** The cursor of a listing: the key of the last item that was read. */
export const ListPosition = z.strictObject({ pk: z.string(), sk: z.string() });
export type ListPosition = z.output<typeof ListPosition>;

export interface CustomerPage {
  readonly customers: CustomerHead[];
  /** Null if the whole table was read. */
  readonly next: ListPosition | null;
}

const SCANNED_AT_ONCE = 1_000;
/** Scans per page. A large table takes many pages. */
const MAX_SCANS = 20;

/**
 * Up to `limit` customers, in the table's order. A page scans at most 20,000 items, so it may hold fewer
 * customers than requested, even none. `next` says where to continue.
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
    if (cut && last !== undefined)
      return { customers, next: ListPosition.parse({ pk: last['pk'], sk: last['sk'] }) };
    if (position === undefined) return { customers, next: null };
    if (customers.length === limit) break;
  }
  return { customers, next: ListPosition.parse(position) };
}

function filterExpression({ plan, owing = false, closing = false }: CustomerFilter) {
  return {
    FilterExpression: [
      'sk = :head',
      ...(plan === undefined ? [] : ['subscription_type = :plan']),
      ...(owing ? ['debt > :nothing'] : []),
      ...(closing ? ['closing_asked_at > :zero'] : []),
    ].join(' AND '),
    ExpressionAttributeValues: {
      ':head': keys.head('').sk,
      ...(plan !== undefined && { ':plan': plan }),
      ...(owing && { ':nothing': 0 }),
      // Every time sorts after it.
      ...(closing && { ':zero': '0' }),
    },
  };
}
