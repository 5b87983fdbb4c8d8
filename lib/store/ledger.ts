import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { isBelow } from '../domain/balance-watch.ts';
import type { CustomerHead } from '../domain/customer.ts';
import type { LedgerEntry } from '../domain/ledger.ts';
import { CONDITIONS } from './conditions.ts';
import { dueAt } from './due-work.ts';
import {
  type AdjustmentGuard,
  decodeEntry,
  decodeHead,
  encodeAdjustmentGuard,
  encodeEntry,
  encodeHead,
  encodeProfile,
  encodeWatch,
} from './items.ts';
import { itemKind, keys, ranges } from './keys.ts';
import { attempt, type Item, type Table, type Write, type WriteResult, writeTogether } from './table.ts';

/** A write that goes into the same transaction as a change of the ledger, under a condition of its own. */
export type AlongsideWrite = (table: Table) => Write;

export type CommitResult =
  | { readonly kind: 'committed' }
  /** Lost a race. The items as they stand now, of those whose condition failed. */
  | { readonly kind: 'lost'; readonly head: CustomerHead | null; readonly winners: readonly Item[] }
  | { readonly kind: 'contended' };

/** What becomes of a head. Without entries and without another profile it is only checked that it has not moved. */
export interface HeadChange {
  readonly next: CustomerHead;
  readonly entries: readonly LedgerEntry[];
  readonly changesProfile: boolean;
  readonly at: Date;
}

/**
 * Writes a change of the ledger as one transaction: the head moves on from where it was read, the entries are new, and
 * everything alongside holds. All of it or nothing. Without a change of the head, only what is alongside.
 * @throws Error when an entry to be written exists although the head has not moved: the ledger was tampered with.
 */
export async function commit(
  table: Table,
  readAt: CustomerHead,
  change: HeadChange | null,
  alongside: readonly AlongsideWrite[],
): Promise<CommitResult> {
  const guarded = [
    ...(change === null ? [] : [moveHead(table, readAt, change)]),
    ...alongside.map((write) => write(table)),
  ];
  const entries = change?.entries ?? [];
  const result = await writeTogether(table, [...guarded, ...entries.map((entry) => putEntry(table, entry))]);
  switch (result.kind) {
    case 'written':
      return { kind: 'committed' };
    case 'contended':
      return result;
    case 'refused': {
      if (!result.failed.slice(0, guarded.length).includes(true)) {
        const { customerId, seq } = readAt;
        throw new Error(`Customer ${customerId}: an entry above ${seq} exists, but the head is behind it`);
      }
      const winners = result.winners.filter((winner) => winner !== undefined);
      const head = winners.find((winner) => itemKind(winner['sk']) === 'head');
      return { kind: 'lost', head: head ? decodeHead(head) : null, winners };
    }
    default:
      return result satisfies never;
  }
}

function moveHead(table: Table, readAt: CustomerHead, change: HeadChange): Write {
  const { next, entries, changesProfile } = change;
  const condition = {
    TableName: table.name,
    Key: keys.head(readAt.customerId),
    ConditionExpression: `(${CONDITIONS.HEAD_UNMOVED}) AND (${CONDITIONS.PROFILE_UNMOVED})`,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  } as const;
  const unmoved = { ':seq': readAt.seq, ':revision': readAt.revision };
  const changes: Item = {
    ...(entries.length > 0 && { balance: next.balance, seq: next.seq, chain: next.chain }),
    ...(changesProfile && { ...encodeProfile(next), revision: readAt.revision + 1 }),
    ...changedWatch(readAt, change),
  };
  const remove = next.raisedSeq > readAt.raisedSeq && readAt.balanceLevel !== 'fine' ? NO_LONGER_DUE : [];
  const names = Object.keys(changes);
  if (names.length === 0) {
    return { ConditionCheck: { ...condition, ExpressionAttributeValues: unmoved } };
  }
  return {
    Update: {
      ...condition,
      UpdateExpression: [`SET ${names.map((name) => `#${name} = :new_${name}`).join(', ')}`, ...remove].join(
        ' ',
      ),
      // Some attributes have names that are words of the expression language.
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ...unmoved,
        ...Object.fromEntries(names.map((name) => [`:new_${name}`, changes[name]])),
      },
    },
  };
}

/** A balance that is raised needs no warning any more. */
const NO_LONGER_DUE = ['REMOVE due, due_at'];

/** Where spending has crossed a threshold, the schedule that warns finds the head in the index of due work. */
function changedWatch(readAt: CustomerHead, { next, at }: HeadChange): Item {
  if (isBelow(next.balanceLevel, readAt.balanceLevel))
    return { ...encodeWatch(next), ...dueAt('low_balance', at) };
  return next.raisedSeq === readAt.raisedSeq ? {} : encodeWatch(next);
}

/** Keeps what an adjustment did under its idempotency key. */
export function guardAdjustment(customerId: string, key: string, guard: AdjustmentGuard): AlongsideWrite {
  return (table) => ({
    Put: {
      TableName: table.name,
      Item: encodeAdjustmentGuard(customerId, key, guard),
      ConditionExpression: CONDITIONS.GUARD_IS_NEW,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  });
}

/**
 * A new customer, whole or not at all: the e-mail address claimed, the head, the first entry, the first key
 * and the notice that tells of it.
 * `winners[0]` of a refusal is whoever has the address.
 */
export function createCustomer(
  table: Table,
  head: CustomerHead,
  entries: readonly LedgerEntry[],
  keyId: string,
  welcome: AlongsideWrite,
): Promise<WriteResult> {
  return writeTogether(table, [
    {
      Put: {
        TableName: table.name,
        Item: { ...keys.email(head.email), customer_id: head.customerId },
        ConditionExpression: CONDITIONS.EMAIL_IS_FREE,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    },
    {
      Put: {
        TableName: table.name,
        Item: encodeHead(head),
        ConditionExpression: CONDITIONS.CUSTOMER_IS_NEW,
      },
    },
    {
      Put: {
        TableName: table.name,
        Item: { ...keys.apiKey(head.customerId, keyId), created_at: head.createdAt },
      },
    },
    welcome(table),
    ...entries.map((entry) => putEntry(table, entry)),
  ]);
}

function putEntry(table: Table, entry: LedgerEntry): Write {
  return {
    Put: { TableName: table.name, Item: encodeEntry(entry), ConditionExpression: CONDITIONS.ENTRY_IS_NEW },
  };
}

/** The head with the newest entries below it, in one call however long the history is. */
export async function readHeadAndNewest(
  table: Table,
  customerId: string,
  limit: number,
): Promise<{ head: CustomerHead; newest: LedgerEntry[] } | null> {
  // The items of one query are not one snapshot: a transaction that commits while it runs can add an entry that the
  // head does not count yet. One more is read than is wanted, so that leaving it out does not shorten the list.
  const [first, ...rest] = await queryDown(table, customerId, ranges.headAndEntries, limit + 2);
  if (first === undefined || itemKind(first['sk']) !== 'head') return null;
  const head = decodeHead(first);
  const newest = rest.map(decodeEntry).filter(({ seq }) => seq <= head.seq);
  return { head, newest: newest.slice(0, limit) };
}

/** Up to `limit` entries from below `beforeSeq` downwards; all of them from the newest when it is null. */
export async function readEntriesDown(
  table: Table,
  customerId: string,
  beforeSeq: number | null,
  limit: number,
): Promise<LedgerEntry[]> {
  const items = await queryDown(table, customerId, ranges.entriesBelow(beforeSeq), limit);
  return items.map(decodeEntry);
}

async function queryDown(
  table: Table,
  customerId: string,
  { from, to }: { from: string; to: string },
  limit: number,
): Promise<Item[]> {
  const command = new QueryCommand({
    TableName: table.name,
    KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
    ExpressionAttributeValues: { ':pk': keys.customer(customerId), ':from': from, ':to': to },
    ScanIndexForward: false,
    ConsistentRead: true,
    Limit: limit,
  });
  const { Items } = await attempt('Reading', () => table.client.send(command));
  return Items ?? [];
}

/** Every entry, the oldest first, a page at a time: however long the history is, no more than a page is held. */
export async function* entryPages(
  table: Table,
  customerId: string,
  pageSize: number,
): AsyncGenerator<LedgerEntry[]> {
  const { from, to } = ranges.entriesBelow(null);
  let last: Item | undefined;
  do {
    const command = new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: { ':pk': keys.customer(customerId), ':from': from, ':to': to },
      ConsistentRead: true,
      Limit: pageSize,
      ExclusiveStartKey: last,
    });
    const page = await attempt('Reading', () => table.client.send(command));
    yield (page.Items ?? []).map(decodeEntry);
    last = page.LastEvaluatedKey;
  } while (last !== undefined);
}
