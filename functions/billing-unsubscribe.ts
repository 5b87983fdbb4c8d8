import { publicPage, routed, sentByMailProgram } from '../lib/http/pages/page-endpoint.ts';
import { unsubscribedPage, unsubscribePage } from '../lib/http/pages/unsubscribe.ts';
import { kindToTurnOff, unsubscribe } from '../lib/operations/access/unsubscribe.ts';

/** The link that turns off letters of its kind. RFC 8058 forbids a redirect as the answer to the form. */
export const handler = routed({
  'GET /billing/unsubscribe': (route) =>
    publicPage(route, async (deps, { query }) => {
      const link = query.get('link') ?? '';
      return unsubscribePage(link, await kindToTurnOff(deps, link));
    }),
  'POST /billing/unsubscribe': (route) =>
    sentByMailProgram(route, async (deps, { query }) =>
      unsubscribedPage(await unsubscribe(deps, query.get('link') ?? '')),
    ),
});
