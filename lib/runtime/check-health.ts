import { answers } from '../store/table.ts';
import type { Deps } from './deps.ts';

const TIMEOUT_MS = 1_500;

/** Whether the table answers a consistent read, and how long it took in milliseconds. Never throws. */
export async function checkHealth({ table, now }: Deps): Promise<{ reachable: boolean; latencyMs: number }> {
  const started = now().getTime();
  const reachable = await answers(table, TIMEOUT_MS);
  return { reachable, latencyMs: now().getTime() - started };
}
