import { listTransactionsContract } from '../lib/http/contracts/account.ts';
import { decodeCursor, encodeCursor } from '../lib/http/cursor.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { transactionView } from '../lib/http/views/account.ts';
import { readEntriesDown } from '../lib/store/ledger.ts';

/** GET /api/v1/transactions */
export const handler = customerEndpoint(
  listTransactionsContract,
  () => [],
  async ({ table }, { input, customerId }) => {
    const { limit, cursor } = input.query;
    const below = cursor === undefined ? null : decodeCursor(cursor);
    const entries = await readEntriesDown(table, customerId, below, limit);
    // Entries are numbered from 1 without gaps, so the last entry of the page tells whether there is another
    // page.
    const last = entries.at(-1)?.seq ?? 1;
    const next = last > 1 ? { next_cursor: encodeCursor(last) } : {};
    return { status: 200, body: { transactions: entries.map(transactionView), ...next } };
  },
);
