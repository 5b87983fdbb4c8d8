import { readFailure } from '../store/table.ts';
import type { Deps } from './deps.ts';

const TIMEOUT_MS = 1_500;

export interface Health {
  /** Why the table does not answer. Null if it answers a consistent read. */
  readonly failure: { readonly cause: unknown } | null;
  readonly latencyMs: number;
}

/** Reads the table once. Never throws. */
export async function checkHealth({ table, now }: Deps): Promise<Health> {
  const started = now().getTime();
  const failure = await readFailure(table, TIMEOUT_MS);
  return { failure, latencyMs: now().getTime() - started };
}
