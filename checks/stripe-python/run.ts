import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { isCommitted } from '../support/generated-page.ts';
import { optionsOf, runCheck } from '../support/program.ts';
import { judged } from './judge.ts';
import { page } from './page.ts';

/*
 * Two independent clients from PyPI against the stand-in, after the broad scenario. Stripe's own Python
 * client verifies the stand-in's deliveries. dj-stripe copies every kind of object into SQLite.
 */

const USAGE = `npm run check:stripe-python [-- --write]    Stripe's Python client and dj-stripe against the stand-in: 1 minute

Needs Python 3 with pip. The first run installs both clients into .cache at exact versions.
  --write    write docs/checks/stripe-python.md`;
const PAGE = 'docs/checks/stripe-python.md';

const { write = false } = optionsOf(USAGE, { write: { type: 'boolean' } });
await runCheck(async () => {
  const found = await judged();
  for (const complaint of found.complaints) console.log(complaint);
  const isCurrent = isCommitted(PAGE, page(found), write, 'npm run check:stripe-python');
  const fitting = found.rows.filter(({ verdict }) => verdict === 'fits').length;
  console.log(
    `${fitting} kinds fit at ${STRIPE_API_VERSION}, ${found.verified} deliveries verified, ${found.handled} event types handled: ` +
      `${found.complaints.length} complaints.`,
  );
  return found.complaints.length === 0 && fitting > 0 && isCurrent;
});
