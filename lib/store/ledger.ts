import * as z from 'zod/mini';
import { isBelow } from '../domain/balance-watch.ts';
import type { CustomerHead } from '../domain/customer.ts';
import { ENTRY_SOURCES, type LedgerEntry } from '../domain/ledger.ts';
import { CONDITIONS } from './conditions.ts';
import { dueAt, NOT_DUE } from './due-work.ts';
import { decodeHead, encodeHead, encodeHeadPart, encodeProfile } from './heads.ts';
import { itemKind, keys, ranges } from './keys.ts';
import { claimEmail } from './owners.ts';
import { pages, type Query, readPage } from './paging.ts';
import { count, integer, record, text } from './record.ts';
import {
  answerTo,
  type Contended,
  type Item,
  type Table,
  type Write,
  type WriteResult,
  writeTogether,
} from './table.ts';
import { check, put, update } from './write.ts';

const entryRecords = record<LedgerEntry>(
  z.object({
    customerId: text,
    seq: count,
    amount: integer,
    balanceAfter: integer,
    source: z.enum(ENTRY_SOURCES),
    metadata: z.record(text, z.union([text, z.number()])),
    createdAt: text,
    prevHash: text,
    hash: text,
  }),
);

export const decodeEntry = (item: Item): LedgerEntry => entryRecords.decode(item);

export const encodeEntry = (entry: LedgerEntry): Item => ({
  ...keys.entry(entry.customerId, entry.seq),
  ...entryRecords.encode(entry),
});

export type CommitResult =
  | { readonly kind: 'committed' }
  /** Lost a race. Has the current state of the items whose condition failed. */
  | { readonly kind: 'lost'; readonly head: CustomerHead | null; readonly winners: readonly Item[] }
  | Contended;

/** A change of the head. Without entries and profile change, the head is only checked to be unchanged. */
export interface HeadChange {
  readonly next: CustomerHead;
  readonly entries: readonly LedgerEntry[];
  readonly changesProfile: boolean;
  readonly at: Date;
}

/**
 * Writes a ledger change as one transaction, all or nothing: the head moves on from the read state, the
 * entries are new, and everything in `alongside` holds. Without a head change, writes only `alongside`.
 * @throws Error if an entry to be written exists although the head has not moved: the ledger was tampered
 *   with.
 */
export async function commit(
  table: Table,
  readAt: CustomerHead,
  change: HeadChange | null,
  alongside: readonly Write[],
): Promise<CommitResult> {
  const guarded = [...(change === null ? [] : [moveHead(readAt, change)]), ...alongside];
  const entries = change?.entries ?? [];
  const result = await writeTogether(table, [...guarded, ...entries.map(putEntry)]);
  return answerTo<CommitResult>(result, { kind: 'committed' }, ({ failed, winners }) => {
    if (!failed.slice(0, guarded.length).includes(true)) {
      const { customerId, seq } = readAt;
      throw new Error(`Customer ${customerId}: an entry above ${seq} exists, but the head is behind it`);
    }
    const found = winners.filter((winner) => winner !== undefined);
    const head = found.find((winner) => itemKind(winner['sk']) === 'head');
    return { kind: 'lost', head: head ? decodeHead(head) : null, winners: found };
  });
}

function moveHead(readAt: CustomerHead, change: HeadChange): Write {
  const { next, entries, changesProfile } = change;
  const key = keys.head(readAt.customerId);
  const unmoved = [CONDITIONS.HEAD_UNMOVED, CONDITIONS.PROFILE_UNMOVED];
  const asRead = { seq: readAt.seq, revision: readAt.revision };
  const set: Item = {
    ...(entries.length > 0 && encodeHeadPart({ balance: next.balance, seq: next.seq, chain: next.chain })),
    ...(changesProfile && { ...encodeProfile(next), ...encodeHeadPart({ revision: readAt.revision + 1 }) }),
    ...(next.billedByDay !== readAt.billedByDay && encodeHeadPart({ billedByDay: next.billedByDay })),
    ...changedWatch(readAt, change),
  };
  if (Object.keys(set).length === 0) return check(key, unmoved, asRead);
  // A raised balance no longer needs a warning.
  const remove = next.raisedSeq > readAt.raisedSeq && readAt.balanceLevel !== 'fine' ? NOT_DUE : [];
  return update(key, { set, remove }, unmoved, asRead);
}

/** If spending crosses a threshold, puts the head into the index of due work for the warning schedule. */
function changedWatch(readAt: CustomerHead, { next, at }: HeadChange): Item {
  const isDue = isBelow(next.balanceLevel, readAt.balanceLevel);
  if (!isDue && next.raisedSeq === readAt.raisedSeq) return {};
  const { raisedSeq, balanceLevel } = next;
  return { ...encodeHeadPart({ raisedSeq, balanceLevel }), ...(isDue && dueAt('low_balance', at)) };
}

/**
 * Creates a customer, all or nothing: the claim of the e-mail address, the head, the first entries, and the
 * other writes of the sign-up. `winners[0]` of a refusal is the existing claim of the address.
 */
export function createCustomer(
  table: Table,
  head: CustomerHead,
  entries: readonly LedgerEntry[],
  alongside: readonly Write[],
): Promise<WriteResult> {
  return writeTogether(table, [
    claimEmail(head.email, head.customerId),
    put(encodeHead(head), CONDITIONS.CUSTOMER_IS_NEW),
    ...alongside,
    ...entries.map(putEntry),
  ]);
}

const putEntry = (entry: LedgerEntry): Write => put(encodeEntry(entry), CONDITIONS.ENTRY_IS_NEW);

/** The head and the newest entries, in one call, however long the history is. */
export async function readHeadAndNewest(
  table: Table,
  customerId: string,
  limit: number,
): Promise<{ head: CustomerHead; newest: LedgerEntry[] } | null> {
  // A query is not a snapshot: a concurrent transaction can add an entry that the head does not count yet.
  // One extra entry is read, so that leaving that entry out does not shorten the list.
  const query = between(customerId, ranges.headAndEntries, limit + 2, false);
  const [first, ...rest] = (await readPage(table, query)).items;
  if (first === undefined || itemKind(first['sk']) !== 'head') return null;
  const head = decodeHead(first);
  const newest = rest.map(decodeEntry).filter(({ seq }) => seq <= head.seq);
  return { head, newest: newest.slice(0, limit) };
}

/** Up to `limit` entries below `beforeSeq`, or from the newest if it is null, in descending order. */
export async function readEntriesDown(
  table: Table,
  customerId: string,
  beforeSeq: number | null,
  limit: number,
): Promise<LedgerEntry[]> {
  const query = between(customerId, ranges.entriesBelow(beforeSeq), limit, false);
  const { items } = await readPage(table, query);
  return items.map(decodeEntry);
}

/** Every entry, the oldest first, page by page: holds one page in memory, however long the history is. */
export async function* entryPages(
  table: Table,
  customerId: string,
  pageSize: number,
): AsyncGenerator<LedgerEntry[]> {
  const query = between(customerId, ranges.entriesBelow(null), pageSize);
  for await (const page of pages(table, query)) yield page.map(decodeEntry);
}

/** Query of a customer's items within a range of sort keys, strongly consistent. */
const between = (customerId: string, { from, to }: Range, Limit: number, ScanIndexForward = true): Query => ({
  KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
  ExpressionAttributeValues: { ':pk': keys.customer(customerId), ':from': from, ':to': to },
  ConsistentRead: true,
  ScanIndexForward,
  Limit,
});

interface Range {
  readonly from: string;
  readonly to: string;
}
