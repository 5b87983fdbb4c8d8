import { globSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { IN_PROCESS } from '../../test/support/in-process.ts';
import rootConfig from '../../vitest.config.ts';
import { FURTHER_VARIABLE, PART_VARIABLE, PARTS } from './parts.ts';

const part = PARTS.find(({ name }) => name === process.env[PART_VARIABLE]);
if (part === undefined) throw new Error(`${PART_VARIABLE} names no part: npm run check:mutation sets it`);

const { tests, furtherTests = [], callsFunctions = false } = part;
const isFurther = process.env[FURTHER_VARIABLE] === '1';
const filesOf = (patterns: readonly string[]) => patterns.flatMap((pattern) => globSync(pattern).sort());
const own = filesOf(tests);

/** The test files, in the order in which the part names them. */
const ORDER = isFurther ? filesOf(furtherTests).filter((file) => !own.includes(file)) : own;

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
    include: ORDER,
    setupFiles: [
      'checks/mutation/stop-after-failure.ts',
      ...(callsFunctions ? ['test/support/fresh-modules.ts'] : []),
    ],
    isolate: false,
    fileParallelism: false,
    sequence: { sequencer: SoonestFirst },
    testTimeout: 30_000,
    env: rootConfig.test?.env ?? {},
    provide: { dynamodbEndpoint: IN_PROCESS },
  },
});
