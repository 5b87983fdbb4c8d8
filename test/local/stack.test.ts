import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningStack, spawnStart, startStack } from '../support/running-stack.ts';

let stack: RunningStack | undefined;
afterEach(async () => {
  if (stack?.process.exitCode === null) await stack.end('SIGKILL');
  stack = undefined;
});

/** Descendants of a process, as Linux tells them: the engine, its guard, the API. */
function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return children.map(Number).flatMap((child) => [child, ...descendants(child)]);
}

/** Does what a printed curl line says; a machine need not have curl to run the tests. */
function fetchLikeCurl(line: string): Promise<Response> {
  const headers = [...line.matchAll(/-H '([^:]+): ([^']*)'/g)].map(
    ([, name = '', value = '']): [string, string] => [name, value],
  );
  const body = / -d '([^']*)'/.exec(line)?.[1];
  const method = / -X (\w+)/.exec(line)?.[1] ?? (body === undefined ? 'GET' : 'POST');
  const url = / '(http[^']*)'$/.exec(line)?.[1] ?? '';
  return fetch(url, { method, headers, ...(body !== undefined && { body }) });
}

const alive = (pids: readonly number[]): number[] =>
  pids.filter((pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  });

async function gone(pids: readonly number[]): Promise<void> {
  for (let tries = 0; tries < 100 && alive(pids).length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(alive(pids)).toEqual([]);
}

describe('npm start', () => {
  it('serves, prints a key and calls that work as they stand, and says ready last', async () => {
    stack = await startStack();
    expect(stack.output.at(-1)).toBe(`ready ${stack.url}`);
    const calls = stack.output.filter((line) => line.startsWith('curl '));
    expect(calls.length).toBeGreaterThanOrEqual(9);
    const statuses = [];
    for (const line of calls) statuses.push((await fetchLikeCurl(line)).status);
    expect(statuses).toEqual([201, 200, 200, 200, 200, 201, 200, 201, 200]);

    const page = await fetch(`${stack.url}/docs`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  });

  it('answers browsers from configured origins, and no others', async () => {
    stack = await startStack();
    const preflight = (origin: string) =>
      fetch(`${stack?.url}/api/v1/usage`, {
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
    const get = (origin: string) => fetch(`${stack?.url}/api/v1/pricing`, { headers: { origin } });
    expect((await get('http://localhost:3000')).headers.get(allowed)).toBe('http://localhost:3000');
    expect((await get('https://evil.example')).headers.get(allowed)).toBeNull();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops everything and leaves no process behind',
    async (signal) => {
      stack = await startStack();
      const pids = descendants(stack.process.pid ?? 0);
      expect(pids.length).toBeGreaterThanOrEqual(2);
      expect(await stack.end(signal)).toBe(0);
      expect(stack.output.at(-1)).toBe('stopped');
      await gone(pids);
    },
  );

  it('kill -9 leaves no process behind either', async () => {
    stack = await startStack();
    const pids = descendants(stack.process.pid ?? 0);
    await stack.end('SIGKILL');
    await gone(pids);
  });

  it('a busy port is told in one line', async () => {
    stack = await startStack();
    const second = spawnStart({ PORT: String(stack.port) });
    expect(await second.exited).toBe(1);
    expect(second.output).toEqual([
      expect.stringMatching(new RegExp(`^Port ${stack.port} is in use.*PORT=`)),
    ]);
  });

  it.each([
    ['PORT', 'eighty'],
    ['PORT', '99999'],
    ['DYNAMODB_ENDPOINT', 'localhost'],
    ['LOG_LEVEL', 'LOUD'],
  ])('%s=%s is told in one line that names it', async (name, value) => {
    const { exited, output } = spawnStart({ [name]: value });
    expect(await exited).toBe(1);
    expect(output).toEqual([expect.stringContaining(`${name} is "${value}"`)]);
  });

  it('an engine that does not answer is told in one line', async () => {
    const { exited, output } = spawnStart({ DYNAMODB_ENDPOINT: 'http://127.0.0.1:9', PORT: '4998' });
    expect(await exited).toBe(1);
    expect(output.filter((line) => !line.endsWith('…'))).toEqual([
      expect.stringContaining('DYNAMODB_ENDPOINT'),
    ]);
  });
});
