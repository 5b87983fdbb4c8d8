import { keys, prefixes } from '../keys.ts';
import { readPage } from '../paging.ts';
import type { Item, Table } from '../table.ts';

/** The lists of an account's download, in its order. */
export const DOWNLOAD_PARTS = ['api_keys', 'spending', 'entries', 'fixes', 'notices', 'consents'] as const;
export type DownloadPart = (typeof DOWNLOAD_PARTS)[number];

const PREFIXES: Readonly<Record<DownloadPart, string>> = {
  api_keys: prefixes.apiKey,
  spending: prefixes.spending,
  entries: prefixes.entry,
  fixes: prefixes.fix,
  notices: prefixes.notice,
  consents: prefixes.consent,
};

/** DynamoDB refuses a longer sort key. */
const MAX_SORT_KEY_BYTES = 1_024;

/** Whether a list can be continued after this sort key. */
export const isWithin = (part: DownloadPart, sk: string): boolean =>
  sk.startsWith(PREFIXES[part]) && Buffer.byteLength(sk) <= MAX_SORT_KEY_BYTES;

/**
 * A page of a list, at most a megabyte, strongly consistent.
 * @param after the sort key to continue after; null for the first page
 */
export async function readDownloadPage(
  table: Table,
  customerId: string,
  {
    part,
    after,
    limit,
  }: { readonly part: DownloadPart; readonly after: string | null; readonly limit: number },
): Promise<{ readonly items: readonly Item[]; readonly next: string | null }> {
  const pk = keys.customer(customerId);
  const query = {
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': pk, ':prefix': PREFIXES[part] },
    ConsistentRead: true,
    Limit: limit,
  };
  const { items, next } = await readPage(table, query, after === null ? undefined : { pk, sk: after });
  return { items, next: next === undefined ? null : String(next['sk']) };
}
