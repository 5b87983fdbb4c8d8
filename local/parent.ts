import { readFileSync } from 'node:fs';

const POLL_EVERY_MS = 250;
/** A process's line in /proc: its id, its name in parentheses, its state, its parent's id. */
const SHELL_STAT = /^\d+ \((?:ash|bash|busybox|dash|sh)\) \S (\d+)/;

/** Calls back when those who started us are gone, so that nothing runs on for nobody. */
export function watchParent(onGone: () => void): void {
  const first = starters();
  // Already without a parent: started to run on its own.
  if (process.ppid === 1) return;
  const timer = setInterval(() => {
    if (starters() === first) return;
    clearInterval(timer);
    onGone();
  }, POLL_EVERY_MS);
  timer.unref();
}

/** Our parent; and under npm, where a shell may stay between npm and us, also that shell's parent. */
function starters(): string {
  const parent = process.ppid;
  if (process.env['npm_lifecycle_event'] === undefined) return `${parent}`;
  try {
    return `${parent} ${SHELL_STAT.exec(readFileSync(`/proc/${parent}/stat`, 'utf8'))?.[1] ?? ''}`;
  } catch {
    return `${parent}`; // Only Linux has /proc.
  }
}
