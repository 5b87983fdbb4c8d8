import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import * as z from 'zod/mini';
import type { NightlyStep } from '../steps.ts';
import { hashOf } from './covered.ts';

/* The last result of each nightly step, with the content's hash. Written by `.ci/nightly`, and committed. */

export const RESULTS = 'checks/results.json';

const Result = z.object({
  outcome: z.enum(['passed', 'failed']),
  /** Start time, ISO 8601. */
  at: z.string(),
  seconds: z.int(),
  /** The last line of its output. */
  summary: z.string(),
  /** The hash of the covered content at the start. */
  covers: z.string(),
});
export type Result = z.output<typeof Result>;
const Results = z.record(z.string(), Result);

/** `stale`: the covered content has changed since the result. */
export type State = 'fresh' | 'stale' | 'failed' | 'never run';

export interface Freshness {
  readonly step: NightlyStep;
  readonly state: State;
  readonly result: Result | null;
  /** The hash of the covered content now. */
  readonly covers: string;
}

export function freshnessOf(steps: readonly NightlyStep[]): Promise<Freshness[]> {
  const results = readResults();
  return Promise.all(
    steps.map(async (step) => {
      const covers = await hashOf(step.covers);
      const result = results[step.name] ?? null;
      return { step, result, covers, state: stateOf(result, covers) };
    }),
  );
}

function stateOf(result: Result | null, covers: string): State {
  if (result === null) return 'never run';
  if (result.outcome === 'failed') return 'failed';
  return result.covers === covers ? 'fresh' : 'stale';
}

/** Replaces a step's last result. Writes atomically, so an interrupted run leaves a complete file. */
export function record(name: string, result: Result): void {
  const sorted = Object.entries({ ...readResults(), [name]: result }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(`${RESULTS}.new`, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
  renameSync(`${RESULTS}.new`, RESULTS);
}

function readResults(): Record<string, Result> {
  return existsSync(RESULTS) ? Results.parse(JSON.parse(readFileSync(RESULTS, 'utf8'))) : {};
}
