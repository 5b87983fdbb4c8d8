import { routed } from '../lib/http/pages/page-endpoint.ts';
import { keyRoutes } from '../lib/http/pages/settings/key-routes.ts';

/** The API keys: list, create, replace, revoke. */
export const handler = routed(keyRoutes);
