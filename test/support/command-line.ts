import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandLine {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** `rsolv-billing` as an operator runs it, in a process of its own. */
export function startCommand(args: readonly string[], env: Record<string, string>): CommandLine {
  const child = spawn(process.execPath, ['cli/main.ts', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr, [code]]) => ({ code: typeof code === 'number' ? code : null, stdout, stderr }),
  );
  return { process: child, ended };
}

export const runCommand = (args: readonly string[], env: Record<string, string>): Promise<Ended> =>
  startCommand(args, env).ended;
