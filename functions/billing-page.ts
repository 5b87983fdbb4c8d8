import { overviewPage } from '../lib/http/pages/overview/overview.ts';
import { customerPage, routed } from '../lib/http/pages/page-endpoint.ts';
import { overviewKeys, readOverview } from '../lib/operations/statement/read-overview.ts';

/** The overview. */
export const handler = routed({
  'GET /billing': (route) =>
    customerPage(route, overviewKeys, async ({ table }, { customerId, formToken, items, at }) =>
      overviewPage(await readOverview(table, customerId, items, at), formToken),
    ),
});
