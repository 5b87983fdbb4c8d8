import { isServiceAt } from '../../cli/stage/api-client.ts';
import { readSettings } from '../../cli/stage/local-settings.ts';
import { bypassProxyForLoopback } from '../../cli/stage/loopback.ts';
import { findRunningStack, type RunningStack } from '../../cli/stage/running.ts';
import { showProgress } from '../../cli/terminal/progress.ts';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { isLoopback } from '../../lib/settings/stripe-environment.ts';
import { EXIT_USAGE, readFlags, UsageError } from '../stack/flags.ts';
import { freePort } from '../stack/ports.ts';
import { startStack } from '../stack/stack.ts';
import { askOnTerminal, consentTo } from './consent.ts';
import { journey } from './journey.ts';

const USAGE = `Runs the journey of two customers.
Prints each step with its call, the balance before and after, and the ledger entries.

  npm run demo                      on its own stack, or on a running one if you agree
  npm run demo -- --yes             on the stack that runs on PORT (default 4000), without asking
  npm run demo -- --url https://…   on another stage, never a live one: it signs up customers, charges cards

The demo moves the clock of the Stripe double by a month, for every customer of that stack.
If a stack answers on PORT, the demo prints who started it and asks.
Without a yes, or without a terminal, it starts its own stack on a free port and stops it at the end.
Without a double, it skips the steps that need one.

  --yes        use the running stack and move its clock
  --url URL    the address of another stack; a local one needs a yes too
  --help, -h   prints this text

Exit code 0 if every step passed and the ledger and Stripe agree, 1 if not, 2 for an invalid command line.`;

const FLAGS = {
  url: { type: 'string' },
  yes: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

bypassProxyForLoopback(process.env);
process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { url, yes, help } = readFlags('npm run demo --', FLAGS, process.argv.slice(2));
    if (help) {
      console.log(USAGE);
      return 0;
    }
    const passed = url === undefined ? await runOnLocalStack(yes) : await runOnStackAt(url, yes);
    return passed ? 0 : 1;
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof TypeError)) throw error;
    console.error(reasonOf(error));
    return error instanceof UsageError ? EXIT_USAGE : 1;
  }
}

/** @throws UsageError for a local stack, unless the user agrees that the demo moves its clock */
async function runOnStackAt(address: string, yes: boolean): Promise<boolean> {
  const url = address.replace(/\/$/, '');
  const stack = findStackOf(url);
  if (isLoopback(url) && !(await consented(url, stack, yes))) {
    throw new UsageError(`Nothing was changed at ${url}. Add --yes to use this stack.`);
  }
  return journey(url, stack);
}

async function runOnLocalStack(yes: boolean): Promise<boolean> {
  const settings = readSettings(process.env);
  const url = `http://localhost:${settings.port}`;
  if (!(await isServiceAt(url))) return runOnOwnStack(settings);
  const stack = findStackOf(url);
  if (await consented(url, stack, yes)) return journey(url, stack);
  return runOnOwnStack({ ...settings, port: await freePort() });
}

function consented(url: string, stack: RunningStack | null, yes: boolean): Promise<boolean> {
  return consentTo({ url, owner: stack?.owner ?? null, yes, ask: askOnTerminal, print: console.log });
}

async function runOnOwnStack(settings: Parameters<typeof startStack>[0]): Promise<boolean> {
  const url = `http://localhost:${settings.port}`;
  const progress = showProgress(process.stderr);
  const stack = await startStack(settings, { onStep: progress.step }).finally(progress.end);
  return journey(url, findStackOf(url)).finally(() => stack.stop());
}

/** The local stack behind an API. Null if the API is not on this machine, or the stack has no state file. */
function findStackOf(url: string): RunningStack | null {
  if (!isLoopback(url)) return null;
  const { port } = new URL(url);
  return port === '' ? null : findRunningStack(Number(port));
}
