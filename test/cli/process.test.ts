import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCommand, startCommand } from '../support/command-line.ts';
import { TEST_CREDENTIALS } from '../support/table.ts';

/* The process: signals, a failing stdout, the launcher. smoke.test.ts covers closed output streams. */

/** No stack runs on this port. */
const NO_STACK = { PORT: '4996' };

const temporary = (name: string): string => {
  const folder = mkdtempSync(join(tmpdir(), `rsolv-billing-${name}-`));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
};

it('Ctrl-C ends a command that waits for a silent stage, with exit code 130', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  await once(silent, 'listening');
  const address = silent.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const { process: child, ended } = startCommand(['customer', 'list', '--stage', 'staging'], {
    ...TEST_CREDENTIALS,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${address.port}`,
  });
  silent.once('request', () => child.kill('SIGINT'));
  expect(await ended).toEqual({ code: 130, stdout: '', stderr: 'error (staging) Interrupted.\n' });
});

it.runIf(existsSync('/dev/full'))(
  'a full disk at stdout is reported in one line with exit code 1',
  async () => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const { code, stderr } = await runCommand(['--help'], {}, full);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^error stdout cannot be written: ENOSPC.*\n$/),
    ]);
  },
);

describe('npx rsolv-billing', () => {
  it('npx rsolv-billing says what to do in a clone without installed packages', async () => {
    const clone = temporary('clone');
    cpSync('cli/rsolv-billing.mjs', join(clone, 'cli/rsolv-billing.mjs'));
    const child = spawn(process.execPath, [join(clone, 'cli/rsolv-billing.mjs'), 'customer', 'list']);
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect([code, stderr]).toEqual([
      1,
      'rsolv-billing cannot start: the packages are not installed. ' +
        "Run npm ci in the project's folder first.\n",
    ]);
  });

  it("npx rsolv-billing runs the project's command line offline and returns its exit code", async () => {
    const offline = { npm_config_cache: temporary('npx'), npm_config_registry: 'http://127.0.0.1:9' };
    const npx = async (...args: string[]) => {
      const child = spawn('npx', ['rsolv-billing', ...args], {
        env: { ...process.env, ...offline, ...NO_STACK },
      });
      const [out, err, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      return { code, out, err };
    };
    expect(await npx('ledger', '--help')).toEqual({
      code: 0,
      out: expect.stringContaining('Usage: rsolv-billing ledger'),
      err: '',
    });
    expect(await npx('events', 'list', '--json')).toEqual({
      code: 3,
      out: expect.stringContaining('"stage_unreachable"'),
      err: '',
    });
  });
});
