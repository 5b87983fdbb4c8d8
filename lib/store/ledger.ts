import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { CustomerHead } from '../domain/customer.ts';
import type { BilledFacts } from '../domain/fix-attempt.ts';
import type { LedgerEntry, LedgerState } from '../domain/ledger.ts';
import { CONDITIONS } from './conditions.ts';
import {
  type AdjustmentGuard,
  decodeEntry,
  decodeHead,
  encodeAdjustmentGuard,
  encodeBilled,
  encodeEntry,
  encodeHead,
} from './items.ts';
import { itemKind, keys, ranges } from './keys.ts';
import { attempt, type Item, type Table, type Write, type WriteResult, writeTogether } from './table.ts';

/** The write that makes a change of balance happen once: it fails when the change has been made already. */
export type OnceWrite = (table: Table) => Write;

export type CommitResult =
  | { readonly kind: 'committed' }
  /** Lost a race. The items as they stand now, for those whose condition failed. */
  | { readonly kind: 'lost'; readonly head: CustomerHead | null; readonly once: Item | undefined }
  | { readonly kind: 'contended' };

/**
 * Writes a change of balance as one transaction: the head moves on from where it was read, the entries are new, and
 * `once` has not happened. All of it or nothing.
 * @throws Error when an entry to be written exists although the head has not moved: the ledger was tampered with.
 */
export async function commit(
  table: Table,
  readAt: LedgerState,
  next: LedgerState,
  entries: readonly LedgerEntry[],
  once: OnceWrite,
): Promise<CommitResult> {
  const headMoves: Write = {
    Update: {
      TableName: table.name,
      Key: keys.head(readAt.customerId),
      UpdateExpression: 'SET balance = :balance, seq = :next, chain = :chain',
      ConditionExpression: CONDITIONS.HEAD_UNMOVED,
      ExpressionAttributeValues: {
        ':seq': readAt.seq,
        ':balance': next.balance,
        ':next': next.seq,
        ':chain': next.chain,
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
  const result = await writeTogether(table, [
    headMoves,
    once(table),
    ...entries.map((entry) => putEntry(table, entry)),
  ]);
  switch (result.kind) {
    case 'written':
      return { kind: 'committed' };
    case 'contended':
      return result;
    case 'refused': {
      const [headFailed, onceFailed] = result.failed;
      if (!headFailed && !onceFailed) {
        throw new Error(`Customer ${readAt.customerId}: entry ${next.seq} exists, but the head is behind it`);
      }
      const [head, onceItem] = result.winners;
      return { kind: 'lost', head: head ? decodeHead(head) : null, once: onceItem };
    }
    default:
      return result satisfies never;
  }
}

/** Marks a fix as billed. */
export function billFix(customerId: string, fixId: string, billed: BilledFacts): OnceWrite {
  return (table) => ({
    Update: {
      TableName: table.name,
      Key: keys.fix(customerId, fixId),
      UpdateExpression: 'SET billed = :billed',
      ConditionExpression: CONDITIONS.FIX_NOT_BILLED,
      ExpressionAttributeValues: { ':billed': encodeBilled(billed) },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  });
}

/** Keeps what an adjustment did under its idempotency key. */
export function guardAdjustment(customerId: string, key: string, guard: AdjustmentGuard): OnceWrite {
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
 * A new customer, whole or not at all: the e-mail address claimed, the head, the first entry and the first key.
 * `winners[0]` of a refusal is whoever has the address.
 */
export function createCustomer(
  table: Table,
  head: CustomerHead,
  entries: readonly LedgerEntry[],
  keyId: string,
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
