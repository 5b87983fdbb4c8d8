import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Runs the command and ends it when we are gone, however we went: file descriptor 3 is a pipe whose other end only we
 * hold, so the kernel closes it even for `kill -9`. Node has no such tie to its children. Each line that we write into
 * the pipe is a signal for the command; at its end the whole process group is killed, the shell included.
 * `read` is built into the shell, so there is no further process that could be left behind.
 */
const GUARD = `
"$@" 3<&- & command=$!
{ while read -r signal <&3; do kill -s "$signal" $command; done; kill -s KILL 0; } 2>/dev/null & watcher=$!
exec 3<&- 2>/dev/null
wait $command; status=$?
kill -s KILL $watcher
exit $status
`;

const KEPT_LINES = 60;
const KEPT_LINE_LENGTH = 500;

export interface GuardedProcess {
  /** How it ended: "exit code 1", "SIGKILL". */
  readonly ended: Promise<string>;
  /** The last lines it wrote, on either stream. */
  readonly lastLines: readonly string[];
  /** Asks it to end, and after the grace kills it with all it started. Resolves when it is gone. */
  stop(graceMs: number): Promise<void>;
}

export interface GuardedOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

/** Starts a command that cannot outlive this process. */
export function startGuarded(
  command: readonly string[],
  { onLine, ...options }: GuardedOptions,
): GuardedProcess {
  const guard = spawn('sh', ['-c', GUARD, 'guard', ...command], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // Its own session: a terminal's Ctrl-C reaches only us, and we end things in order.
    detached: true,
  });

  const { stdout, stderr } = guard;
  const tie = guard.stdio[3];
  if (!stdout || !stderr || !(tie instanceof Writable)) throw new Error('A child process has no pipes.');
  tie.on('error', () => {}); // The command ended while we wrote; `ended` tells.

  const lastLines: string[] = [];
  const collect = (line: string, stream: 'stdout' | 'stderr') => {
    lastLines.push(line.slice(0, KEPT_LINE_LENGTH));
    if (lastLines.length > KEPT_LINES) lastLines.shift();
    onLine?.(line, stream);
  };
  createInterface({ input: stdout }).on('line', (line) => collect(line, 'stdout'));
  createInterface({ input: stderr }).on('line', (line) => collect(line, 'stderr'));

  const killGroup = () => {
    try {
      if (guard.pid !== undefined) process.kill(-guard.pid, 'SIGKILL');
    } catch {
      // Nothing of it was left.
    }
  };
  guard.once('exit', () => {
    killGroup(); // What the command itself had started, or the command when only its guard was killed.
    tie.destroy();
  });
  const ended = new Promise<string>((resolve) => {
    guard.once('error', (error) => resolve(error.message));
    // Later than `exit`: all that it wrote has been read.
    guard.once('close', (code, signal) => resolve(signal ?? describeStatus(code ?? 0)));
  });

  const stop = async (graceMs: number) => {
    if (tie.writable) tie.write('TERM\n');
    await Promise.race([ended, delay(graceMs, undefined, { ref: false })]);
    killGroup();
    await ended;
  };
  return { ended, lastLines, stop };
}

/** A shell reports a command that a signal ended as 128 plus the signal's number. */
function describeStatus(status: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128);
  return signal === undefined ? `exit code ${status}` : signal[0];
}
