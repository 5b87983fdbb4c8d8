import { routed } from '../lib/http/pages/page-endpoint.ts';
import { settingsRoutes } from '../lib/http/pages/settings/settings-routes.ts';

/** Spending limit, letters, name, and the request to close the account. */
export const handler = routed(settingsRoutes);
