import type { Deps } from '../../../lib/runtime/deps.ts';

/*
 * Replaces lib/runtime/start.ts in a test file:
 *   vi.mock('…/lib/runtime/start.ts', () => import('…/support/cli/runtime.ts'));
 * The deployed functions then run on the table of the test.
 */

let deps: Deps | undefined;

/** Call this before the first function runs. */
export function startFunctionsWith(testDeps: Deps): void {
  deps = testDeps;
}

export function startRuntime(): Deps {
  if (deps === undefined) throw new Error('call startFunctionsWith before the first function runs');
  return deps;
}
