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

const USAGE = `The journey of two customers: each step with its call, the balance before and after, and the ledger entries.

  npm run demo                    on a stack of its own, or on one that runs already if you agree
  npm run demo -- --yes           on the stack that runs on PORT (default 4000), without asking
  npm run demo -- --url https://…   on another stage, but never a live one: it signs customers up and charges cards

The journey moves the clock of the Stripe double by a month, for every customer of that stack. If a stack answers on PORT, the
demo says which one it is and asks. Without a yes, or without a terminal, it starts a stack of its own on a free port and stops
it at the end. Where there is no double, the steps that need one are left out.

  --yes        the stack that is found may be used, and its clock be moved
  --url URL    the address of another stack; one on this machine needs a yes too
  --help, -h   prints this text

Exit code 0 when every step did what it should and the ledger and Stripe agree, 1 when not, 2 when the command is wrong.`;

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
    const held = url === undefined ? await onStackOfThisMachine(yes) : await onStackAt(url, yes);
    return held ? 0 : 1;
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof TypeError)) throw error;
    console.error(reasonOf(error));
    return error instanceof UsageError ? EXIT_USAGE : 1;
  }
}

/** @throws UsageError when the stack is on this machine and nobody agreed that its clock is moved */
async function onStackAt(given: string, yes: boolean): Promise<boolean> {
  const url = given.replace(/\/$/, '');
  const stack = behind(url);
  if (isLoopback(url) && !(await consented(url, stack, yes))) {
    throw new UsageError(`Nothing was changed at ${url}. Add --yes to use this stack.`);
  }
  return journey(url, stack);
}

async function onStackOfThisMachine(yes: boolean): Promise<boolean> {
  const settings = readSettings(process.env);
  const url = `http://localhost:${settings.port}`;
  if (!(await isServiceAt(url))) return onOwnStack(settings);
  const stack = behind(url);
  if (await consented(url, stack, yes)) return journey(url, stack);
  return onOwnStack({ ...settings, port: await freePort() });
}

function consented(url: string, stack: RunningStack | null, yes: boolean): Promise<boolean> {
  return consentTo({ url, owner: stack?.owner ?? null, yes, ask: askOnTerminal, say: console.log });
}

async function onOwnStack(settings: Parameters<typeof startStack>[0]): Promise<boolean> {
  const url = `http://localhost:${settings.port}`;
  const progress = showProgress(process.stderr);
  const stack = await startStack(settings, { onStep: progress.step }).finally(progress.end);
  return journey(url, behind(url)).finally(() => stack.stop());
}

/** What is behind an API on this machine; null for one that is elsewhere, or left no note. */
function behind(url: string): RunningStack | null {
  if (!isLoopback(url)) return null;
  const { port } = new URL(url);
  return port === '' ? null : findRunningStack(Number(port));
}
