import { parseArgs } from 'node:util';
import { isOurs } from '../../cli/stage/api-client.ts';
import { readSettings } from '../../cli/stage/local-settings.ts';
import { findRunningStack, type RunningStack } from '../../cli/stage/running.ts';
import { showProgress } from '../../cli/terminal/progress.ts';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { isLoopback } from '../../lib/settings/stripe-environment.ts';
import { startStack } from '../stack/stack.ts';
import { journey } from './journey.ts';

const USAGE = `The journey of two customers, each step with its call, the balance before and after, and the ledger entries.

  npm run demo           against the stack that runs on PORT (default 4000), or one it starts itself
  npm run demo -- --url https://…   against another one, but never a live stage: it signs customers up and charges cards

It moves the clock of the Stripe double by a month, for every customer of that stack. Where there is no double, the steps
that need it are left out.
Exit code 0 when every step did what it should and the ledger and Stripe agree, 1 when not.`;

process.exitCode = (await main()) ? 0 : 1;

async function main(): Promise<boolean> {
  try {
    const { values } = parseArgs({
      options: { url: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(USAGE);
      return true;
    }
    if (values.url !== undefined) return await journey(values.url.replace(/\/$/, ''), behind(values.url));
    const settings = readSettings(process.env);
    const url = `http://localhost:${settings.port}`;
    if (await isOurs(url)) return await journey(url, behind(url));

    const progress = showProgress(process.stderr);
    const stack = await startStack(settings, { onStep: progress.step }).finally(progress.end);
    return await journey(url, behind(url)).finally(() => stack.stop());
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof TypeError)) throw error;
    console.error(reasonOf(error));
    return false;
  }
}

/** What is behind an API on this machine; null for one that is elsewhere, or was started otherwise. */
function behind(url: string): RunningStack | null {
  if (!isLoopback(url)) return null;
  const { port } = new URL(url);
  return port === '' ? null : findRunningStack(Number(port));
}
