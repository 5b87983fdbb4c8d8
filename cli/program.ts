import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import { addAdjust } from './commands/adjust.ts';
import { addCustomer } from './commands/customer.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvents } from './commands/events.ts';
import { addKeys } from './commands/keys.ts';
import { addLedger } from './commands/ledger.ts';
import { addNotices } from './commands/notices.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addSmoke } from './commands/smoke.ts';
import { addWork } from './commands/work.ts';
import { PROJECT_ROOT } from './stage/serverless-file.ts';
import type { Runner } from './stage/session.ts';
import { STAGES } from './stage/stage.ts';
import { type Streams, terminalWidth } from './terminal/output.ts';

const ABOUT = `
Stages:
  local is the stack that npm start runs, on PORT. The others are deployed, and
  reached with your own AWS credentials, as the AWS SDK finds them: you read the
  table and Stripe's key yourself, and functions do what writes.

Exit codes:
  0    success
  1    a check found something wrong, or the command was refused
  2    the command line is not right, or a confirmation is missing
  3    the stage, or Stripe, cannot be reached; doctor found nothing wrong, but
       could not check everything
  130  interrupted

Each answer names its stage. In a pipe or a file no line is wrapped: a row of a
table is one line. With --json stdout holds one JSON document and nothing else.
If the command fails it is {"error":{"code":"…","detail":"…"}}; programs look at
code, people at detail.

Examples:
  npx rsolv-billing customer show billing@acme.dev
  npx rsolv-billing adjust 5be0…c1 25 --reason "goodwill, ticket 812"
  npx rsolv-billing ledger verify --stage production
  npx rsolv-billing ledger export --format jsonl --output ledger.jsonl
`;

/** The whole command line; `runner` runs each command. Help goes to the streams. */
export function buildProgram(runner: Runner, { stdout, stderr }: Streams): CommandUnknownOpts {
  const program = new Command('rsolv-billing')
    .description("What operators do with RSOLV's billing service.")
    .version(ownVersion(), '--version', 'print the version')
    .addOption(
      new Option('--stage <stage>', 'the stage to work on')
        .choices(STAGES)
        .default('local' as const)
        .env('RSOLV_BILLING_STAGE'),
    )
    .option('--json', 'answer in JSON, for programs')
    .addHelpText('after', ABOUT)
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: 20 })
    // One place reports every failure: see command-line.ts.
    .configureOutput({
      outputError: () => {},
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => terminalWidth(stdout),
      getErrHelpWidth: () => terminalWidth(stderr),
    })
    .exitOverride();
  for (const add of [
    addCustomer,
    addAdjust,
    addLedger,
    addEvents,
    addWork,
    addKeys,
    addNotices,
    addReconcile,
    addDoctor,
    addSmoke,
  ]) {
    add(program, runner);
  }
  return program;
}

const Package = z.object({ version: z.string() });

const ownVersion = (): string =>
  Package.parse(JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8'))).version;
