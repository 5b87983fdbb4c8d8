import fc from 'fast-check';

/** How often a property is tried: `FUZZ_RUNS` times where that is set, as `npm run check:fuzz` does. */
export function fuzzRuns(usual: number): number {
  const asked = process.env['FUZZ_RUNS'];
  return asked === undefined ? usual : Number(asked);
}

/** The time for so many tries. None of them is timed: this is only for a request that hangs. */
export const fuzzTimeout = (runs: number): number => 60_000 + runs * 1_000;

const SHOWN = 800;

/**
 * Tries the property on that many requests. The report of a failure is cut where a request is long, for its seed and path
 * make it again.
 */
export async function assertAlways<T>(property: fc.IAsyncProperty<T>, numRuns: number): Promise<void> {
  const outcome = await fc.check(property, { numRuns });
  if (!outcome.failed) return;
  const { seed, counterexamplePath, counterexample, errorInstance } = outcome;
  const shown = JSON.stringify(counterexample)?.slice(0, SHOWN);
  throw new Error(`seed ${seed}, path ${counterexamplePath}: ${shown}`, { cause: errorInstance });
}
