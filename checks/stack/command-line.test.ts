import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { localDeps } from '../../cli/stage/local-deps.ts';
import { runningStack } from '../../cli/stage/running.ts';
import { readServerlessFile } from '../../cli/stage/serverless-file.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { type Ended, runCommand, startCommand } from '../../test/support/command-line.ts';
import { customerWith } from '../../test/support/fixtures.ts';
import { writeHistory } from '../../test/support/history.ts';
import { type RunningStack, startStack, useTestCredentials } from '../../test/support/running-stack.ts';

/* The command line as processes against a running stack. In-process tests of each command are in test/cli. */

const LONG_HISTORY = 50_000;
const Line = z.object({ seq: z.int() });

let stack: RunningStack;
let deps: PaymentDeps;
let long: string;
const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-cli-'));

beforeAll(async () => {
  useTestCredentials();
  stack = await startStack();
  const { endpoint, stripe } = runningStack(stack.port);
  deps = localDeps(endpoint, readServerlessFile().tableName, stripe);
  long = (await customerWith(deps, 5)).head.customerId;
  await writeHistory(deps, long, LONG_HISTORY - 1);
}, 300_000);
afterAll(async () => {
  deps.table.client.destroy();
  await stack.end('SIGTERM');
  rmSync(folder, { recursive: true });
});

const env = () => ({ PORT: String(stack.port) });
const cli = (...args: readonly string[]): Promise<Ended> => runCommand(args, env());
const seqsIn = (written: string): number[] =>
  written
    .trimEnd()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)).seq);

it('on a local stack, customer show reads, adjust invokes its function, and doctor passes', async () => {
  expect((await cli('customer', 'show', stack.customerId)).stdout).toContain(stack.customerId);
  expect(await cli('adjust', stack.customerId, '1', '--reason', 'check')).toMatchObject({ code: 0 });
  expect(await cli('doctor')).toMatchObject({ code: 0, stdout: expect.stringContaining('local is fit') });
});

it('smoke passes on a started stack, including its stream and webhooks', async () => {
  const { code, stdout } = await cli('smoke', '--url', stack.url);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^ok {5}Clean up: removed/m)]);
  expect(stack.output.filter((line) => line.includes('"outcome":"parked"'))).toEqual([]);
});

it('an export of 50,000 entries is complete, and needs little memory', async () => {
  const file = join(folder, 'long.jsonl');
  const { code } = await runCommand(
    ['ledger', 'export', long, '--format', 'jsonl', '--output', file],
    // The program needs 41 MB of heap, and 60 MB with all entries.
    { ...env(), NODE_OPTIONS: '--max-old-space-size=50' },
  );
  expect(code).toBe(0);
  expect(seqsIn(readFileSync(file, 'utf8'))).toEqual(Array.from({ length: LONG_HISTORY }, (_, i) => i + 1));
});

it('an export interrupted with Ctrl-C leaves whole lines in FILE.part, and no FILE', async () => {
  const file = join(folder, 'cut.jsonl');
  const part = `${file}.part`;
  const { process: child, ended } = startCommand(
    ['ledger', 'export', long, '--format', 'jsonl', '--output', file],
    env(),
  );
  await vi.waitUntil(() => existsSync(part) && statSync(part).size > 0, { timeout: 30_000, interval: 5 });
  child.kill('SIGINT');
  expect((await ended).code).toBe(130);
  const written = readFileSync(part, 'utf8');
  expect(written.endsWith('\n')).toBe(true);
  expect(seqsIn(written).length).toBeLessThan(LONG_HISTORY);
  expect(existsSync(file)).toBe(false);
});

it('an export whose reader closes the pipe prints no error', async () => {
  const { process: child, ended } = startCommand(['ledger', 'export', long], env());
  child.stdout?.once('data', () => child.stdout?.destroy());
  const { code, stderr } = await ended.catch(() => ({ code: child.exitCode, stderr: '' }));
  expect([code ?? 0, stderr]).toEqual([0, '']);
});

it('a command prints one line and exits with 3 if the stack was killed', async () => {
  const other = await startStack();
  await other.end('SIGKILL');
  const { code, stdout, stderr } = await runCommand(['customer', 'list'], { PORT: String(other.port) });
  expect([code, stdout, stderr]).toEqual([
    3,
    '',
    `error (local) The stack on port ${other.port} no longer answers. Start it again: npm start\n`,
  ]);
});
