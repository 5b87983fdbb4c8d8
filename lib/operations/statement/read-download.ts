import { DOWNLOAD_PARTS, type DownloadPart, readDownloadPage } from '../../store/statement/download.ts';
import type { Item, Table } from '../../store/table.ts';

/** The most items in one document. */
const MAX_ITEMS = 1_000;
/** A document beyond this size gets no further list. It stays below 3 MB; Lambda can answer 6 MB. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Where the next document of a download begins. */
export interface DownloadCursor {
  readonly part: DownloadPart;
  /** The sort key to continue after; null for the beginning of the list. */
  readonly after: string | null;
}

export interface Download<T> {
  readonly lists: Readonly<Record<DownloadPart, readonly T[]>>;
  /** Null if this is the last document. */
  readonly next: DownloadCursor | null;
}

/**
 * One document of an account's download: the lists in their order, until it is full. Takes at most one query
 * for each list, however large the account is.
 */
export async function readDownload<T>(
  table: Table,
  customerId: string,
  from: DownloadCursor,
  viewOf: (part: DownloadPart, item: Item) => T,
): Promise<Download<T>> {
  const lists: Record<DownloadPart, readonly T[]> = {
    api_keys: [],
    spending: [],
    entries: [],
    fixes: [],
    notices: [],
    consents: [],
  };
  let [room, bytes, after] = [MAX_ITEMS, 0, from.after];
  for (const part of DOWNLOAD_PARTS.slice(DOWNLOAD_PARTS.indexOf(from.part))) {
    if (room === 0 || bytes >= MAX_BYTES) return { lists, next: { part, after: null } };
    const page = await readDownloadPage(table, customerId, { part, after, limit: room });
    const views = page.items.map((item) => viewOf(part, item));
    lists[part] = views;
    if (page.next !== null) return { lists, next: { part, after: page.next } };
    room -= views.length;
    bytes += Buffer.byteLength(JSON.stringify(views));
    after = null;
  }
  return { lists, next: null };
}
