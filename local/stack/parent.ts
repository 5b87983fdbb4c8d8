import { readFileSync } from 'node:fs';

const POLL_EVERY_MS = 250;
const INIT = 1;
/** A process's line in /proc: its id, its name in parentheses, its state, its parent's id. */
const SHELL_STAT = /^\d+ \((?:ash|bash|busybox|dash|sh)\) \S (\d+)/;
const SCRIPT_RUNNER = /^(?:bun|MainThread|node|npm|pnpm|yarn)/;

/** Calls back when the process that started this one has ended, so that no orphaned stack keeps running. */
export function watchParent(onParentExit: () => void): void {
  const first = startingProcess();
  if (first === INIT) {
    // Adopted by init: npm has ended, unless npm is process 1, as in a container. If npm did not start this
    // process, assume that it is meant to run without a parent.
    const npmHasEnded = startedByNpm() && !SCRIPT_RUNNER.test(readProc(INIT, 'comm'));
    if (npmHasEnded) onParentExit();
    if (npmHasEnded || process.ppid === INIT) return;
  }
  const timer = setInterval(() => {
    if (startingProcess() === first) return;
    clearInterval(timer);
    onParentExit();
  }, POLL_EVERY_MS);
  timer.unref();
}

/** The parent process. If npm started a shell in between, the parent of that shell. */
function startingProcess(): number {
  const parent = process.ppid;
  const aboveShell = startedByNpm() ? SHELL_STAT.exec(readProc(parent, 'stat'))?.[1] : undefined;
  return aboveShell === undefined ? parent : Number(aboveShell);
}

function startedByNpm(): boolean {
  return process.env['npm_lifecycle_event'] !== undefined;
}

/** Empty on systems without /proc. */
function readProc(pid: number, file: 'comm' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
