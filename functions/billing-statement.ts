import { customerPage, routed } from '../lib/http/pages/page-endpoint.ts';
import { accountDocument } from '../lib/http/pages/statement/account-document.ts';
import { statementFile } from '../lib/http/pages/statement/csv.ts';
import { beforeIn, downloadFrom, monthIn, partIn } from '../lib/http/pages/statement/request.ts';
import { statementPage } from '../lib/http/pages/statement/statement.ts';
import { downloadView } from '../lib/http/views/account-download.ts';
import { requireHead } from '../lib/operations/ledger/require-item.ts';
import { readDownload } from '../lib/operations/statement/read-download.ts';
import { readStatement, readStatementFile } from '../lib/operations/statement/read-statement.ts';
import { keys } from '../lib/store/keys.ts';
import { spendingKey } from '../lib/store/payments/spending.ts';

const headKey = (customerId: string) => [keys.head(customerId)];
const accountKeys = (customerId: string, at: Date) => [keys.head(customerId), spendingKey(customerId, at)];

/** The statement as a page and as CSV, and the download of everything about the account. */
export const handler = routed({
  'GET /billing/statement': (route) =>
    customerPage(route, headKey, async ({ table }, { customerId, query, formToken, items, at }) => {
      const [head, month] = [requireHead(items[0], customerId), monthIn(query, at)];
      const part = await readStatement(table, head, month, { before: beforeIn(query), at });
      return statementPage(head, month, part, formToken, at);
    }),
  'GET /billing/statement.csv': (route) =>
    customerPage(route, headKey, async ({ table }, { customerId, query, items, at }) => {
      const [month, part] = [monthIn(query, at), partIn(query)];
      const file = await readStatementFile(table, requireHead(items[0], customerId), month, { part, at });
      return statementFile(file, month, part);
    }),
  'GET /billing/account.json': (route) =>
    customerPage(route, accountKeys, async ({ table }, { customerId, query, items: [head, spent], at }) => {
      const lists = await readDownload(table, customerId, downloadFrom(query), downloadView);
      return accountDocument(requireHead(head, customerId), spent, lists, at);
    }),
});
