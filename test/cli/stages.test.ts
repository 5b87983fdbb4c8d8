import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod/mini';
import { Invoker } from '../../cli/stage/invoke.ts';
import { EXIT, toFailure } from '../../cli/terminal/failure.ts';
import { warnLowBalancesContract } from '../../lib/operators/contracts.ts';
import { runCommand } from '../support/command-line.ts';
import { TEST_CREDENTIALS } from '../support/table.ts';

/* What an operator is told when a deployed stage cannot be reached, with AWS's own wire format on the other side. */

const CUSTOMER = 'a'.repeat(32);
const READ = ['ledger', 'show', CUSTOMER];
const WRITE = ['adjust', CUSTOMER, '5', '--reason', 'x'];

interface Answer {
  readonly status: number;
  readonly error?: string;
  readonly headers?: Record<string, string>;
  readonly body: object;
}

let answer: Answer = { status: 200, body: {} };
const asked: { path: string; target: string }[] = [];
const aws = createServer((request, response) => {
  asked.push({ path: request.url ?? '', target: String(request.headers['x-amz-target'] ?? '') });
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

/** Nothing of the developer's own sign-in, and no search for it beyond this machine. */
const nobody = () => ({
  AWS_REGION: 'us-east-1',
  AWS_PROFILE: '',
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_SESSION_TOKEN: '',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ENDPOINT_URL: url,
});
const signedIn = () => ({ ...nobody(), ...TEST_CREDENTIALS });

const Failed = z.object({ error: z.object({ code: z.string(), detail: z.string() }) });
async function failed(args: readonly string[], env: Record<string, string>) {
  const { code, stdout } = await runCommand([...args, '--stage', 'staging', '--json'], env);
  return { exit: code, ...Failed.parse(JSON.parse(stdout)).error };
}

describe('a deployed stage', () => {
  it.each([
    ['reads', READ],
    ['writes', WRITE],
  ])('%s with no credentials: says how to sign in', async (_, args) => {
    expect(await failed(args, nobody())).toEqual({
      exit: 3,
      code: 'no_credentials',
      detail: expect.stringContaining('aws sso login'),
    });
  });

  it('without a region says which variable to set', async () => {
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
  ])('%s is one line that says what to do, for reads and for writes', async (error, code, detail) => {
    answer = { status: 400, error, body: {} };
    for (const args of [READ, WRITE]) {
      const failure = await failed(args, signedIn());
      expect(failure).toEqual({ exit: 3, code, detail: expect.stringContaining(detail) });
      expect(failure.detail).not.toContain('\n');
    }
  });

  it('that is not deployed: names the table, or the function', async () => {
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

  it('that does not answer at all', async () => {
    const env = { ...signedIn(), AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    for (const args of [READ, WRITE]) {
      expect(await failed(args, env)).toMatchObject({ exit: 3, code: 'stage_unreachable' });
    }
  });

  it('that takes a call and never answers is not waited for', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    onTestFinished(() => {
      silent.closeAllConnections();
      silent.close();
    });
    await once(silent, 'listening');
    const address = silent.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const silentUrl = `http://127.0.0.1:${address.port}`;

    Object.assign(process.env, signedIn());
    const invoker = new Invoker('rsolv-billing-staging-', silentUrl, 200);
    const failure = await invoker.run(warnLowBalancesContract, {}).then(() => null, toFailure);
    expect(failure).toMatchObject({ code: 'stage_unreachable', exitCode: EXIT.unreachable });

    const { code, stdout } = await runCommand(['doctor', '--stage', 'staging'], {
      ...signedIn(),
      AWS_ENDPOINT_URL: silentUrl,
    });
    expect([code, stdout]).toEqual([1, expect.stringContaining('staging is not fit: 0 ok, 0 wrong')]);
  });

  it('that does not answer is not taken for a file that cannot be written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-stages-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const env = { ...signedIn(), AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    const order = ['ledger', 'export', '--output', join(folder, 'all.csv')];
    expect(await failed(order, env)).toMatchObject({ exit: 3, code: 'stage_unreachable' });
  });

  it('a function that ends without an answer is asked once, and the operator is sent to its log', async () => {
    const error = { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out' };
    answer = { status: 200, headers: { 'x-amz-function-error': 'Unhandled' }, body: error };
    asked.length = 0;
    expect(await failed(WRITE, signedIn())).toMatchObject({
      exit: 1,
      code: 'function_failed',
      detail: expect.stringContaining('rsolv-billing-staging-adjust-credits'),
    });
    answer = { status: 500, error: 'ServiceException', body: {} };
    await failed(WRITE, signedIn());
    expect(asked.map(({ path }) => path)).toEqual(
      Array(2).fill('/2015-03-31/functions/rsolv-billing-staging-adjust-credits/invocations'),
    );
  });

  it('is chosen with the option or with the environment; writes touch no table', async () => {
    answer = { status: 200, body: { ok: true, result: { already: false, balance: 10, seq: 2 } } };
    asked.length = 0;
    const env = { ...signedIn(), RSOLV_BILLING_STAGE: 'dev' };
    const { code, stdout } = await runCommand([...WRITE, '--json'], env);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { balance: 10, seq: 2 }]);
    expect(asked).toEqual([
      { path: '/2015-03-31/functions/rsolv-billing-dev-adjust-credits/invocations', target: '' },
    ]);
  });

  it('refuses in the words of the function', async () => {
    const problem = { code: 'insufficient_credits', detail: 'The balance is 5; 6 cannot be taken from it.' };
    answer = { status: 200, body: { ok: false, problem } };
    expect(await failed(WRITE, signedIn())).toEqual({ exit: 1, ...problem });
  });
});
