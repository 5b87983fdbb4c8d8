import { globSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { IN_PROCESS } from '../../test/support/in-process.ts';
import rootConfig from '../../vitest.config.ts';
import { PART_VARIABLE, PARTS } from './parts.ts';

const part = PARTS.find(({ name }) => name === process.env[PART_VARIABLE]);
if (part === undefined) throw new Error(`${PART_VARIABLE} names no part: npm run check:mutation sets it`);

/** The files of the part's tests, in the order in which the part names them. */
const ORDER = part.tests.flatMap((pattern) => globSync(pattern).sort());

/** The first failure ends a run, so tests that fail soonest come first. Vitest's default: slowest first. */
class SoonestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => ORDER.findIndex((name) => moduleId.endsWith(name));
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

/** A mutant takes well under a second, so the tests share a thread, and no engine is started. */
export default defineConfig({
  test: {
    include: [...part.tests],
    setupFiles: [
      'checks/mutation/stop-after-failure.ts',
      ...(part.callsFunctions === true ? ['test/support/fresh-modules.ts'] : []),
    ],
    isolate: false,
    fileParallelism: false,
    sequence: { sequencer: SoonestFirst },
    testTimeout: 30_000,
    env: rootConfig.test?.env ?? {},
    provide: { dynamodbEndpoint: IN_PROCESS },
  },
});
