import { readFileSync } from 'node:fs';

const POLL_EVERY_MS = 250;
const INIT = 1;
/** A process's line in /proc: its id, its name in parentheses, its state, its parent's id. */
const SHELL_STAT = /^\d+ \((?:ash|bash|busybox|dash|sh)\) \S (\d+)/;
const SCRIPT_RUNNER = /^(?:bun|MainThread|node|npm|pnpm|yarn)/;

/** Calls back when who started us is gone, so that nothing runs on for nobody. */
export function watchParent(onGone: () => void): void {
  const first = starter();
  if (first === INIT) {
    // Adopted by init: npm is gone already, unless it is process 1 itself, as in a container. Without npm there is no
    // telling, and we take it that we were started to run on our own.
    const npmIsGone = startedByNpm() && !SCRIPT_RUNNER.test(readProc(INIT, 'comm'));
    if (npmIsGone) onGone();
    if (npmIsGone || process.ppid === INIT) return;
  }
  const timer = setInterval(() => {
    if (starter() === first) return;
    clearInterval(timer);
    onGone();
  }, POLL_EVERY_MS);
  timer.unref();
}

/** Our parent; but if that is a shell which npm left between us and itself, the shell's parent. */
function starter(): number {
  const parent = process.ppid;
  const aboveShell = startedByNpm() ? SHELL_STAT.exec(readProc(parent, 'stat'))?.[1] : undefined;
  return aboveShell === undefined ? parent : Number(aboveShell);
}

function startedByNpm(): boolean {
  return process.env['npm_lifecycle_event'] !== undefined;
}

/** Empty where there is no /proc. */
function readProc(pid: number, file: 'comm' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
