import { getPricingContract } from '../lib/http/contracts/account.ts';
import { staticEndpoint } from '../lib/http/static-endpoint.ts';
import { pricingView } from '../lib/http/views/account.ts';

/** GET /api/v1/pricing */
export const handler = staticEndpoint(getPricingContract, pricingView());
