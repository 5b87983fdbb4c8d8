import { afterEach, expect, it } from 'vitest';
import { hasEnded, processesOf } from '../../test/support/processes.ts';
import { type RunningStack, spawnStart, startStack } from '../../test/support/running-stack.ts';

let stack: RunningStack | undefined;
afterEach(async () => {
  if (stack?.process.exitCode === null) await stack.end('SIGKILL');
  stack = undefined;
});

const expectEnded = (pids: readonly number[]) =>
  expect.poll(() => pids.filter((pid) => !hasEnded(pid)), { timeout: 30_000 }).toEqual([]);

it.each(['SIGTERM', 'SIGHUP'] as const)(
  '%s stops the whole stack and leaves no process behind',
  async (signal) => {
    stack = await startStack();
    const pids = processesOf(stack.process.pid ?? 0);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    expect(await stack.end(signal)).toBe(0);
    expect(stack.output.at(-1)).toBe('stopped');
    await expectEnded(pids);
  },
);

it('kill -9 of the stack leaves no process behind', async () => {
  stack = await startStack();
  const pids = processesOf(stack.process.pid ?? 0);
  expect(pids.length).toBeGreaterThanOrEqual(2);
  await stack.end('SIGKILL');
  await expectEnded(pids);
});

it('a second stack on a port in use ends with one line and exit code 1', async () => {
  stack = await startStack();
  const second = spawnStart({ PORT: String(stack.port) });
  expect(await second.exited).toBe(1);
  expect(second.output).toEqual([expect.stringMatching(new RegExp(`^Port ${stack.port} is in use.*PORT=`))]);
});

it('the mailbox listens on MAILBOX_PORT, and a second stack is refused that port in one line', async () => {
  stack = await startStack();
  const mailbox = new URL(
    /http:\S+/.exec(stack.output.find((line) => line.startsWith('mailbox')) ?? '')?.[0] ?? '',
  );
  const second = spawnStart({ PORT: String(stack.port + 1), MAILBOX_PORT: mailbox.port });
  expect(await second.exited).toBe(1);
  expect(second.output).toEqual([
    expect.stringMatching(new RegExp(`^Port ${mailbox.port} is in use.*MAILBOX_PORT=`)),
  ]);
});

it('an unknown flag ends npm start with one line and exit code 2', async () => {
  const { exited, output } = spawnStart({}, { args: ['--wach'] });
  expect(await exited).toBe(2);
  expect(output).toEqual(["Unknown option '--wach'. npm start -- --help lists the flags."]);
});
