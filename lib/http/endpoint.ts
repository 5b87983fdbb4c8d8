import type { Deps } from '../runtime/deps.ts';
import { runningDeps } from '../runtime/running.ts';
import type { Key } from '../store/keys.ts';
import type { Item, Write } from '../store/table.ts';
import { authenticate, presentedKey, requireScope } from './authenticate.ts';
import type { Contract, CustomerContract, InputOf } from './contract.ts';
import { type Handler, handlerOf, type Notes } from './handler.ts';
import { type ParsedEvent, parseInput } from './input.ts';
import { jsonBodyParser } from './json-body.ts';
import { KeyCalls } from './key-calls.ts';
import { limitRate, rateKey, remainingAfter } from './rate-limit.ts';
import type { Reply } from './reply.ts';
import { type Source, sourceOf } from './source.ts';

export interface PublicRequest<C extends Contract> {
  readonly input: InputOf<C>;
  /** The caller's address according to the gateway; a header could be forged. */
  readonly sourceIp: string;
}

/** Where a customer's request came from. */
export interface Origin extends Source {
  /** The API key of the request. */
  readonly keyId: string;
}

export interface CustomerRequest<C extends Contract> {
  readonly origin: Origin;
  readonly input: InputOf<C>;
  readonly customerId: string;
  /** Stores the day of the key's last use, beside a write of the call. Often empty. */
  readonly keyUse: readonly Write[];
  readonly items: readonly (Item | undefined)[];
  /** When `items` were read. */
  readonly at: Date;
}

export interface SignedRequest {
  /** The body as signed. */
  readonly body: string;
  readonly signature: string | undefined;
}

/** A call without authentication. Its limit counts by the caller's address. */
export function publicEndpoint<C extends Contract>(
  contract: C,
  run: (deps: Deps, request: PublicRequest<C>) => Promise<Reply>,
): Handler {
  return jsonHandler(contract, async (event, { limits }) => {
    const { sourceIp } = event.requestContext.http;
    const input = parseInput(contract, event);
    const deps = runningDeps();
    const { rateLimit } = contract;
    if (rateLimit !== undefined) {
      // What is left would take another call to the table. It is said when nothing is left.
      limits.announce(rateLimit);
      await limitRate(deps, rateLimit, sourceIp);
    }
    return run(deps, { input, sourceIp });
  });
}

/** A call signed over its raw body; `run` checks the signature. */
export function signedEndpoint<C extends Contract>(
  contract: C,
  run: (deps: Deps, request: SignedRequest) => Promise<Reply>,
): Handler {
  return handlerOf(contract, async (event) => {
    const { body, isBase64Encoded, headers } = event;
    const text = typeof body === 'string' ? body : '';
    return run(runningDeps(), {
      body: isBase64Encoded ? Buffer.from(text, 'base64').toString() : text,
      signature: headers['stripe-signature'],
    });
  });
}

/**
 * A call with a customer's API key. `alsoRead` names the items that the operation needs, so that the read
 * that checks the key fetches them too. Faults of a request are reported only if its key is valid and has the
 * contract's scope. Every key has a limit of calls; the contract may have another limit for each customer.
 */
export function customerEndpoint<C extends CustomerContract>(
  contract: C,
  alsoRead: (customerId: string, input: InputOf<C>, at: Date) => readonly Key[],
  run: (deps: Deps, request: CustomerRequest<C>) => Promise<Reply>,
): Handler {
  const keyCalls = new KeyCalls();
  const { rateLimit, quota } = contract;
  return jsonHandler(contract, async (event, notes) => {
    const deps = runningDeps();
    const { limits } = notes;
    const input = outcomeOf(() => parseInput(contract, event));
    const at = deps.now();
    const key = presentedKey(event.headers['x-api-key']);
    const { customerId, keyId } = key;
    keyCalls.refuse(deps, key, notes);
    const { scope, isTest, keyUse, items } = await authenticate(deps.table, key, at, (id) => [
      ...(rateLimit === undefined ? [] : [rateKey(rateLimit, id)]),
      ...(input.ok ? alsoRead(id, input.value, at) : []),
    ]);
    notes.customerId = customerId;
    notes.hasKey = true;
    notes.isTest = isTest;
    await keyCalls.count(deps, keyId, notes);
    requireScope(scope, contract.scope);
    if (!input.ok) {
      if (contract.isLost?.(event.body)) deps.report({ kind: 'fix_unrecorded', customerId });
      throw input.error;
    }
    if (quota !== undefined) limits.announce(quota);
    if (rateLimit !== undefined) {
      limits.announce(rateLimit, remainingAfter(items[0], rateLimit, deps.now()));
      await limitRate(deps, rateLimit, customerId, keyUse);
    }
    const origin = { ...sourceOf(event), keyId };
    const request = { input: input.value, customerId, origin, at };
    // The count of the calls has stored the use of the key.
    if (rateLimit !== undefined) return run(deps, { ...request, items: items.slice(1), keyUse: [] });
    return run(deps, { ...request, items, keyUse });
  });
}

/** A handler that parses a JSON body if the contract has one. */
function jsonHandler(
  contract: Contract,
  answer: (event: ParsedEvent, notes: Notes) => Promise<Reply>,
): Handler {
  const { body, isBodyOptional = false } = contract;
  return handlerOf(
    contract,
    answer,
    body === undefined ? {} : { bodyParser: jsonBodyParser(isBodyOptional) },
  );
}

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

function outcomeOf<T>(work: () => T): Outcome<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error };
  }
}
