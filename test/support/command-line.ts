import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
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

/**
 * `rsolv-billing` as an operator runs it, in a process of its own.
 * @param stdout a file that is open, in place of a pipe; then nothing of it is read
 */
export function startCommand(
  args: readonly string[],
  env: Record<string, string>,
  stdout: 'pipe' | number = 'pipe',
): CommandLine {
  const child = spawn(process.execPath, ['cli/main.ts', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', stdout, 'pipe'],
  });
  const ended = Promise.all([written(child.stdout), written(child.stderr), once(child, 'close')]).then(
    ([out, err, [code]]) => ({ code: typeof code === 'number' ? code : null, stdout: out, stderr: err }),
  );
  return { process: child, ended };
}

const written = async (stream: Readable | null): Promise<string> => (stream === null ? '' : text(stream));

export const runCommand = (...command: Parameters<typeof startCommand>): Promise<Ended> =>
  startCommand(...command).ended;
