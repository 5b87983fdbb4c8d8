import { getPricingContract } from '../lib/http/contracts/account.ts';
import { publicEndpoint } from '../lib/http/endpoint.ts';
import { CACHE_PRICES, keptSoldPrices } from '../lib/http/sold-prices.ts';
import { pricingView } from '../lib/http/views/account.ts';

const soldPrices = keptSoldPrices();

/** GET /api/v1/pricing */
export const handler = publicEndpoint(getPricingContract, async (deps) => ({
  status: 200,
  headers: CACHE_PRICES,
  body: pricingView(await soldPrices(deps)),
}));
