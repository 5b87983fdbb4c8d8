import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod/mini';
import { Invoker } from '../../cli/stage/invoke.ts';
import { registerRunningStack } from '../../cli/stage/running.ts';
import { openLambda } from '../../cli/stage/transport.ts';
import { EXIT, toFailure } from '../../cli/terminal/failure.ts';
import { warnLowBalancesContract } from '../../lib/operators/contracts.ts';
import { freePort } from '../../local/stack/ports.ts';
import { runInShell } from '../support/cli/shell.ts';
import { TEST_CREDENTIALS } from '../support/table.ts';

/* The failures of an unreachable stage. A local server answers in AWS's wire format. */

const CUSTOMER = 'a'.repeat(32);
const READ = ['ledger', 'show', CUSTOMER];
/** With a key, so that adjust does not read the ledger to find a duplicate. */
const WRITE = ['adjust', CUSTOMER, '5', '--reason', 'x', '--key', 'k'];

interface Answer {
  readonly status: number;
  readonly error?: string;
  readonly headers?: Record<string, string>;
  readonly body: object;
}

let answer: Answer = { status: 200, body: {} };
const requests: { path: string; target: string }[] = [];
const aws = createServer((request, response) => {
  requests.push({ path: request.url ?? '', target: String(request.headers['x-amz-target'] ?? '') });
  const { status, error, headers, body } = answer;
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(error !== undefined && { 'x-amzn-errortype': error }),
    ...headers,
  });
  response.end(JSON.stringify(error === undefined ? body : { __type: error, message: 'refused', ...body }));
});
let url = '';
beforeAll(async () => {
  aws.listen(0, '127.0.0.1');
  await once(aws, 'listening');
  const address = aws.address();
  url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
});
afterAll(() => aws.close());

/** Hides the developer's own credentials from the SDK. */
const signedOut = () => ({
  AWS_REGION: 'us-east-1',
  AWS_PROFILE: '',
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_SESSION_TOKEN: '',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ENDPOINT_URL: url,
  // Without retries, because the SDK waits between its tries.
  AWS_MAX_ATTEMPTS: '1',
});
const signedIn = () => ({ ...signedOut(), ...TEST_CREDENTIALS });

const Failed = z.object({ error: z.object({ code: z.string(), detail: z.string() }) });
async function failed(args: readonly string[], env: Record<string, string>) {
  const { code, stdout } = await runWith(env, ...args, '--stage', 'staging', '--json');
  return { exit: code, ...Failed.parse(JSON.parse(stdout)).error };
}

/** The SDK reads the environment of the process. */
function runWith(env: Record<string, string>, ...args: readonly string[]) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return runInShell(args, { env });
}
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a deployed stage', () => {
  it.each([
    ['a read', READ],
    ['a write', WRITE],
  ])('%s without credentials fails with advice to sign in', async (_, args) => {
    expect(await failed(args, signedOut())).toEqual({
      exit: 3,
      code: 'no_credentials',
      detail: expect.stringContaining('aws sso login'),
    });
  });

  it('a command without a region names the variable to set', async () => {
    expect(await failed(READ, { ...signedIn(), AWS_REGION: '' })).toMatchObject({
      exit: 3,
      code: 'no_region',
      detail: expect.stringContaining('AWS_REGION'),
    });
  });

  it.each([
    ['ExpiredTokenException', 'credentials_expired', 'Sign in again'],
    ['UnrecognizedClientException', 'credentials_refused', 'AWS_PROFILE'],
    ['AccessDeniedException', 'access_denied', 'role'],
    ['ThrottlingException', 'throttled', 'Wait a minute'],
  ])('%s is reported in one line with advice, for reads and writes', async (error, code, detail) => {
    answer = { status: 400, error, body: {} };
    for (const args of [READ, WRITE]) {
      const failure = await failed(args, signedIn());
      expect(failure).toEqual({ exit: 3, code, detail: expect.stringContaining(detail) });
      expect(failure.detail).not.toContain('\n');
    }
  });

  it('a command on a stage that is not deployed names the missing table or function', async () => {
    answer = { status: 404, error: 'ResourceNotFoundException', body: {} };
    expect(await failed(READ, signedIn())).toMatchObject({
      exit: 3,
      code: 'stage_not_found',
      detail: expect.stringContaining('rsolv-billing-staging'),
    });
    expect(await failed(WRITE, signedIn())).toMatchObject({
      exit: 3,
      code: 'function_not_found',
      detail: expect.stringContaining('rsolv-billing-staging-adjust-credits'),
    });
  });

  it('a stage that refuses connections is reported as unreachable', async () => {
    const env = { ...signedIn(), AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    for (const args of [READ, WRITE]) {
      expect(await failed(args, env)).toMatchObject({ exit: 3, code: 'stage_unreachable' });
    }
  });

  it('a call that is never answered times out', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    onTestFinished(() => {
      silent.closeAllConnections();
      silent.close();
    });
    await once(silent, 'listening');
    const address = silent.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const silentUrl = `http://127.0.0.1:${address.port}`;

    for (const [name, value] of Object.entries(signedIn())) vi.stubEnv(name, value);
    const invoker = new Invoker('rsolv-billing-staging-', openLambda(silentUrl, 200));
    const failure = await invoker.run(warnLowBalancesContract, {}).then(() => null, toFailure);
    expect(failure).toMatchObject({ code: 'stage_unreachable', exitCode: EXIT.unreachable });
  });

  it('an export from an unreachable stage is not reported as an unwritable file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-stages-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const env = { ...signedIn(), AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    const command = ['ledger', 'export', '--output', join(folder, 'all.csv')];
    expect(await failed(command, env)).toMatchObject({ exit: 3, code: 'stage_unreachable' });
  });

  it('a function that ends without an answer is invoked once, and the error points to its log', async () => {
    const error = { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out' };
    answer = { status: 200, headers: { 'x-amz-function-error': 'Unhandled' }, body: error };
    requests.length = 0;
    expect(await failed(WRITE, signedIn())).toMatchObject({
      exit: 1,
      code: 'function_failed',
      detail: expect.stringContaining('rsolv-billing-staging-adjust-credits'),
    });
    answer = { status: 500, error: 'ServiceException', body: {} };
    await failed(WRITE, signedIn());
    expect(requests.map(({ path }) => path)).toEqual(
      Array(2).fill('/2015-03-31/functions/rsolv-billing-staging-adjust-credits/invocations'),
    );
  });

  it('the environment selects the stage, and a write calls only the function, not the table', async () => {
    answer = { status: 200, body: { ok: true, result: { already: false, balance: 10, seq: 2 } } };
    requests.length = 0;
    const env = { ...signedIn(), RSOLV_BILLING_STAGE: 'dev' };
    vi.stubEnv('RSOLV_BILLING_STAGE', 'dev');
    const { code, stdout } = await runWith(env, ...WRITE, '--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { stage: 'dev', balance: 10, seq: 2 }]);
    expect(requests).toEqual([
      { path: '/2015-03-31/functions/rsolv-billing-dev-adjust-credits/invocations', target: '' },
    ]);
  });

  it("a refusal has the function's own code and detail", async () => {
    const problem = {
      code: 'insufficient_credits',
      detail: 'The balance is 5 credits, so 6 cannot be removed.',
    };
    answer = { status: 200, body: { ok: false, problem } };
    expect(await failed(WRITE, signedIn())).toEqual({ exit: 1, ...problem });
  });

  it.each([
    ['a list', ['customer', 'list']],
    ['doctor', ['doctor']],
  ])('%s without a region prints one line and no result', async (_, args) => {
    const env = { ...signedIn(), AWS_REGION: '' };
    const { code, stdout, stderr } = await runWith(env, ...args, '--stage', 'staging');
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/^error \(staging\) No usable AWS region is set\. .*\n$/);
  });

  it('a failure in JSON names the stage', async () => {
    const env = { ...signedIn(), AWS_REGION: '' };
    const { stdout } = await runWith(env, ...READ, '--stage', 'staging', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ stage: 'staging', error: { code: 'no_region' } });
  });
});

describe('a killed stack', () => {
  it.each([
    ['a read', ['customer', 'list']],
    ['a write', ['adjust', CUSTOMER, '5', '--reason', 'x', '--key', 'k']],
  ])('%s on a killed stack fails in one line that says to start it, with exit code 3', async (_, args) => {
    const port = await freePort();
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const stripe = { secretKey: 'sk_test_x', webhookSecrets: [], apiBase: nowhere, proPriceId: 'price_x' };
    // The stale state file of a killed stack.
    onTestFinished(registerRunningStack(port, { endpoint: nowhere, lambdaEndpoint: nowhere, stripe }));
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
    const { code, stdout, stderr } = await runInShell(args, { env: { PORT: String(port) } });
    expect([code, stdout, stderr]).toEqual([
      3,
      '',
      `error (local) The stack on port ${port} no longer answers. Start it again: npm start\n`,
    ]);
  });
});
