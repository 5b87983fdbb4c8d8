import type { PaymentDeps } from '../lib/deps.ts';
import { BillingError } from '../lib/errors.ts';
import { useLocalAws } from './aws.ts';
import { localDeps } from './local-deps.ts';
import { findRunningStack, type RunningStack, runningStack } from './running.ts';
import { readServerlessFile } from './serverless-file.ts';
import { readSettings, type Settings } from './settings.ts';
import { reasonOf, SetupError } from './setup-error.ts';

/**
 * Runs a command-line tool against the running stack. `work` returns what went wrong, in one line, or null; the exit
 * code says the same. `--help` shows the usage.
 */
export async function runTool(
  usage: string,
  work: (deps: PaymentDeps, args: string[]) => Promise<string | null>,
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
  work: (deps: PaymentDeps, args: string[]) => Promise<string | null>,
  args: string[],
): Promise<string | null> {
  let deps: PaymentDeps | undefined;
  try {
    const settings = readSettings(process.env);
    useLocalAws(process.env);
    const { endpoint, stripe } = stackFor(settings);
    deps = localDeps(endpoint, readServerlessFile().tableName, stripe);
    return await work(deps, args);
  } catch (error) {
    if (error instanceof SetupError || error instanceof BillingError) return error.message;
    if (error instanceof TypeError && 'code' in error) return `${reasonOf(error)} See --help.`;
    throw error;
  } finally {
    deps?.table.client.destroy();
  }
}

/** An engine that is named needs no stack; then there is a Stripe only if the stack on this port uses that engine. */
function stackFor({
  port,
  dynamodbEndpoint: endpoint,
}: Settings): Partial<RunningStack> & { endpoint: string } {
  if (endpoint === undefined) return runningStack(port);
  const running = findRunningStack(port);
  return running?.endpoint === endpoint ? running : { endpoint };
}
