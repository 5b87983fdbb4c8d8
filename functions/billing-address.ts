import { routed } from '../lib/http/pages/page-endpoint.ts';
import { addressRoutes } from '../lib/http/pages/settings/address-routes.ts';

/** Another e-mail address, and its confirmation. */
export const handler = routed(addressRoutes);
