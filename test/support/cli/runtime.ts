import type { Deps } from '../../../lib/runtime/deps.ts';

/*
 * Takes the place of lib/runtime/start.ts in a test file:
 *   vi.mock('…/lib/runtime/start.ts', () => import('…/support/cli/runtime.ts'));
 * Then the functions, as they are deployed, run on the table of the test.
 */

let deps: Deps | undefined;

/** Before the first function is called. */
export function startFunctionsWith(given: Deps): void {
  deps = given;
}

export function startRuntime(): Deps {
  if (deps === undefined) throw new Error('this test has not said what the functions work with');
  return deps;
}
