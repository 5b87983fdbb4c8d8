import { routed } from '../lib/http/pages/page-endpoint.ts';
import { addressRoutes } from '../lib/http/pages/settings/address-routes.ts';

/** Changing the e-mail address, and confirming the new one. */
export const handler = routed(addressRoutes);
