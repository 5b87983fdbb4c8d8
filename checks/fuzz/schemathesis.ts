import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startStack } from '../../test/support/running-stack.ts';
import { pythonTool } from '../support/python-tool.ts';

const VERSION = '4.32.5';
const CONFIG = join(import.meta.dirname, 'schemathesis.toml');
/** Schemathesis writes files into its working directory. */
const FOLDER = resolve('.cache', 'schemathesis');

/**
 * Runs Schemathesis against its own stack over HTTP. Schemathesis prints each finding with a curl line to
 * reproduce it.
 * @param maxExamples requests of each call in each phase; the total also depends on the document
 * @throws SetupError without Python 3, pip or PyPI
 */
export async function runSchemathesis(maxExamples: number, seed: number): Promise<boolean> {
  const { command, args, env } = pythonTool('schemathesis', VERSION);
  mkdirSync(FOLDER, { recursive: true });
  const stack = await startStack();
  try {
    const options = [
      ...['--config-file', CONFIG, 'run', `${stack.url}/openapi.json`],
      ...['--header', `x-api-key: ${stack.apiKey}`],
      ...['--max-examples', String(maxExamples), '--seed', String(seed)],
      ...['--generation-database', 'none', '--continue-on-failure', '--no-color'],
    ];
    const child = spawn(command, [...args, ...options], { cwd: FOLDER, env, stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    return code === 0;
  } finally {
    await stack.end('SIGTERM');
  }
}
