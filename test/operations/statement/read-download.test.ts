import { beforeAll, describe, expect, it } from 'vitest';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import {
  type Download,
  type DownloadCursor,
  readDownload,
} from '../../../lib/operations/statement/read-download.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { DOWNLOAD_PARTS, isWithin } from '../../../lib/store/statement/download.ts';
import type { Item } from '../../../lib/store/table.ts';
import { requestsDuring } from '../../support/documents.ts';
import { customerWith } from '../../support/fixtures.ts';
import { writeHistory } from '../../support/history.ts';
import { headOf } from '../../support/money.ts';
import { countingCalls, openTestTable, testDeps } from '../../support/table.ts';

/* How an account's download is divided into documents. */

const START: DownloadCursor = { part: 'api_keys', after: null };
const sortKey = (_: string, item: Item) => String(item['sk']);

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

async function documentsOf(customerId: string) {
  const all = [];
  for (let from: DownloadCursor | null = START; from !== null; ) {
    const document: Download<string> = await readDownload(deps.table, customerId, from, sortKey);
    all.push(document);
    from = document.next;
    if (all.length > 20) throw new Error('the download never ends');
  }
  return all;
}

/** A document from the entries on, in which each item has this many bytes. */
const withItemsOf = (customerId: string, bytes: number) =>
  readDownload(deps.table, customerId, { part: 'entries', after: null }, () => 'x'.repeat(bytes - 2));
const MEGABYTE = 1024 * 1024;

describe('the download of an account', () => {
  it('a small account is one document, with one query for each list', async () => {
    const { head } = await customerWith(deps, 7);
    const { result, calls } = await countingCalls(deps.table, () =>
      readDownload(deps.table, head.customerId, START, sortKey),
    );
    expect(calls).toEqual(DOWNLOAD_PARTS.map(() => 'Query'));
    expect(result.next).toBeNull();
    expect(
      Object.fromEntries(Object.entries(result.lists).map(([part, list]) => [part, list.length])),
    ).toEqual({
      ...{ api_keys: 1, spending: 0, entries: 2, fixes: 0, notices: 1, consents: 0 },
    });
  });

  it('a document has at most 1,000 items, and the next one goes on after them', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    await writeHistory(deps, customerId, 1_200);
    const { seq } = await headOf(deps, customerId);
    const documents = await documentsOf(customerId);
    const sizes = documents.map(({ lists }) => Object.values(lists).flat().length);
    expect(Math.max(...sizes)).toBe(1_000);
    const all = documents.flatMap(({ lists }) => Object.values(lists).flat());
    expect(new Set(all).size).toBe(all.length);
    expect(documents.flatMap(({ lists }) => lists.entries)).toHaveLength(seq);
  });

  it('a document that is full after a list says that the next list follows', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const adjusted = { amount: 1, reason: 'test', actor: 'tests', idempotencyKey: 'k1' };
    await adjustCredits(deps, customerId, adjusted);
    // Two entries and a letter.
    const full = await withItemsOf(customerId, MEGABYTE);
    expect([full.lists.entries.length, full.next]).toEqual([2, { part: 'fixes', after: null }]);
    expect((await withItemsOf(customerId, MEGABYTE / 2)).next).toBeNull();
  });

  it('a document that begins with a later list has none of the lists before it', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const from = { part: 'consents', after: null } as const;
    const { lists, next } = await readDownload(deps.table, customerId, from, sortKey);
    expect([Object.values(lists).flat(), next]).toEqual([[], null]);
  });

  it('a document of exactly two megabytes is full', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    // One entry: the list has two brackets more. The empty list of fixes that follows has two bytes.
    const full = await withItemsOf(customerId, 2 * MEGABYTE - 2);
    expect(full.next).toEqual({ part: 'fixes', after: null });
    const smaller = await withItemsOf(customerId, 2 * MEGABYTE - 5);
    expect([smaller.lists.notices.length, smaller.next]).toEqual([1, { part: 'consents', after: null }]);
  });

  it('a download has what was written just before', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const requests = await requestsDuring(deps.table, () =>
      readDownload(deps.table, customerId, START, sortKey),
    );
    expect(requests).toMatchObject(DOWNLOAD_PARTS.map(() => ({ ConsistentRead: true })));
  });

  it('a download can be continued only after a sort key of its list', async () => {
    expect(isWithin('fixes', `FIX#${'0'.repeat(1_020)}`)).toBe(true);
    expect(isWithin('fixes', `FIX#${'0'.repeat(1_021)}`)).toBe(false);
    expect(isWithin('fixes', 'KEY#1')).toBe(false);
  });
});
