import type { Contract } from './contract.ts';
import { type Handler, handlerOf } from './handler.ts';
import { type ParsedEvent, parseInput } from './input.ts';
import type { Reply } from './reply.ts';

const CACHE = { 'cache-control': 'public, max-age=300' };

/**
 * A public call whose answer depends only on its URL: it needs no table, and browsers may cache it. A shared
 * cache stores answers by host, so an answer that names the host reaches only readers of that host.
 */
export function staticEndpoint(
  contract: Contract,
  body: Reply['body'] | ((event: ParsedEvent) => Reply['body']),
  headers: Reply['headers'] = {},
): Handler {
  return handlerOf(contract, async (event) => {
    parseInput(contract, event);
    return {
      status: 200,
      headers: { ...CACHE, ...headers },
      body: typeof body === 'function' ? body(event) : body,
    };
  });
}

/** A public call that redirects browsers to another page of the API. */
export function redirectEndpoint(contract: Contract, location: string): Handler {
  const body = `<!doctype html>
<html lang="en"><title>Moved</title><p>See <a href="${location}">${location}</a>.</p></html>
`;
  return handlerOf(contract, async (event) => {
    parseInput(contract, event);
    return { status: 302, headers: { ...CACHE, 'content-type': 'text/html; charset=utf-8', location }, body };
  });
}
