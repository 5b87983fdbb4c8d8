import { getPricingContract } from '../lib/http/contracts/account.ts';
import { handlerOf } from '../lib/http/handler.ts';
import { parseInput } from '../lib/http/input.ts';
import { pricingView } from '../lib/http/views.ts';

/** GET /api/v1/pricing */
export const handler = handlerOf(getPricingContract, async (event) => {
  parseInput(getPricingContract, event);
  return { reply: { status: 200, headers: { 'cache-control': 'public, max-age=300' }, body: pricingView() } };
});
