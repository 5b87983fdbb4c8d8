import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import { addAdjust } from './commands/adjust.ts';
import { addCustomer } from './commands/customer.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvents } from './commands/events.ts';
import { addImportKept } from './commands/import-kept.ts';
import { addKeys } from './commands/keys.ts';
import { addLedger } from './commands/ledger.ts';
import { addNotices } from './commands/notices.ts';
import { addPreflight } from './commands/preflight.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addRestoreDrill } from './commands/restore-drill.ts';
import { addSmoke } from './commands/smoke.ts';
import { addWork } from './commands/work.ts';
import { PROJECT_ROOT } from './stage/serverless-file.ts';
import type { Runner } from './stage/session.ts';
import { STAGES } from './stage/stage.ts';
import { type Streams, terminalWidth } from './terminal/output.ts';

const ABOUT = `
Stages:
  local is the stack that npm start runs on PORT. The others are deployed; the
  AWS SDK finds your own credentials for them. Commands read the table and
  Stripe's key with your credentials. Every write goes through a function.

Exit codes:
  0    success
  1    a check found something wrong, or the command was refused
  2    the command line is invalid, or a confirmation is missing
  3    the stage or Stripe cannot be reached, or doctor found nothing wrong but
       could not check everything
  130  interrupted

Each answer names its stage. Lines are wrapped on a terminal only: in a pipe or
a file, a table row is one line. With --json, stdout holds exactly one JSON
document. If the command fails, that is {"error":{"code":"…","detail":"…"}}:
code is for programs, detail for people.

Examples:
  npx rsolv-billing customer show billing@acme.dev
  npx rsolv-billing adjust 5be0…c1 25 --reason "goodwill, ticket 812"
  npx rsolv-billing ledger verify --stage production
  npx rsolv-billing ledger export --format jsonl --output ledger.jsonl
`;

/** Builds the whole command line. `runner` runs each command. Help is written to the streams. */
export function buildProgram(runner: Runner, { stdout, stderr }: Streams): CommandUnknownOpts {
  const program = new Command('rsolv-billing')
    .description("Operates RSOLV's billing service.")
    .version(ownVersion(), '--version', 'print the version')
    .addOption(
      new Option('--stage <stage>', 'the stage to work on')
        .choices(STAGES)
        .default('local' as const)
        .env('RSOLV_BILLING_STAGE'),
    )
    .option('--json', 'print JSON, for programs')
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
    addPreflight,
    addDoctor,
    addSmoke,
    addRestoreDrill,
    addImportKept,
  ]) {
    add(program, runner);
  }
  return program;
}

const Package = z.object({ version: z.string() });

const ownVersion = (): string =>
  Package.parse(JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8'))).version;
