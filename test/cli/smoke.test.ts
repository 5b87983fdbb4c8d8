import { once } from 'node:events';
import { createServer } from 'node:http';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod/mini';
import { cleanUp } from '../../cli/smoke/cleanup.ts';
import { ApiClient } from '../../cli/stage/api-client.ts';
import { noteRunningStack } from '../../cli/stage/running.ts';
import { EXIT, Failure } from '../../cli/terminal/failure.ts';
import { WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { keys } from '../../lib/store/keys.ts';
import { ensureWebhookEndpoint } from '../../lib/stripe/setup/webhook-endpoint.ts';
import { freePort } from '../../local/stack/ports.ts';
import { CARD_NAMES, fingerprintOf, isCardName, testCard } from '../../local/stripe-double/cards.ts';
import { startAwsDouble } from '../support/aws-double.ts';
import { startApiServer } from '../support/cli/api-server.ts';
import { openService } from '../support/cli/service.ts';
import { runInShell, type ShellOptions } from '../support/cli/shell.ts';
import { startCommand } from '../support/command-line.ts';
import { contentsOf, keyOf } from '../support/contents.ts';
import { parkedOf } from '../support/parked-events.ts';

vi.mock('../../lib/runtime/start.ts', () => import('../support/cli/runtime.ts'));

const Answer = z.object({
  ok: z.boolean(),
  email: z.string(),
  steps: z.array(z.object({ id: z.string(), state: z.string(), detail: z.string() })),
});
const ErrorAnswer = z.object({ error: z.object({ code: z.string(), detail: z.string() }) });
const errorIn = (stdout: string) => ErrorAnswer.parse(JSON.parse(stdout)).error;

const service = await openService();
afterAll(() => service.stop());
const { deps, money, table } = service;

let onCall = async (_call: string) => {};
const server = await startApiServer((call) => onCall(call));
afterAll(() => server.stop());

const { secret } = await ensureWebhookEndpoint(money.stripe, server.url + WEBHOOK_PATH);
process.env['STRIPE_WEBHOOK_SECRETS'] = secret ?? '';
/** All that Stripe has to tell has arrived. */
const idle = () => money.control('webhooks/idle');

describe('smoke against a local stack', () => {
  const env = () => ({ PORT: String(server.port) });
  const smokeWith = (options: ShellOptions, ...more: string[]) =>
    service.runIn(options, 'smoke', '--url', server.url, ...more);
  const smoke = (...more: string[]) => smokeWith({ env: env() }, ...more);

  // While the clean-up waits, Stripe's events arrive.
  service.onSleep(idle);
  afterEach(async () => {
    onCall = async () => {};
    await money.control('faults/clear');
  });

  /** All that is stored, but for how often this address has signed up of late, which is nobody's and expires in a minute. */
  const stored = async () =>
    (await contentsOf(table)).filter((item) => !keyOf(item).startsWith('RATE#onboard#'));

  const leftAtStripe = () => {
    const { customers, subscriptions } = money.double.state;
    return [
      ...customers.newestFirst.filter(({ email }) => email?.startsWith('smoke+')),
      ...subscriptions.newestFirst.filter(({ ended_at: ended }) => ended === null),
    ];
  };

  const leavingNothing = async <T>(work: () => Promise<T>): Promise<T> => {
    const before = await stored();
    const result = await work();
    await idle();
    expect(leftAtStripe()).toEqual([]);
    expect(await stored()).toEqual(before);
    return result;
  };

  it('goes the journey 5, 10, 9, 69 and leaves nothing, here and at Stripe', async () => {
    const { code, stdout, stderr } = await leavingNothing(() => smoke());
    expect(stdout.split('\n')).toEqual([
      'stage local',
      expect.stringMatching(/^ok {5}Sign up: 5 credits$/),
      expect.stringMatching(/^ok {5}Add a card: 10 credits/),
      expect.stringMatching(/^ok {5}Record and bill a fix: 9 credits$/),
      expect.stringMatching(/^ok {5}Subscribe to Pro: 69 credits$/),
      expect.stringMatching(/^ok {5}Statement: 4 entries, which lead to 69$/),
      expect.stringMatching(/^ok {5}Cancel: 69 credits, which stay$/),
      expect.stringMatching(/^ok {5}Clean up: removed, with \d+ items$/),
      'dev holds.',
      '',
    ]);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('parks no event, whose alarm would wake somebody', async () => {
    await leavingNothing(() => smoke());
    expect(await parkedOf(table, deps.now())).toEqual([]);
  });

  it('answers programs with one JSON document', async () => {
    const { code, stdout } = await leavingNothing(() => smoke('--json'));
    const { ok, steps } = Answer.parse(JSON.parse(stdout));
    expect([code, ok]).toEqual([0, true]);
    expect(steps.map(({ id }) => id)).toEqual([
      'sign-up',
      'card',
      'fix',
      'pro',
      'statement',
      'cancel',
      'clean-up',
    ]);
  });

  it('tries the next test card where one has brought its bonus to somebody, whose it stays', async () => {
    await spend('visa', 'mastercard');
    const { code, stdout } = await leavingNothing(() => smoke());
    expect(stdout).toContain('Add a card: 10 credits (amex)');
    expect(code).toBe(0);
  });

  it('says so where every test card has brought its bonus, and goes on without', async () => {
    await spend(...CARD_NAMES);
    const { code, stdout } = await leavingNothing(() => smoke('--json'));
    const { steps } = Answer.parse(JSON.parse(stdout));
    expect(steps.find(({ id }) => id === 'card')?.detail).toMatch(/^5 credits; no bonus, for every one/);
    expect(steps.find(({ id }) => id === 'pro')?.detail).toBe('64 credits');
    expect(code).toBe(0);
  });

  it.each([
    { step: 'Subscribe to Pro', path: '/v1/subscriptions', method: 'POST', skipped: 2 },
    { step: 'Add a card', path: '/v1/payment_methods/*/attach', method: 'POST', skipped: 4 },
    { step: 'Add a card', path: '/v1/customers', method: 'POST', skipped: 4 },
  ])('cleans up when $path fails at Stripe, and exits 1', async ({ step, path, method, skipped }) => {
    await money.control('faults', { method, path, kind: '500_before', times: 20 });
    const { code, stdout } = await leavingNothing(() => smoke());
    expect(stdout).toMatch(new RegExp(`^wrong  ${step}: `, 'm'));
    expect(stdout.match(/^- {6}.*: a step before it did not hold$/gm)).toHaveLength(skipped);
    expect(stdout).toMatch(/^ok {5}Clean up: removed/m);
    expect(code).toBe(1);
  });

  it('cleans up when the answer to a payment is lost', async () => {
    await money.control('faults', {
      method: 'POST',
      path: '/v1/subscriptions',
      kind: 'drop_after',
      times: 4,
    });
    const { stdout } = await leavingNothing(() => smoke());
    expect(stdout).toMatch(/^ok {5}Clean up: removed/m);
  });

  /** A stack as far as smoke in a process of its own needs it: the API, and the functions that clean up. */
  function startProcess() {
    const stripe = { secretKey: 'sk_test_x', webhookSecrets: [], apiBase: server.url, proPriceId: 'price_x' };
    const stack = { endpoint: server.url, lambdaEndpoint: server.url, stripe };
    onTestFinished(noteRunningStack(server.port, stack));
    return startCommand(['smoke', '--url', server.url], env());
  }

  it('cleans up on Ctrl-C, after the call that is under way, and exits 130', async () => {
    const { code, stdout, stderr } = await leavingNothing(async () => {
      const { process: child, ended } = startProcess();
      let isKnown = () => {};
      const interrupted = new Promise<void>((resolve) => {
        isKnown = resolve;
      });
      child.stderr?.once('data', () => isKnown());
      onCall = async (call) => {
        if (call !== 'POST /api/v1/payment-method' || child.killed) return;
        child.kill('SIGINT');
        await interrupted;
      };
      return ended;
    });
    expect(stdout).toMatch(/^ok {5}Add a card/m);
    expect(stdout).toMatch(/^- {6}Record and bill a fix: interrupted$/m);
    expect(stdout).toMatch(/^- {6}Cancel: interrupted$/m);
    expect(stdout).toMatch(/^Interrupted: dev was not tried to the end\.$/m);
    expect(stderr).toMatch(/^ {2}curl -d '.*"smoke\+.*' http:\/\/127\.0\.0\.1:\d+\/2015/m);
    expect(stdout).toMatch(/^ok {5}Clean up: removed/m);
    expect(code).toBe(130);
  });

  it.each(['stdout', 'stderr'] as const)('comes to its end when nobody reads %s any more', async (name) => {
    const { code } = await leavingNothing(async () => {
      const { process: child, ended } = startProcess();
      ended.catch(() => {}); // what it wrote is not read to its end
      const hasClosed = once(child, 'close');
      if (name === 'stderr') child.stderr?.destroy();
      // As `… | head -1`: gone with the first line.
      else child.stdout?.once('data', () => child.stdout?.destroy());
      await hasClosed;
      return { code: child.exitCode };
    });
    expect(code).toBe(EXIT.ok);
  });

  it('refuses an address that is another stage, before anything is created', async () => {
    const { code, stdout } = await leavingNothing(() =>
      smokeWith({ env: TO_NOBODY }, '--stage', 'staging', '--json'),
    );
    expect(errorIn(stdout).detail).toContain(`${server.url} is the stage dev, and --stage says staging`);
    expect(code).toBe(2);
  });

  it('refuses another address than that of the stack on PORT, whose functions would clean up', async () => {
    const url = `http://localhost:${await freePort()}`;
    const { code, stdout } = await leavingNothing(() =>
      service.runIn({ env: env() }, 'smoke', '--url', url, '--json'),
    );
    expect(errorIn(stdout).detail).toContain(`${url} is not the stack on this machine`);
    expect(code).toBe(2);
  });

  /** Until the test ends, the bonuses of these cards belong to another customer. */
  async function spend(...names: readonly string[]) {
    for (const name of names.filter(isCardName)) {
      const Key = { ...keys.card(fingerprintOf(testCard(name).number)) };
      const Item = { ...Key, customer_id: 'f'.repeat(32) };
      await table.client.send(new PutCommand({ TableName: table.name, Item }));
      onTestFinished(async () => {
        await table.client.send(new DeleteCommand({ TableName: table.name, Key }));
      });
    }
  }
});

/** For a command line that must not find an account of AWS's. */
const TO_NOBODY = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
};

describe('smoke refuses', () => {
  /** The SDK reads the environment of the process. */
  function runIn(env: Record<string, string>, ...args: readonly string[]) {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    return runInShell(args, { env });
  }

  /** An API of which only /health is there; everything that it is asked is told. */
  async function someApi(stage: string) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ status: 'ok', stage, table: { latency_ms: 1 } }));
    });
    const port = await freePort();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `http://127.0.0.1:${port}`, asked };
  }

  /** The same, by an address that does not look like this machine. */
  const elsewhere = (url: string) => url.replace('127.0.0.1', '0.0.0.0');

  it('--stage production, without asking anybody anything', async () => {
    const { url, asked } = await someApi('production');
    const { code, stdout } = await runIn(TO_NOBODY, 'smoke', '--url', url, '--stage', 'production', '--json');
    expect(errorIn(stdout).code).toBe('live_stage');
    expect(code).toBe(1);
    expect(asked).toEqual([]);
  });

  it('a stage that says of itself that it is live, whatever --stage says, before anything is created', async () => {
    const aws = await startAwsDouble('dev');
    onTestFinished(() => aws.stop());
    const { url, asked } = await someApi('production');
    const { code, stdout } = await runIn(aws.env, 'smoke', '--url', url, '--stage', 'dev', '--json');
    expect(errorIn(stdout).code).toBe('live_stage');
    expect(code).toBe(1);
    expect(asked).toEqual(['GET /health']);
    expect(aws.calls).toEqual([]);
  });

  it('the live stage also where none was named', async () => {
    const { url, asked } = await someApi('production');
    const { code, stdout } = await runIn(TO_NOBODY, 'smoke', '--url', elsewhere(url), '--json');
    expect(errorIn(stdout).code).toBe('live_stage');
    expect(code).toBe(1);
    expect(asked).toEqual(['GET /health']);
  });

  it('a stage that it does not know', async () => {
    const { url } = await someApi('canary');
    const { code, stdout } = await runIn(TO_NOBODY, 'smoke', '--url', elsewhere(url), '--json');
    expect(errorIn(stdout).detail).toContain('is the stage canary, which this release does not know');
    expect(code).toBe(2);
  });

  it('takes the stage that answers where none was named: its functions are to clean up', async () => {
    const aws = await startAwsDouble('staging');
    onTestFinished(() => aws.stop());
    aws.deployment.denied.add('Invoke');
    const { url } = await someApi('staging');
    const { stdout } = await runIn(aws.env, 'smoke', '--url', elsewhere(url), '--json');
    expect(errorIn(stdout).code).toBe('access_denied');
    expect(aws.calls).toEqual(['Invoke']);
  });

  it('whoever may not clean up, before anything is created', async () => {
    const aws = await startAwsDouble('dev');
    onTestFinished(() => aws.stop());
    aws.deployment.denied.add('Invoke');
    const { url, asked } = await someApi('dev');
    const { code, stdout } = await runIn(aws.env, 'smoke', '--url', url, '--stage', 'dev', '--json');
    expect(errorIn(stdout).code).toBe('access_denied');
    expect(code).toBe(3);
    expect(asked).toEqual(['GET /health']);
  });

  it('an address that is none', async () => {
    for (const url of ['billing', 'ftp://billing.example', 'http://']) {
      const args = ['smoke', '--url', url, '--stage', 'dev', '--json'];
      const { code, stdout } = await runIn(TO_NOBODY, ...args);
      expect(errorIn(stdout)).toMatchObject({
        code: 'usage',
        detail: expect.stringContaining(`--url is "${url}"; it must be the http or https address of the API`),
      });
      expect(code).toBe(2);
    }
  });

  it('a host that cannot be reached, in one line and with an exit code of its own', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const args = ['smoke', '--url', url, '--stage', 'dev', '--json'];
    const { code, stdout, stderr } = await runIn(TO_NOBODY, ...args);
    expect(errorIn(stdout)).toEqual({
      code: 'stage_unreachable',
      detail: expect.stringMatching(/^http:\/\/127.* does not answer: connect ECONNREFUSED .*\.$/),
    });
    expect([code, stderr]).toEqual([3, '']);
  });
});

describe('the clean-up of smoke', () => {
  const traveller = (known: { signedUp: boolean; signUpUnanswered: boolean }) => ({
    api: new ApiClient('http://127.0.0.1:9'),
    email: 'smoke+0123456789abcdef@rsolv.dev',
    sleep: async () => {},
    entries: [],
    ...known,
  });
  const SIGNED_UP = traveller({ signedUp: true, signUpUnanswered: false });

  /** What becomes of it when the stage answers so, call by call, and then always as the last time. */
  async function outcome(answers: readonly (Removal | Error)[], who = SIGNED_UP) {
    const awaited: boolean[] = [];
    const remove = async (awaitEvents: boolean) => {
      awaited.push(awaitEvents);
      const answer = answers[Math.min(awaited.length, answers.length) - 1];
      if (answer === undefined || answer instanceof Error) throw answer;
      return answer;
    };
    const { state, detail } = await cleanUp(remove, who, { byHand: 'BY HAND', onWaiting: () => {} });
    return { state, detail, calls: awaited.length, awaitedLast: awaited.at(-1) };
  }
  type Removal = Awaited<ReturnType<Parameters<typeof cleanUp>[0]>>;
  const waiting: Removal = { state: 'waiting', events: 2 };
  const removed: Removal = { state: 'removed', items: 20 };
  const unknown: Removal = { state: 'unknown' };
  const busy = new Failure('ledger_busy', 'The ledger is busy.', EXIT.refused);

  it('waits for events, and comes again after a failure', async () => {
    expect(await outcome([waiting, busy, waiting, removed])).toMatchObject({ state: 'ok', calls: 4 });
  });

  it('removes the customer all the same where events stay away, and does not call that well', async () => {
    const found = await outcome([...Array.from({ length: 60 }, () => waiting), removed]);
    expect(found).toMatchObject({ state: 'wrong', calls: 61, awaitedLast: false });
    expect(found.detail).toContain("removed, but 2 of Stripe's events did not arrive within 60 s");
  });

  it('says how to do it by hand where it cannot', async () => {
    expect(await outcome([busy])).toMatchObject({
      state: 'wrong',
      detail: 'not removed: The ledger is busy. By hand: BY HAND',
    });
  });

  it('has nothing to do before the sign-up', async () => {
    const who = traveller({ signedUp: false, signUpUnanswered: false });
    expect(await outcome([unknown], who)).toMatchObject({ state: 'ok', calls: 1 });
  });

  it('looks again for a customer whose sign-up was not answered and may still come', async () => {
    const who = traveller({ signedUp: false, signUpUnanswered: true });
    expect(await outcome([unknown, unknown, removed], who)).toMatchObject({ state: 'ok', calls: 3 });
    expect(await outcome([unknown], who)).toMatchObject({ state: 'ok', calls: 20 });
  });

  it('does not believe that nobody is there where somebody was signed up', async () => {
    expect(await outcome([unknown])).toMatchObject({ state: 'wrong', calls: 1 });
  });
});
