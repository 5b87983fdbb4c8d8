import type { Deps } from '../lib/deps.ts';
import { BillingError } from '../lib/errors.ts';
import { useLocalAws } from './aws.ts';
import { localDeps } from './local-deps.ts';
import { runningEngine } from './running.ts';
import { readServerlessFile } from './serverless-file.ts';
import { readSettings } from './settings.ts';
import { reasonOf, SetupError } from './setup-error.ts';

/**
 * Runs a command-line tool against the running stack. `work` returns what went wrong, in one line, or null; the exit
 * code says the same. `--help` shows the usage.
 */
export async function runTool(
  usage: string,
  work: (deps: Deps, args: string[]) => Promise<string | null>,
): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    console.log(usage);
    return;
  }
  const fault = await attempt(work, args);
  if (fault !== null) console.error(fault);
  process.exitCode = fault === null ? 0 : 1;
}

async function attempt(
  work: (deps: Deps, args: string[]) => Promise<string | null>,
  args: string[],
): Promise<string | null> {
  let deps: Deps | undefined;
  try {
    const settings = readSettings(process.env);
    useLocalAws(process.env);
    const endpoint = settings.dynamodbEndpoint ?? runningEngine(settings.port);
    deps = localDeps(endpoint, readServerlessFile().tableName);
    return await work(deps, args);
  } catch (error) {
    if (error instanceof SetupError || error instanceof BillingError) return error.message;
    if (error instanceof TypeError && 'code' in error) return `${reasonOf(error)} See --help.`;
    throw error;
  } finally {
    deps?.table.client.destroy();
  }
}
