import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Runs the command and kills it when this process ends, in whatever way. File descriptor 3 is a pipe whose
 * other end only this process holds. So the kernel closes it even after `kill -9`. Node itself has no such
 * guarantee for child processes. Each line that is written to the pipe is a signal for the command. When the
 * pipe closes, the whole process group is killed, including the shell. `read` is a shell builtin, so no extra
 * process can be orphaned.
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
  /** Resolves with how it ended: "exit code 1", "SIGKILL". */
  readonly ended: Promise<string>;
  /** Its last lines of output, from both streams. */
  readonly lastLines: readonly string[];
  /**
   * Sends SIGTERM, and after the grace period kills the process group. Resolves when the process has ended.
   */
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
    // Its own session: a terminal's Ctrl-C reaches only this process, which then stops everything in order.
    detached: true,
  });

  const { stdout, stderr } = guard;
  const signalPipe = guard.stdio[3];
  if (!stdout || !stderr || !(signalPipe instanceof Writable))
    throw new Error('A child process has no pipes.');
  signalPipe.on('error', () => {}); // The command ended during a write. `ended` reports it.

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
      // The group has ended already.
    }
  };
  guard.once('exit', () => {
    killGroup(); // Ends the command's own child processes, and the command if only its guard was killed.
    signalPipe.destroy();
  });
  const ended = new Promise<string>((resolve) => {
    guard.once('error', (error) => resolve(error.message));
    // Not on `exit`: on `close`, all output has been read.
    guard.once('close', (code, signal) => resolve(signal ?? describeStatus(code ?? 0)));
  });

  const stop = async (graceMs: number) => {
    if (signalPipe.writable) signalPipe.write('TERM\n');
    await Promise.race([ended, delay(graceMs, undefined, { ref: false })]);
    killGroup();
    await ended;
  };
  return { ended, lastLines, stop };
}

/** A shell reports a command killed by a signal as 128 plus the signal number. */
function describeStatus(status: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128);
  return signal === undefined ? `exit code ${status}` : signal[0];
}
