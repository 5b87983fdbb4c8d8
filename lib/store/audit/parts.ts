import type { LedgerEntry } from '../../domain/ledger.ts';
import type { VerifiableFix } from '../../domain/ledger-records.ts';
import { type ApiKeyRecord, countsOf, decodeApiKey } from '../api-keys.ts';
import { decodeFix } from '../fix-attempts.ts';
import { type Key, keys, prefixes } from '../keys.ts';
import { decodeEntry } from '../ledger.ts';
import { itemsOf, type Meter, readPage } from '../paging.ts';
import { type Item, readTogether, type Table } from '../table.ts';
import { verifiable } from './audit.ts';

/*
 * Reads a customer's partition in parts, for an audit that is interrupted and continues. Every read is
 * strongly consistent, holds one part in memory and reports its read units.
 */

/** Maximum keys of one batch read. */
const BATCH = 100;
/** Bytes per read unit. */
const UNIT_BYTES = 4_096;

/** Up to `limit` entries after `afterSeq`, the oldest first, none above `upTo`. */
export async function readEntriesAfter(
  table: Table,
  customerId: string,
  { afterSeq, upTo, limit }: { readonly afterSeq: number; readonly upTo: number; readonly limit: number },
  meter?: Meter,
): Promise<LedgerEntry[]> {
  if (afterSeq >= upTo) return [];
  const query = {
    KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
    ExpressionAttributeValues: {
      ':pk': keys.customer(customerId),
      ':from': keys.entry(customerId, afterSeq + 1).sk,
      ':to': keys.entry(customerId, upTo).sk,
    },
    ConsistentRead: true,
    Limit: limit,
  };
  return (await readPage(table, query, undefined, meter)).items.map(decodeEntry);
}

/** The stored fixes with these ids. */
export async function readFixes(
  table: Table,
  customerId: string,
  ids: readonly string[],
  meter?: Meter,
): Promise<VerifiableFix[]> {
  const wanted = [...new Set(ids)].map((id) => keys.fix(customerId, id));
  return (await readMany(table, wanted, meter)).map((item) => verifiable(decodeFix(item)));
}

/** The stored entries with these numbers. */
export async function readEntriesAt(
  table: Table,
  customerId: string,
  seqs: readonly number[],
  meter?: Meter,
): Promise<LedgerEntry[]> {
  const wanted = [...new Set(seqs)].map((seq) => keys.entry(customerId, seq));
  return (await readMany(table, wanted, meter)).map(decodeEntry);
}

/** The names (kind#id) whose guards are stored. */
export async function readGuards(
  table: Table,
  customerId: string,
  names: readonly string[],
  meter?: Meter,
): Promise<ReadonlySet<string>> {
  const byKey = new Map(names.map((name) => [keys.guard(customerId, name).sk, name]));
  const wanted = [...byKey.values()].map((name) => keys.guard(customerId, name));
  const found = await readMany(table, wanted, meter);
  return new Set(found.flatMap(({ sk }) => byKey.get(String(sk)) ?? []));
}

/** How many of a customer's keys are not revoked. */
export async function countActiveKeys(
  table: Table,
  customerId: string,
  meter?: Meter,
): Promise<ReturnType<typeof countsOf>> {
  const apiKeys: ApiKeyRecord[] = [];
  for await (const item of itemsOf(table, customerId, prefixes.apiKey, meter)) {
    apiKeys.push(decodeApiKey(item));
  }
  return countsOf(apiKeys);
}

async function readMany(table: Table, wanted: readonly Key[], meter?: Meter): Promise<Item[]> {
  const found: Item[] = [];
  for (let from = 0; from < wanted.length; from += BATCH) {
    const some = wanted.slice(from, from + BATCH);
    const items = await readTogether(table, some);
    found.push(...items.filter((item) => item !== undefined));
    await meter?.(items.reduce((units, item) => units + unitsOf(item), 0));
  }
  return found;
}

/** A batch read does not report the units of each item. An absent item takes one unit, like a small one. */
const unitsOf = (item: Item | undefined): number =>
  item === undefined ? 1 : Math.ceil(JSON.stringify(item).length / UNIT_BYTES);
