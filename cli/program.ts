import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { addAdjust } from './commands/adjust.ts';
import { addCharges } from './commands/charges.ts';
import { addCustomer } from './commands/customer.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvents } from './commands/events.ts';
import { addKeys } from './commands/keys.ts';
import { addLedger } from './commands/ledger.ts';
import { addNotices } from './commands/notices.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addSmoke } from './commands/smoke.ts';
import type { Runner } from './stage/session.ts';
import { STAGES } from './stage/stage.ts';
import { widthOf } from './terminal/output.ts';

const ABOUT = `
Stages:
  local is the stack that npm start runs, on PORT. The others are deployed, and
  reached with your own AWS credentials, as the AWS SDK finds them: you read the
  table and Stripe's key yourself, and functions do what writes.

Exit codes:
  0    all is well
  1    something was found to be wrong, or was refused
  2    the command line is not right, or a confirmation is missing
  3    the stage, or Stripe, cannot be reached
  130  interrupted

With --json stdout holds one JSON document and nothing else. If the command
fails it is {"error":{"code":"…","detail":"…"}}; programs look at code, people
at detail.

Examples:
  npx rsolv-billing customer show billing@acme.dev
  npx rsolv-billing adjust 5be0…c1 25 --reason "goodwill, ticket 812"
  npx rsolv-billing ledger verify --stage production
  npx rsolv-billing ledger export --format jsonl --output ledger.jsonl
`;

/** The whole command line; each command runs by `runner`. */
export function buildProgram(runner: Runner): CommandUnknownOpts {
  const program = new Command('rsolv-billing')
    .description("What operators do with RSOLV's billing service.")
    .addOption(
      new Option('--stage <stage>', 'the stage to work on')
        .choices(STAGES)
        .default('local' as const)
        .env('RSOLV_BILLING_STAGE'),
    )
    .option('--json', 'answer in JSON, for programs')
    .addHelpText('after', ABOUT)
    .configureHelp({ showGlobalOptions: true, minWidthToWrap: 20 })
    // Whatever goes wrong is told in one place: see main.ts.
    .configureOutput({
      outputError: () => {},
      getOutHelpWidth: () => widthOf(process.stdout),
      getErrHelpWidth: () => widthOf(process.stderr),
    })
    .exitOverride();
  for (const add of [
    addCustomer,
    addAdjust,
    addLedger,
    addEvents,
    addCharges,
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
