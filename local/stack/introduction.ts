import { relative } from 'node:path';
import { curlLines, exportLine, proxyLine } from './curl-lines.ts';
import type { Stack } from './stack.ts';

type RunningParts = Pick<
  Stack,
  'url' | 'engine' | 'tableName' | 'stripe' | 'mailbox' | 'customer' | 'debugUrl'
>;

export interface IntroductionContext {
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly watch: boolean;
}

/** The text that `npm start` prints once everything answers. The last line says that it is ready. */
export function introduction(stack: RunningParts, { env, folder, watch }: IntroductionContext): string[] {
  const { url, engine, tableName, stripe, mailbox, customer, debugUrl } = stack;
  const file = relative(folder, mailbox.file);
  const proxy = proxyLine(env);
  return [
    '',
    `RSOLV billing   ${url}   (for customers: /billing; reference: /docs)`,
    `ledger          table ${tableName} on ${engine}`,
    stripe.describe,
    `mailbox         ${mailbox.url}   (captured e-mails; also in ${file})`,
    `demo customer   ${customer.customerId}, ${customer.balance} credits`,
    ...(debugUrl === null ? [] : [`debugger        ${debugUrl}   (.vscode/launch.json attaches to it)`]),
    ...(watch ? ['watching        functions/ and lib/'] : []),
    '',
    ...(proxy === null ? [] : [proxy]),
    exportLine(url, customer.apiKey),
    ...curlLines(),
    '',
    'Settings: npm start -- --help. A demo, step by step: npm run demo. Ctrl-C stops everything.',
    `ready ${url}`,
  ];
}
