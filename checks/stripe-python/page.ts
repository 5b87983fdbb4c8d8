import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { markdownTable } from '../support/generated-page.ts';
import type { Judged } from './judge.ts';
import { OUT_OF_SCOPE } from './out-of-scope.ts';

/** The generated page. Its content is the same in every run. */
export function page({ rows, clientVersion }: Judged): string {
  const sorted = rows.toSorted((a, b) => (a.model < b.model ? -1 : 1));
  return `# The stand-in against Python clients

Written by \`npm run check:stripe-python -- --write\`; do not edit.

The check plays the scenario of \`check:stripe-openapi\`.
Then two clients from PyPI read from the stand-in.

- \`stripe\` is Stripe's own client for \`${clientVersion}\`.
  It verifies the signature of every delivery, and rejects each delivery with a changed body.
  It also reads the events of the last 30 days, and they are equal to the delivered events.
- \`dj-stripe\` syncs every kind of object that it supports into SQLite at \`${STRIPE_API_VERSION}\`.
  It also handles an event of every type.

${markdownTable(
  ['kind in dj-stripe', 'result', 'why'],
  sorted.map(({ model, verdict }) => [model, verdict, OUT_OF_SCOPE[model]?.why ?? '']),
)}
`;
}
