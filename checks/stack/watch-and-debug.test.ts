import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { freePort } from '../../local/stack/ports.ts';
import { type RunningStack, startStack } from '../../test/support/running-stack.ts';

/* `DEBUG_PORT=… npm start -- --watch` in a copy of the checkout, to edit and to debug functions. */

const PARTS = ['cli', 'docs', 'functions', 'infrastructure', 'lib', 'local'];
const FILES = ['esbuild-plugins.ts', 'package.json', 'serverless.yml', 'tsconfig.json'];
const SOON = { timeout: 120_000, interval: 200 } as const;

let project: string;
let stack: RunningStack;
let debugPort: number;
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'rsolv-billing-watch-'));
  for (const name of [...PARTS, ...FILES])
    cpSync(join(PROJECT_ROOT, name), join(project, name), { recursive: true });
  symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(project, 'node_modules'), 'dir');
  debugPort = await freePort();
  stack = await startStack({ DEBUG_PORT: String(debugPort) }, { args: ['--watch'], cwd: project });
}, 240_000);
afterAll(async () => {
  await stack.end('SIGTERM');
  rmSync(project, { recursive: true });
});

const health = async (): Promise<unknown> => {
  const response = await fetch(`${stack.url}/health`).catch(() => null);
  return response?.json() ?? null;
};

const balance = async (): Promise<unknown> => {
  const response = await fetch(`${stack.url}/api/v1/usage`, { headers: { 'x-api-key': stack.apiKey } });
  return z.object({ credit_balance: z.number() }).parse(await response.json()).credit_balance;
};

describe('npm start -- --watch', () => {
  it('npm start -- --watch serves changed code, and keeps the customer, the key and the ledger', async () => {
    const file = join(project, 'functions/health.ts');
    const code = readFileSync(file, 'utf8');
    writeFileSync(file, code.replace("status: 'ok',", "status: 'ok', edited: 1,"));
    await expect.poll(health, SOON).toMatchObject({ edited: 1 });
    expect(await balance()).toBe(5);

    writeFileSync(file, `${code}const = ;\n`);
    await expect.poll(() => stack.output.at(-1), SOON).toBe('Waiting for the next change.');
    expect(stack.output.join('\n')).toMatch(/functions\/health\.ts/);

    writeFileSync(file, code);
    await expect.poll(health, SOON).toMatchObject({ status: 'ok' });
    expect(await balance()).toBe(5);
  });
});

const Targets = z.tuple([z.object({ webSocketDebuggerUrl: z.string() })]);
const Message = z.object({
  id: z.optional(z.number()),
  method: z.optional(z.string()),
  params: z.optional(z.unknown()),
  result: z.optional(z.unknown()),
});
const Place = z.object({ scriptId: z.string(), lineNumber: z.number() });
const Breakpoint = z.object({ locations: z.array(Place) });
const Paused = z.object({ callFrames: z.array(z.object({ location: Place })) });

/** A debugger that sends commands and waits for events. */
async function attach(port: number) {
  const [{ webSocketDebuggerUrl }] = Targets.parse(
    await (await fetch(`http://127.0.0.1:${port}/json/list`)).json(),
  );
  const socket = new WebSocket(webSocketDebuggerUrl);
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  const messages: z.output<typeof Message>[] = [];
  socket.addEventListener('message', ({ data }) => messages.push(Message.parse(JSON.parse(String(data)))));
  let id = 0;
  const until = async (wanted: (message: z.output<typeof Message>) => boolean) => {
    await expect.poll(() => messages.some(wanted), SOON).toBe(true);
    return messages.find(wanted);
  };
  return {
    send: async (method: string, params: object = {}) => {
      const own = ++id;
      socket.send(JSON.stringify({ id: own, method, params }));
      return (await until((message) => message.id === own))?.result;
    },
    event: async (method: string) => (await until((message) => message.method === method))?.params,
    close: () => socket.close(),
  };
}

describe('DEBUG_PORT', () => {
  it('with DEBUG_PORT, a debugger can stop in a function, which then does not time out', async () => {
    expect(await health()).toMatchObject({ status: 'ok' }); // its code is loaded
    const built = join(project, `.cache/stack-${stack.port}/.build/functions/health.mjs`);
    const lines = readFileSync(built, 'utf8').split('\n');
    const lineNumber = lines.findIndex((line) => line.includes('if (failure !== null)'));
    expect(lineNumber).toBeGreaterThan(0);

    const debuggerClient = await attach(debugPort);
    await debuggerClient.send('Debugger.enable');
    // Every call reaches this condition.
    const at = { lineNumber, urlRegex: '.*/functions/health\\.mjs.*' };
    const { locations } = Breakpoint.parse(await debuggerClient.send('Debugger.setBreakpointByUrl', at));
    expect(locations).toHaveLength(1);
    const answer = health();
    const { callFrames } = Paused.parse(await debuggerClient.event('Debugger.paused'));
    expect(callFrames[0]?.location).toEqual(locations[0]);
    await debuggerClient.send('Debugger.resume');
    expect(await answer).toMatchObject({ status: 'ok' });
    debuggerClient.close();
  });
});
