import { once } from 'node:events';
import { createServer } from 'node:http';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod/mini';
import { cleanUp } from '../../cli/smoke/cleanup.ts';
import { ApiClient } from '../../cli/stage/api-client.ts';
import { registerRunningStack } from '../../cli/stage/running.ts';
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
import { documents } from '../support/documents.ts';
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
/** Waits until all webhooks are delivered. */
const webhooksIdle = () => money.control('webhooks/idle');

describe('smoke against a local stack', () => {
  const env = () => ({ PORT: String(server.port) });
  const smokeWith = (options: ShellOptions, ...more: string[]) =>
    service.runIn(options, 'smoke', '--url', server.url, ...more);
  const smoke = (...more: string[]) => smokeWith({ env: env() }, ...more);

  // Stripe's events arrive while the cleanup waits.
  service.onSleep(webhooksIdle);
  afterEach(async () => {
    onCall = async () => {};
    await money.control('faults/clear');
  });

  /** All stored items except the sign-up rate limit, which belongs to no customer and expires in a minute. */
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
    await webhooksIdle();
    expect(leftAtStripe()).toEqual([]);
    expect(await stored()).toEqual(before);
    return result;
  };

  it('smoke passes with 5, 10, 9 and 69 credits and leaves nothing here or at Stripe', async () => {
    const { code, stdout, stderr } = await leavingNothing(() => smoke());
    expect(stdout.split('\n')).toEqual([
      'stage local',
      expect.stringMatching(/^ok {5}Sign up: 5 credits$/),
      expect.stringMatching(/^ok {5}Add a card: 10 credits/),
      expect.stringMatching(/^ok {5}Record and bill a fix: 9 credits$/),
      expect.stringMatching(/^ok {5}Subscribe to Pro: 69 credits$/),
      expect.stringMatching(/^ok {5}Statement: 4 entries, balance 69$/),
      expect.stringMatching(/^ok {5}Cancel: 69 credits kept$/),
      expect.stringMatching(/^ok {5}Clean up: removed, with \d+ items$/),
      'dev passed.',
      '',
    ]);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('smoke leaves no parked event, so it raises no alarm', async () => {
    await leavingNothing(() => smoke());
    expect(await parkedOf(table, deps.now())).toEqual([]);
  });

  it('smoke --json prints one JSON document', async () => {
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

  it('smoke tries the next test card if another customer has the bonus of the first', async () => {
    await spend('visa', 'mastercard');
    const { code, stdout } = await leavingNothing(() => smoke());
    expect(stdout).toContain('Add a card: 10 credits (amex)');
    expect(code).toBe(0);
  });

  it('smoke continues without a bonus if every test card has earned its bonus', async () => {
    await spend(...CARD_NAMES);
    const { code, stdout } = await leavingNothing(() => smoke('--json'));
    const { steps } = Answer.parse(JSON.parse(stdout));
    expect(steps.find(({ id }) => id === 'card')?.detail).toMatch(/^5 credits; no bonus, because all/);
    expect(steps.find(({ id }) => id === 'pro')?.detail).toBe('64 credits');
    expect(code).toBe(0);
  });

  it.each([
    { step: 'Subscribe to Pro', path: '/v1/subscriptions', method: 'POST', skipped: 2 },
    { step: 'Add a card', path: '/v1/payment_methods/*/attach', method: 'POST', skipped: 4 },
    { step: 'Add a card', path: '/v1/customers', method: 'POST', skipped: 4 },
  ])(
    'smoke cleans up and exits with 1 when $path fails at Stripe',
    async ({ step, path, method, skipped }) => {
      await money.control('faults', { method, path, kind: '500_before', times: 20 });
      const { code, stdout } = await leavingNothing(() => smoke());
      expect(stdout).toMatch(new RegExp(`^wrong  ${step}: `, 'm'));
      expect(stdout.match(/^- {6}.*: an earlier step failed$/gm)).toHaveLength(skipped);
      expect(stdout).toMatch(/^ok {5}Clean up: removed/m);
      expect(code).toBe(1);
    },
  );

  it('smoke cleans up when the answer to a payment is lost', async () => {
    await money.control('faults', {
      method: 'POST',
      path: '/v1/subscriptions',
      kind: 'drop_after',
      times: 4,
    });
    const { stdout } = await leavingNothing(() => smoke());
    expect(stdout).toMatch(/^ok {5}Clean up: removed/m);
  });

  /** Runs smoke in its own process, against the API and the cleanup functions of this process. */
  function startProcess() {
    const stripe = { secretKey: 'sk_test_x', webhookSecrets: [], apiBase: server.url, proPriceId: 'price_x' };
    const stack = { endpoint: server.url, lambdaEndpoint: server.url, stripe };
    onTestFinished(registerRunningStack(server.port, stack));
    return startCommand(['smoke', '--url', server.url], env());
  }

  it('smoke cleans up on Ctrl-C after the call in flight, and exits with 130', async () => {
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
    expect(stdout).toMatch(/^Interrupted: not every step ran on dev\.$/m);
    expect(stderr).toMatch(/^ {2}curl -d '.*"smoke\+.*' http:\/\/127\.0\.0\.1:\d+\/2015/m);
    expect(stdout).toMatch(/^ok {5}Clean up: removed/m);
    expect(code).toBe(130);
  });

  it.each(['stdout', 'stderr'] as const)('smoke runs to its end when the reader closes %s', async (name) => {
    const { code } = await leavingNothing(async () => {
      const { process: child, ended } = startProcess();
      ended.catch(() => {}); // its output is not read to the end
      const hasClosed = once(child, 'close');
      if (name === 'stderr') child.stderr?.destroy();
      // Like `… | head -1`: closed after the first line.
      else child.stdout?.once('data', () => child.stdout?.destroy());
      await hasClosed;
      return { code: child.exitCode };
    });
    expect(code).toBe(EXIT.ok);
  });

  it('smoke refuses an address of another stage before it creates anything', async () => {
    const { code, stdout } = await leavingNothing(() =>
      smokeWith({ env: NO_AWS }, '--stage', 'staging', '--json'),
    );
    expect(errorIn(stdout).detail).toContain(`${server.url} is the stage dev, but --stage is staging`);
    expect(code).toBe(2);
  });

  it('smoke refuses an address other than that of the stack on PORT', async () => {
    const url = `http://localhost:${await freePort()}`;
    const { code, stdout } = await leavingNothing(() =>
      service.runIn({ env: env() }, 'smoke', '--url', url, '--json'),
    );
    expect(errorIn(stdout).detail).toContain(`${url} is not the local stack`);
    expect(code).toBe(2);
  });

  /** Gives the bonuses of these cards to another customer until the test ends. */
  async function spend(...names: readonly string[]) {
    for (const name of names.filter(isCardName)) {
      const Key = { ...keys.card(fingerprintOf(testCard(name).number)) };
      const Item = { ...Key, customer_id: 'f'.repeat(32) };
      await documents(table).send(new PutCommand({ TableName: table.name, Item }));
      onTestFinished(async () => {
        await documents(table).send(new DeleteCommand({ TableName: table.name, Key }));
      });
    }
  }
});

/** Keeps a command line away from every AWS account. */
const NO_AWS = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
};

describe('the target of smoke', () => {
  /** The SDK reads the environment of the process. */
  function runIn(env: Record<string, string>, ...args: readonly string[]) {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    return runInShell(args, { env });
  }

  /** An API that answers every call like /health and records the calls. */
  async function someApi(stage: string) {
    const calls: string[] = [];
    const server = createServer((request, response) => {
      calls.push(`${request.method} ${request.url}`);
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
    return { url: `http://127.0.0.1:${port}`, calls };
  }

  /** The same server through an address that is not a loopback address. */
  const elsewhere = (url: string) => url.replace('127.0.0.1', '0.0.0.0');

  it('smoke refuses --stage production without any call', async () => {
    const { url, calls } = await someApi('production');
    const { code, stdout } = await runIn(NO_AWS, 'smoke', '--url', url, '--stage', 'production', '--json');
    expect(errorIn(stdout).code).toBe('live_stage');
    expect(code).toBe(1);
    expect(calls).toEqual([]);
  });

  it('smoke refuses a service that reports a live stage, also if --stage names a test stage', async () => {
    const aws = await startAwsDouble('dev');
    onTestFinished(() => aws.stop());
    const { url, calls } = await someApi('production');
    const { code, stdout } = await runIn(aws.env, 'smoke', '--url', url, '--stage', 'dev', '--json');
    expect(errorIn(stdout).code).toBe('live_stage');
    expect(code).toBe(1);
    expect(calls).toEqual(['GET /health']);
    expect(aws.calls).toEqual([]);
  });

  it('smoke refuses a service that reports a live stage if no stage is named', async () => {
    const { url, calls } = await someApi('production');
    const { code, stdout } = await runIn(NO_AWS, 'smoke', '--url', elsewhere(url), '--json');
    expect(errorIn(stdout).code).toBe('live_stage');
    expect(code).toBe(1);
    expect(calls).toEqual(['GET /health']);
  });

  it('smoke refuses an unknown stage', async () => {
    const { url } = await someApi('canary');
    const { code, stdout } = await runIn(NO_AWS, 'smoke', '--url', elsewhere(url), '--json');
    expect(errorIn(stdout).detail).toContain('is the stage canary, which this release does not know');
    expect(code).toBe(2);
  });

  it('smoke uses the stage that the service reports if no stage is named', async () => {
    const aws = await startAwsDouble('staging');
    onTestFinished(() => aws.stop());
    aws.deployment.denied.add('Invoke');
    const { url } = await someApi('staging');
    const { stdout } = await runIn(aws.env, 'smoke', '--url', elsewhere(url), '--json');
    expect(errorIn(stdout).code).toBe('access_denied');
    expect(aws.calls).toEqual(['Invoke']);
  });

  it('smoke creates nothing if the operator has no permission to clean up', async () => {
    const aws = await startAwsDouble('dev');
    onTestFinished(() => aws.stop());
    aws.deployment.denied.add('Invoke');
    const { url, calls } = await someApi('dev');
    const { code, stdout } = await runIn(aws.env, 'smoke', '--url', url, '--stage', 'dev', '--json');
    expect(errorIn(stdout).code).toBe('access_denied');
    expect(code).toBe(3);
    expect(calls).toEqual(['GET /health']);
  });

  it('smoke refuses an invalid address', async () => {
    for (const url of ['billing', 'ftp://billing.example', 'http://']) {
      const args = ['smoke', '--url', url, '--stage', 'dev', '--json'];
      const { code, stdout } = await runIn(NO_AWS, ...args);
      expect(errorIn(stdout)).toMatchObject({
        code: 'usage',
        detail: expect.stringContaining(`--url is "${url}"; it must be the http or https address of the API`),
      });
      expect(code).toBe(2);
    }
  });

  it('smoke reports an unreachable host in one line with exit code 3', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const args = ['smoke', '--url', url, '--stage', 'dev', '--json'];
    const { code, stdout, stderr } = await runIn(NO_AWS, ...args);
    expect(errorIn(stdout)).toEqual({
      code: 'stage_unreachable',
      detail: expect.stringMatching(/^http:\/\/127.* does not answer: connect ECONNREFUSED .*\.$/),
    });
    expect([code, stderr]).toEqual([3, '']);
  });
});

describe('the cleanup of smoke', () => {
  const smokeCustomer = (signUp: { signedUp: boolean; signUpUnanswered: boolean }) => ({
    api: new ApiClient('http://127.0.0.1:9'),
    email: 'smoke+0123456789abcdef@rsolv.dev',
    sleep: async () => {},
    entries: [],
    ...signUp,
  });
  const SIGNED_UP = smokeCustomer({ signedUp: true, signUpUnanswered: false });

  /** The outcome of the cleanup if the stage gives these answers in order and then repeats the last one. */
  async function outcome(answers: readonly (Removal | Error)[], customer = SIGNED_UP) {
    const awaited: boolean[] = [];
    const remove = async (awaitEvents: boolean) => {
      awaited.push(awaitEvents);
      const answer = answers[Math.min(awaited.length, answers.length) - 1];
      if (answer === undefined || answer instanceof Error) throw answer;
      return answer;
    };
    const { state, detail } = await cleanUp(remove, customer, {
      manualRemoval: 'COMMAND',
      onWaiting: () => {},
    });
    return { state, detail, calls: awaited.length, awaitedLast: awaited.at(-1) };
  }
  type Removal = Awaited<ReturnType<Parameters<typeof cleanUp>[0]>>;
  const waiting: Removal = { state: 'waiting', events: 2 };
  const removed: Removal = { state: 'removed', items: 20 };
  const unknown: Removal = { state: 'unknown' };
  const busy = new Failure('ledger_busy', 'The ledger is busy.', EXIT.refused);

  it('the cleanup waits for events and retries after a failure', async () => {
    expect(await outcome([waiting, busy, waiting, removed])).toMatchObject({ state: 'ok', calls: 4 });
  });

  it('the cleanup removes the customer without the missing events and reports them', async () => {
    const found = await outcome([...Array.from({ length: 60 }, () => waiting), removed]);
    expect(found).toMatchObject({ state: 'wrong', calls: 61, awaitedLast: false });
    expect(found.detail).toContain("removed, but 2 of Stripe's events did not arrive within 60 s");
  });

  it('a failed cleanup prints the command to remove the customer by hand', async () => {
    expect(await outcome([busy])).toMatchObject({
      state: 'wrong',
      detail: 'not removed: The ledger is busy. By hand: COMMAND',
    });
  });

  it('the cleanup has nothing to do before the sign-up', async () => {
    const customer = smokeCustomer({ signedUp: false, signUpUnanswered: false });
    expect(await outcome([unknown], customer)).toMatchObject({ state: 'ok', calls: 1 });
  });

  it('the cleanup retries while an unanswered sign-up may still succeed', async () => {
    const customer = smokeCustomer({ signedUp: false, signUpUnanswered: true });
    expect(await outcome([unknown, unknown, removed], customer)).toMatchObject({ state: 'ok', calls: 3 });
    expect(await outcome([unknown], customer)).toMatchObject({ state: 'ok', calls: 20 });
  });

  it('the cleanup reports a signed-up customer that the stage does not know', async () => {
    expect(await outcome([unknown])).toMatchObject({ state: 'wrong', calls: 1 });
  });
});
