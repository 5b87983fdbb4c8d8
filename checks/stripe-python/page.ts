import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { markdownTable } from '../support/generated-page.ts';
import type { Judged } from './judge.ts';
import { OUT_OF_SCOPE } from './out-of-scope.ts';

/** The generated page. It holds nothing that differs from run to run. */
export function page({ rows, clientVersion }: Judged): string {
  const sorted = rows.toSorted((a, b) => (a.model < b.model ? -1 : 1));
  return `# The stand-in against Python clients

Written by \`npm run check:stripe-python -- --write\`; do not edit.

The check plays the scenario of \`check:stripe-openapi\` and lets two clients from PyPI loose on the stand-in.

- \`stripe\`, Stripe's own client for \`${clientVersion}\`, verifies the signature of every delivery, refuses each with a changed body, and reads the events of the last 30 days back as they were delivered.
- \`dj-stripe\` syncs every kind of object that it knows into SQLite at \`${STRIPE_API_VERSION}\`, and handles an event of every type.

${markdownTable(
  ['kind in dj-stripe', 'result', 'why'],
  sorted.map(({ model, verdict }) => [model, verdict, OUT_OF_SCOPE[model]?.why ?? '']),
)}
`;
}
