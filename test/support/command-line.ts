import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

export interface Ended {
  /** Null if a signal ended the process. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandLine {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/**
 * Starts `rsolv-billing` in its own process, like an operator.
 * @param stdout an open file instead of a pipe; its content is not read
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
  const ended = Promise.all([readAll(child.stdout), readAll(child.stderr), once(child, 'close')]).then(
    ([out, err, [code]]) => ({ code: typeof code === 'number' ? code : null, stdout: out, stderr: err }),
  );
  return { process: child, ended };
}

const readAll = async (stream: Readable | null): Promise<string> => (stream === null ? '' : text(stream));

export const runCommand = (...command: Parameters<typeof startCommand>): Promise<Ended> =>
  startCommand(...command).ended;
