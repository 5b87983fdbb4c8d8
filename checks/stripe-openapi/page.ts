import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import type { Route } from '../../local/stripe-double/http/route.ts';
import { markdownTable } from '../support/generated-page.ts';
import { KNOWN_DIFFERENCES, type KnownDifference } from './differences.ts';
import { isJson } from './json-schema.ts';

interface Findings {
  /** Version of Stripe's description. */
  readonly version: string;
  readonly routes: readonly Route[];
  readonly events: readonly { readonly type: string; readonly data: { readonly object: unknown } }[];
}

/** The generated page. Its content is the same in every run. */
export function page({ version, routes, events }: Findings): string {
  const known = new Map(KNOWN_DIFFERENCES.map((one) => [one.at, one]));
  const calls = routes.map(({ method, path }) => [
    `${method} ${path}`,
    known.has(`${method} ${path}`) ? 'newer than the description' : 'fits',
  ]);
  const kinds = new Map(events.map(({ type, data }) => [type, kindOf(data.object)]));
  const rows = [...kinds].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `# The stand-in against Stripe's own specification

Written by \`npm run check:stripe-openapi -- --write\`; do not edit.

The check plays a broad scenario against the stand-in with the pinned SDK.
Each call below succeeds at least once and is rejected at least once.
Each answer is validated against Stripe's OpenAPI description, version \`${version}\`.
Stripe ships this description inside \`stripe-mock\`.
The same answers and events compile with the types of the SDK, version \`${STRIPE_API_VERSION}\`.
A field that the description does not list counts as a difference.

## Differences, each with its proof

${markdownTable(
  ['where', 'why the stand-in is right'],
  KNOWN_DIFFERENCES.map((one) => [`\`${one.at}\``, reasonOf(one)]),
)}

## Calls

${markdownTable(['call', 'answers'], calls)}

## Events

${markdownTable(['event', 'its object'], rows)}
`;
}

const kindOf = (object: unknown): string => (isJson(object) ? String(object['object']) : '');

function reasonOf(one: KnownDifference): string {
  switch (one.because) {
    case 'newer':
      return `Newer than the description. Changelog of the SDK: "${one.changelog}"`;
    case 'sdk':
      return `Stripe's description for SDKs has the field (\`${one.schema}\`), the public one omits it.`;
    case 'stated':
      return one.reason;
    default:
      return one satisfies never;
  }
}
