import { relative } from 'node:path';
import { curlLines, exportLine, proxyLine } from './curl-lines.ts';
import type { Stack } from './stack.ts';

type Introduced = Pick<
  Stack,
  'url' | 'engine' | 'tableName' | 'stripe' | 'mailbox' | 'customer' | 'debugUrl'
>;

export interface Around {
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly watches: boolean;
}

/** What `npm start` prints once everything answers. The last line says that it is ready. */
export function introduction(stack: Introduced, { env, folder, watches }: Around): string[] {
  const { url, engine, tableName, stripe, mailbox, customer, debugUrl } = stack;
  const file = relative(folder, mailbox.file);
  const proxy = proxyLine(env);
  return [
    '',
    `RSOLV billing   ${url}   (reference: ${url}/docs)`,
    `ledger          table ${tableName} on ${engine}`,
    stripe.describe,
    `mailbox         ${mailbox.url}   (mail that would have been sent; also in ${file})`,
    `demo customer   ${customer.customerId}, ${customer.balance} credits`,
    ...(debugUrl === null ? [] : [`debugger        ${debugUrl}   (.vscode/launch.json attaches to it)`]),
    ...(watches ? ['watching        functions/ and lib/'] : []),
    '',
    ...(proxy === null ? [] : [proxy]),
    exportLine(url, customer.apiKey),
    ...curlLines(),
    '',
    'Settings: npm start -- --help. A journey, step by step: npm run demo. Ctrl-C stops everything.',
    `ready ${url}`,
  ];
}
