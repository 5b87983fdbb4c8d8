import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { runningStack } from '../../cli/stage/running.ts';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { hasEnded, processesOf } from '../support/processes.ts';
import { type RunningStack, startStack } from '../support/running-stack.ts';

/* The only tests of this folder that start a whole stack, with `npm start` like a user. */

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
}, 240_000);
afterAll(() => {
  if (stack.process.exitCode === null) stack.process.kill('SIGKILL');
});

/** Runs a printed call like a shell, so that the tests do not need curl. */
function fetchLikeCurl(call: string, variables: ReadonlyMap<string, string>): Promise<Response> {
  const line = call.replaceAll(/\$(\w+)/g, (_, name: string) => variables.get(name) ?? '');
  const key = / -H "x-api-key: ([^"]+)"/.exec(line)?.[1];
  const body = / --json '([^']*)'/.exec(line)?.[1];
  const method = / -X (\w+)/.exec(line)?.[1] ?? (body === undefined ? 'GET' : 'POST');
  const headers = {
    ...(key !== undefined && { 'x-api-key': key }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const url = /http:\S+/.exec(line)?.[0] ?? '';
  return fetch(url, { method, headers, ...(body !== undefined && { body }) });
}

/** The printed calls, each joined with its continuation lines. */
function printedCalls(): string[] {
  const calls: string[] = [];
  for (const line of stack.output.slice(stack.output.findIndex((one) => one.startsWith('curl ')))) {
    if (line === '') break;
    if (line.startsWith('curl ')) calls.push(line);
    else
      calls.push(`${calls.pop()?.replace(/\\$/, '')}${line.trim()}`.replace('$RSOLV_API/', ' $RSOLV_API/'));
  }
  return calls;
}

describe('npm start', () => {
  it('npm start prints calls that work as printed, and its last line says ready', async () => {
    expect(stack.output.at(-1)).toBe(`ready ${stack.url}`);
    const exported = stack.output.find((line) => line.startsWith('export ')) ?? '';
    const variables = new Map(
      [...exported.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
    );
    const statuses: number[] = [];
    for (const call of printedCalls()) statuses.push((await fetchLikeCurl(call, variables)).status);
    expect(statuses).toEqual([200, 201, 200, 200, 201, 201]);
  });

  it('npm start serves the API documentation at /docs', async () => {
    const page = await fetch(`${stack.url}/docs`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  });

  it('the mailbox of npm start shows the letter to a new customer', async () => {
    const mailbox = /http:\S+/.exec(stack.output.find((line) => line.startsWith('mailbox')) ?? '')?.[0];
    const Letters = z.array(z.object({ kind: z.string() }));
    const kinds = async () =>
      Letters.parse(await (await fetch(`${mailbox}/messages`)).json()).map(({ kind }) => kind);
    await expect.poll(kinds, { timeout: 30_000, interval: 100 }).toContain('key_issued');
  });

  it('npm start allows browsers only from configured origins', async () => {
    const preflight = (origin: string) =>
      fetch(`${stack.url}/api/v1/usage`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'x-api-key',
        },
      });
    const allowed = 'access-control-allow-origin';
    expect((await preflight('http://localhost:3000')).headers.get(allowed)).toBe('http://localhost:3000');
    expect((await preflight('https://evil.example')).headers.get(allowed)).toBeNull();
    const get = (origin: string) => fetch(`${stack.url}/api/v1/pricing`, { headers: { origin } });
    expect((await get('http://localhost:3000')).headers.get(allowed)).toBe('http://localhost:3000');
    expect((await get('https://evil.example')).headers.get(allowed)).toBeNull();
  });

  it('the state file of npm start names the folder, process and start time', () => {
    const { owner } = runningStack(stack.port);
    expect([owner?.pid, owner?.folder]).toEqual([stack.process.pid, PROJECT_ROOT]);
    expect(Date.now() - Date.parse(owner?.startedAt ?? '')).toBeLessThan(10 * 60 * 1_000);
  });

  it('npm start stops everything at SIGINT and leaves no process behind', async () => {
    const pids = processesOf(stack.process.pid ?? 0);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    expect(await stack.end('SIGINT')).toBe(0);
    expect(stack.output.at(-1)).toBe('stopped');
    await expect.poll(() => pids.filter((pid) => !hasEnded(pid)), { timeout: 30_000 }).toEqual([]);
  }, 120_000);
});
