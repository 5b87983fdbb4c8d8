import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { isCommitted } from '../support/generated-page.ts';
import { optionsOf, runCheck, wholeNumber } from '../support/program.ts';
import { startEmulator } from './emulator.ts';
import { page } from './page.ts';
import { Parts } from './parts.ts';
import { deployAndUse } from './story.ts';
import { type Stripe, startStripe } from './stripe.ts';

/*
 * Deploys the packaged template on an emulator of AWS that others wrote, and works with the stage: doctor,
 * smoke, an update, a removal. Functions run under AWS's own runtime interface client. The policies of their
 * roles are enforced.
 */

const USAGE = `npm run check:deploy [-- --write]    the packaged template deployed on an emulator of AWS: 4 minutes

Needs Linux, Python 3 with pip, cmake, make and g++. The first run fetches the emulator from PyPI and builds
AWS's runtime interface client. The variable PORT is the emulator's port, default 21500.
  --write    write docs/checks/deploy.md`;
const PAGE = 'docs/checks/deploy.md';

const { write = false } = optionsOf(USAGE, { write: { type: 'boolean' } });
const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-deploy-'));
try {
  await runCheck(async () => {
    if (process.platform !== 'linux') throw new SetupError('check:deploy runs on Linux only.');
    const isCurrent = isCommitted(PAGE, page(), write, 'npm run check:deploy');
    const port = wholeNumber('PORT', process.env['PORT'] ?? '21500');
    const parts = new Parts();
    const stripe = await startStripe();
    try {
      const passed = await withEmulator(parts, port, stripe);
      const outcome = passed ? 'passed' : 'FAILED';
      console.log(`The deploy ${outcome}: ${parts.count} parts in ${Math.round(parts.seconds)} s.`);
      return passed && isCurrent;
    } finally {
      await stripe.stop();
    }
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** False if a part found a fault, which is printed then. */
async function withEmulator(parts: Parts, port: number, stripe: Stripe): Promise<boolean> {
  const emulator = await startEmulator(port);
  try {
    await deployAndUse(parts, { emulator, stripe, folder });
    return true;
  } catch (error) {
    if (error instanceof SetupError) throw error;
    return !parts.hasEnded(error);
  } finally {
    await emulator.stop();
  }
}
