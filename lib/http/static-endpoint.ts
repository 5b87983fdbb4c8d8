import type { Contract } from './contract.ts';
import { type Handler, handlerOf } from './handler.ts';
import { parseInput } from './input.ts';
import type { Reply } from './reply.ts';

const CACHE = { 'cache-control': 'public, max-age=300' };

/** A call that anybody may make and that is always answered the same; it needs no table, and browsers may keep it. */
export function staticEndpoint(
  contract: Contract,
  body: Reply['body'],
  headers: Reply['headers'] = {},
): Handler {
  return handlerOf(contract, async (event) => {
    parseInput(contract, event);
    return { status: 200, headers: { ...CACHE, ...headers }, body };
  });
}
