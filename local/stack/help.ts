import { SETTINGS } from '../../cli/stage/local-settings.ts';

const FLAGS = [
  ['--watch', 'restarts the API when a file under functions/ or lib/ changes; keeps the ledger and Stripe'],
  ['--help, -h', 'prints this text'],
] as const;

const column = (width: number) => (text: string) => text.padEnd(width);

/** The output of `npm start -- --help`. */
export function startHelp(): string {
  const flag = column(12);
  const name = column(24);
  return [
    'Starts the whole service locally: a DynamoDB engine, the table, a Stripe double, a mailbox and the API.',
    '',
    '  npm start                        on http://localhost:4000',
    '  PORT=4001 DATA_DIR=.data npm start',
    '  npm start -- --watch',
    '',
    'Flags',
    ...FLAGS.map(([flags, meaning]) => `  ${flag(flags)}${meaning}`),
    '',
    'Settings, as environment variables',
    ...Object.entries(SETTINGS).flatMap(([variable, { meaning, unset, example }]) => [
      `  ${name(variable)}${meaning}`,
      `  ${name('')}default: ${unset}; for example ${variable}=${example}`,
    ]),
  ].join('\n');
}
