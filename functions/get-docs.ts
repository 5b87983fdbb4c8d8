import document from '../docs/openapi.json' with { type: 'json' };
import { getDocsContract } from '../lib/http/contracts/service.ts';
import type { Handler } from '../lib/http/handler.ts';
import { staticEndpoint } from '../lib/http/static-endpoint.ts';
import { DOCS_POLICY, docsPage } from '../local/api-docs/page.ts';

const answer = staticEndpoint(getDocsContract, docsPage(document), {
  'content-type': 'text/html; charset=utf-8',
});

/** GET /docs */
export const handler: Handler = async (event, context) => {
  const result = await answer(event, context);
  // The security headers come last and allow no style at all; what the page may load is for the page to say.
  return { ...result, headers: { ...result.headers, 'Content-Security-Policy': DOCS_POLICY } };
};
