import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import { type StripeDouble, startStripeDouble } from '../../local/stripe-double/server.ts';
import { recorder } from '../stripe-openapi/recorder.ts';
import { isCommitted, markdownTable } from '../support/generated-page.ts';
import { optionsOf, runCheck } from '../support/program.ts';
import { type CliResult, type CliSetting, fetchCli, resend, supportedEvents, trigger } from './cli.ts';
import { COMPOSED, OUT_OF_SCOPE } from './out-of-scope.ts';

/*
 * Runs Stripe's own command line against the stand-in: `stripe trigger` for each event type that it supports.
 * Its fixtures were written for Stripe. So they show whether the stand-in accepts and reports the same as
 * Stripe.
 */

const USAGE = `npm run check:stripe-cli [-- --write]    Stripe's command line against the stand-in: 2 minutes

Runs \`stripe trigger\` for each event type, and \`stripe events resend\`.

The first run fetches Stripe's command line from npm.
  --write    write docs/checks/stripe-cli.md`;
const PAGE = 'docs/checks/stripe-cli.md';
const Delivered = z.object({ id: z.string() });
const RESENT_WITHIN_MS = 5_000;
const API_KEY = 'sk_test_double';
const OK = 'fits';
const NOT_SUPPORTED = 'the CLI cannot trigger it';
const REASON_LENGTH = 240;

const { write = false } = optionsOf(USAGE, { write: { type: 'boolean' } });
const home = mkdtempSync(join(tmpdir(), 'stripe-cli-'));
try {
  await runCheck(allTriggered);
} finally {
  rmSync(home, { recursive: true });
}

async function allTriggered(): Promise<boolean> {
  const cli = fetchCli();
  if (!(await noticesARefusal(cli))) {
    console.log('A call that the stand-in rejects did not fail, so the results would prove nothing.');
    return false;
  }
  const supported = await onADouble((_, setting) => supportedEvents(cli, setting));
  const types = [...new Set([...supported, ...HANDLED_EVENT_TYPES])].toSorted();
  const rows: Row[] = [];
  const complaints: string[] = [];
  for (const type of types) {
    const found = supported.has(type) ? await triggered(cli, type) : NOT_SUPPORTED;
    const why = reasonWhy(type, found);
    if (why !== undefined && found === OK) complaints.push(`${type} fits, and is listed as out of scope.`);
    if (why === undefined && found !== OK && found !== NOT_SUPPORTED) complaints.push(`${type} ${found}`);
    rows.push([type, found === OK || found === NOT_SUPPORTED ? found : 'out of scope', why ?? '']);
  }
  if (!(await isResent(cli))) complaints.push('`stripe events resend` does not deliver an event again.');
  for (const complaint of complaints) console.log(complaint);
  const isCurrent = isCommitted(PAGE, page(rows), write, 'npm run check:stripe-cli');
  const count = (wanted: string) => rows.filter(([, result]) => result === wanted).length;
  console.log(
    `${count(OK)} triggered, ${count('out of scope')} out of scope, ` +
      `${count(NOT_SUPPORTED)} not supported by the CLI, ${complaints.length} complaints.`,
  );
  return complaints.length === 0 && count(OK) > 0 && isCurrent;
}

type Row = readonly [type: string, result: string, why: string];

/** The reason why a trigger may fail. Undefined if it must work. */
function reasonWhy(type: string, found: string): string | undefined {
  const listed = OUT_OF_SCOPE.find(({ types }) => types.includes(type))?.why;
  const path = /Unrecognized request URL \((\w+: [^)]*)\)/.exec(found)?.[1];
  return (
    listed ??
    (path === undefined
      ? undefined
      : `The stand-in does not have ${path.replaceAll(/\b[a-z]+_0000\w+/g, ':id')}.`)
  );
}

/** The generated page, which is the same in every run. */
function page(rows: readonly Row[]): string {
  return `# The stand-in against Stripe's command line

Written by \`npm run check:stripe-cli -- --write\`; do not edit.

Stripe's own command line triggers each event type that it supports, on a fresh stand-in for each.
A trigger fits if the stand-in accepts each of its calls and records the event.
\`stripe events resend\` must deliver an event again.

${markdownTable(['event type', 'stripe trigger', 'why'], rows)}
`;
}

/** Whether `resend` delivers an event to an endpoint a second time. */
async function isResent(cli: string): Promise<boolean> {
  const received: string[] = [];
  const endpoint = createServer((request, response) => {
    void text(request).then((body) => {
      received.push(Delivered.parse(JSON.parse(body)).id);
      response.end();
    });
  });
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  const address = endpoint.address();
  if (address === null || typeof address === 'string')
    throw new SetupError('The endpoint listens on no port.');
  try {
    return await onADouble(async ({ url, double }, setting) => {
      const { stripe } = recorder(url, API_KEY);
      const { id } = await stripe.webhookEndpoints.create({
        url: `http://127.0.0.1:${address.port}/`,
        enabled_events: ['customer.created'],
      });
      await stripe.customers.create({ name: 'Ada' });
      await double.deliveries.idle();
      const [event] = received;
      if (event === undefined) return false;
      const result = await resend(cli, setting, event, id);
      if (result.exitCode !== 0) console.log(reasonOf(result));
      const deadline = performance.now() + RESENT_WITHIN_MS;
      while (received.length < 2 && performance.now() < deadline)
        await double.deliveries.idle().then(() => sleep(20));
      return received.length === 2 && received[1] === event;
    });
  } finally {
    endpoint.close();
  }
}

/**
 * Runs a trigger against its own stand-in, so that the event can only come from this trigger. Returns what
 * went wrong, if anything.
 */
function triggered(cli: string, type: string): Promise<string> {
  return onADouble(async ({ double }, setting) => {
    const result = await trigger(cli, setting, type);
    if (result.exitCode !== 0) return `failed: ${reasonOf(result)}`;
    if (COMPOSED.includes(type)) return OK;
    const types = double.state.events.newestFirst.map((event) => event.type);
    if (types.some((recorded) => recorded === type)) return OK;
    return `failed: no such event, only ${types.toReversed().join(', ') || 'nothing'}`;
  });
}

/** Verifies that a failure is detected, with a call that must fail. */
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
  const reason = (stderr.trim() || stdout).replaceAll(/\s+/g, ' ').trim().slice(0, REASON_LENGTH);
  return `${exitCode === null ? 'timed out' : `exit code ${exitCode}`}: ${reason}`;
}
