import { readFileSync } from 'node:fs';

/** All descendants of a process on Linux. For a stack: the engine, the guards and the API. */
export function processesOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children
    .filter(Boolean)
    .map(Number)
    .flatMap((child) => [child, ...processesOf(child)]);
}

export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
