import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';

const CONFIG = 'checks/vitest.config.ts';
const Report = z.object({ numPassedTests: z.int(), numFailedTests: z.int(), success: z.boolean() });

/**
 * Runs one folder's vitest checks on a real engine. The last line printed is the number that passed.
 * @returns whether there were tests and all passed
 */
export function runVitest(folder: string, env: Readonly<Record<string, string>> = {}): boolean {
  const temporary = mkdtempSync(join(tmpdir(), 'checks-'));
  try {
    const outputFile = join(temporary, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile=${outputFile}`];
    const { status } = spawnSync('vitest', ['run', '--config', CONFIG, folder, ...reporters], {
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    const report = Report.parse(JSON.parse(readFileSync(outputFile, 'utf8')));
    const { numPassedTests, numFailedTests, success } = report;
    console.log(`\n${folder}: ${numPassedTests} tests passed, ${numFailedTests} failed`);
    return status === 0 && success && numPassedTests > 0;
  } finally {
    rmSync(temporary, { recursive: true });
  }
}
