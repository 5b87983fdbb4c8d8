import { routed } from '../lib/http/pages/page-endpoint.ts';
import { settingsRoutes } from '../lib/http/pages/settings/settings-routes.ts';

/** Limit, letters, name, and the wish to close the account. */
export const handler = routed(settingsRoutes);
