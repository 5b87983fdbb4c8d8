import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import { type StripeDouble, startStripeDouble } from '../../local/stripe-double/server.ts';
import { optionsOf, runCheck } from '../support/program.ts';
import { textTable } from '../support/text-table.ts';
import { type CliResult, type CliSetting, fetchCli, supportedEvents, trigger } from './cli.ts';

/*
 * Stripe's own command line against the double: `stripe trigger` for each event type that we handle and that it
 * supports. Its fixtures are calls that were written for Stripe, not for us, so they show whether the double takes what
 * Stripe takes and tells what Stripe tells.
 */

const USAGE = `npm run check:stripe-cli    \`stripe trigger\` of each event that we handle, against the double: 2 minutes

Fetches Stripe's own command line from npm the first time. Types that it cannot trigger are listed and do not fail.`;
const API_KEY = 'sk_test_double';
const OK = 'ok';
const NOT_SUPPORTED = 'not supported by the CLI';
const REASON_LENGTH = 240;

optionsOf(USAGE, {});
const home = mkdtempSync(join(tmpdir(), 'stripe-cli-'));
try {
  await runCheck(allTriggered);
} finally {
  rmSync(home, { recursive: true });
}

async function allTriggered(): Promise<boolean> {
  const cli = fetchCli();
  if (!(await noticesARefusal(cli))) {
    console.log('A call that the double refuses did not fail: what follows would say nothing.');
    return false;
  }
  const supported = await onADouble((_, setting) => supportedEvents(cli, setting));
  const rows: [type: string, result: string][] = [];
  for (const type of HANDLED_EVENT_TYPES) {
    rows.push([type, supported.has(type) ? await triggered(cli, type) : NOT_SUPPORTED]);
  }
  console.log(textTable(['event type', 'stripe trigger'], rows));
  const count = (wanted: string) => rows.filter(([, result]) => result === wanted).length;
  const failed = rows.length - count(OK) - count(NOT_SUPPORTED);
  console.log(
    `\n${count(OK)} triggered, ${count(NOT_SUPPORTED)} not supported by the CLI, ${failed} failed.`,
  );
  return failed === 0 && count(OK) > 0;
}

/** Whether it worked, and what was wrong if not. On a double of its own: the event can only come from this trigger. */
function triggered(cli: string, type: string): Promise<string> {
  return onADouble(async ({ double }, setting) => {
    const result = await trigger(cli, setting, type);
    if (result.exitCode !== 0) return `failed: ${reasonOf(result)}`;
    const types = double.state.events.newestFirst.map((event) => event.type);
    if (types.some((recorded) => recorded === type)) return OK;
    return `failed: no such event, only ${types.toReversed().join(', ') || 'nothing'}`;
  });
}

/** The same way to see a failure as for the types themselves, on a call that must fail. */
function noticesARefusal(cli: string): Promise<boolean> {
  return onADouble(async (_, setting) => {
    const wrong = ['--add', 'payment_intent:no_such_parameter=1'];
    const result = await trigger(cli, setting, 'payment_intent.succeeded', wrong);
    return result.exitCode !== 0 && reasonOf(result).includes('no_such_parameter');
  });
}

async function onADouble<T>(work: (running: StripeDouble, setting: CliSetting) => Promise<T>): Promise<T> {
  const running = await startStripeDouble({ apiKey: API_KEY });
  try {
    return await work(running, { apiBase: running.url, apiKey: API_KEY, home });
  } finally {
    await running.stop();
  }
}

function reasonOf({ exitCode, stdout, stderr }: CliResult): string {
  const said = (stderr.trim() || stdout).replaceAll(/\s+/g, ' ').trim().slice(0, REASON_LENGTH);
  return `${exitCode === null ? 'it hung' : `exit code ${exitCode}`}: ${said}`;
}
