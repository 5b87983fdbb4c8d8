import fc from 'fast-check';

/** Tries of a property: `FUZZ_RUNS` if set, as in `npm run check:fuzz`. */
export function fuzzRuns(usual: number): number {
  const configured = process.env['FUZZ_RUNS'];
  return configured === undefined ? usual : Number(configured);
}

/** The time limit for so many tries. Only a request that hangs reaches it. */
export const fuzzTimeout = (runs: number): number => 60_000 + runs * 1_000;

const SHOWN = 800;

/**
 * Tries the property on `numRuns` requests. The report of a failure truncates a long request, because its
 * seed and path reproduce it.
 */
export async function assertAlways<T>(property: fc.IAsyncProperty<T>, numRuns: number): Promise<void> {
  const outcome = await fc.check(property, { numRuns });
  if (!outcome.failed) return;
  const { seed, counterexamplePath, counterexample, errorInstance } = outcome;
  const shown = JSON.stringify(counterexample)?.slice(0, SHOWN);
  throw new Error(`seed ${seed}, path ${counterexamplePath}: ${shown}`, { cause: errorInstance });
}
