import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { CONDITIONS } from '../../lib/store/conditions.ts';
import { optionsOf, runCheck } from '../support/program.ts';

const USAGE = `npm run check:conditions    each condition of the store is needed and tested: 2 minutes

Removes one condition at a time and prints the tests that fail. Fails if the test named after a condition passes without
the condition. Needs only the install.`;

/** Tests that isolate each condition, so nothing else catches its removal. */
const SUITES = ['test/store/conditions'];
/** How many of a condition's failing tests are printed. */
const NAMED = 3;

const NOT_WRITTEN = 'the ledger failed on our side';

const Report = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({
          status: z.string(),
          fullName: z.string(),
          failureMessages: z._default(z.array(z.string()), []),
        }),
      ),
    }),
  ),
});

optionsOf(USAGE, {});
const folder = mkdtempSync(join(tmpdir(), 'conditions-'));
try {
  await runCheck(allAreMissed);
} finally {
  rmSync(folder, { recursive: true });
}

async function allAreMissed(): Promise<boolean> {
  // If a test already fails, its failure proves nothing about a condition.
  const anyway = await failuresWithout(null);
  if (anyway.length > 0) {
    console.log(`With all conditions, ${anyway.length} tests fail already: ${anyway.join('; ')}`);
    return false;
  }
  const names = Object.keys(CONDITIONS);
  let unmissed = 0;
  for (const name of names) {
    const failed = await failuresWithout(name);
    const isMissed = failed.some((test) => test.includes(`${name}: `));
    if (!isMissed) unmissed += 1;
    console.log(`${isMissed ? '✓' : '✗'} without ${name}: ${failed.length} tests fail`);
    for (const test of failed.slice(0, NAMED)) console.log(`    ${test}`);
  }
  console.log(
    unmissed === 0
      ? `A test fails without each of the ${names.length} conditions.`
      : `${unmissed} conditions can be removed without failing the test named after them.`,
  );
  return unmissed === 0;
}

async function failuresWithout(name: string | null): Promise<string[]> {
  const outputFile = join(folder, `${name ?? 'nothing-removed'}.json`);
  const vitest = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', ...SUITES, '--reporter=json', `--outputFile=${outputFile}`],
    { env: { ...process.env, ...(name !== null && { REMOVE_CONDITION: name }) }, stdio: 'ignore' },
  );
  await once(vitest, 'exit');
  const { testResults } = Report.parse(JSON.parse(readFileSync(outputFile, 'utf8')));
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'failed');
  // An expression that the engine rejects also fails tests, and proves nothing.
  if (failed.some(({ failureMessages }) => failureMessages.some((text) => text.includes(NOT_WRITTEN)))) {
    throw new Error(`With ${name ?? 'nothing'} removed, the engine rejects every write.`);
  }
  return failed.map(({ fullName }) => fullName);
}
