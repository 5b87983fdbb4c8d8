import { afterEach, inject } from 'vitest';

/*
 * The first failed test decides about a mutant. vitest then runs no other test, but it still loads every other
 * test file, which takes longer than the tests. So no file is loaded after a failure.
 */

declare module 'vitest' {
  interface ProvidedContext {
    /** Stryker's number of the mutant that is tried; undefined in the first run, without a mutant. */
    activeMutant: string | undefined;
  }
}

declare global {
  var caughtMutant: string | undefined;
}

const mutant = inject('activeMutant');
if (mutant !== undefined && globalThis.caughtMutant === mutant) throw new Error('A test has failed already.');

afterEach(({ task }) => {
  if (task.result?.state === 'fail') globalThis.caughtMutant = mutant;
});
