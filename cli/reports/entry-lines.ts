import type { LedgerEntry } from '../../lib/domain/ledger.ts';
import { transactionView } from '../../lib/http/views/account.ts';
import { metadataText, shortTime, signed } from '../terminal/format.ts';
import { tableLines } from '../terminal/table.ts';

/** Ledger entries for people. The explanation of an entry uses the remaining width. */
export const entryLines = (entries: readonly LedgerEntry[], width: number): string[] =>
  tableLines(
    [
      { heading: '#', align: 'right' },
      { heading: 'when (UTC)' },
      { heading: 'credits', align: 'right' },
      { heading: 'balance', align: 'right' },
      { heading: 'source and details', flexible: true },
    ],
    entries.map((entry) => [
      String(entry.seq),
      shortTime(entry.createdAt),
      signed(entry.amount),
      String(entry.balanceAfter),
      [entry.source, metadataText(transactionView(entry).metadata)],
    ]),
    width,
  );
