import document from '../docs/openapi.json' with { type: 'json' };
import { getOpenapiContract } from '../lib/http/contracts/service.ts';
import { handlerOf } from '../lib/http/handler.ts';
import { parseInput } from '../lib/http/input.ts';

/** GET /openapi.json */
export const handler = handlerOf(getOpenapiContract, async (event) => {
  parseInput(getOpenapiContract, event);
  return { reply: { status: 200, headers: { 'cache-control': 'public, max-age=300' }, body: document } };
});
