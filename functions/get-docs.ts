import page from '../docs/api-page.json' with { type: 'json' };
import { getDocsContract } from '../lib/http/contracts/service.ts';
import type { Handler } from '../lib/http/handler.ts';
import { ownAddress } from '../lib/http/own-address.ts';
import { staticEndpoint } from '../lib/http/static-endpoint.ts';

const answer = staticEndpoint(
  getDocsContract,
  ({ headers }) => page.html.join(ownAddress(headers['host']) ?? 'https://…'),
  { 'content-type': 'text/html; charset=utf-8' },
);

/** GET /docs */
export const handler: Handler = async (event, context) => {
  const result = await answer(event, context);
  // The security headers are added last and allow no styles; the page's own policy allows its styles.
  return { ...result, headers: { ...result.headers, 'Content-Security-Policy': page.policy } };
};
