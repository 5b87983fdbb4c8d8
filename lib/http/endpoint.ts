import { redactApiKeys } from '../domain/api-key.ts';
import type { Deps } from '../runtime/deps.ts';
import { runningDeps } from '../runtime/running.ts';
import type { Key } from '../store/keys.ts';
import type { Item } from '../store/table.ts';
import { authenticate } from './authenticate.ts';
import type { Contract, InputOf } from './contract.ts';
import { type Handler, handlerOf } from './handler.ts';
import { type ParsedEvent, parseInput } from './input.ts';
import type { Reply } from './reply.ts';

export interface PublicRequest<C extends Contract> {
  readonly input: InputOf<C>;
  /** The caller's address according to the gateway; a header could be forged. */
  readonly sourceIp: string;
}

/** Where a customer's request came from. */
export interface Origin {
  /** The caller's address according to the gateway; a header could be forged. */
  readonly sourceIp: string;
  /** Shortened, with keys made unusable; null if the caller sent none. */
  readonly userAgent: string | null;
  /** The API key of the request. */
  readonly keyId: string;
}

export interface CustomerRequest<C extends Contract> {
  readonly origin: Origin;
  readonly input: InputOf<C>;
  readonly customerId: string;
  readonly items: readonly (Item | undefined)[];
}

export interface SignedRequest {
  /** The body as signed. */
  readonly body: string;
  readonly signature: string | undefined;
}

/** A call without authentication. */
export function publicEndpoint<C extends Contract>(
  contract: C,
  run: (deps: Deps, request: PublicRequest<C>) => Promise<Reply>,
): Handler {
  return handlerOf(contract, async (event) => {
    const { sourceIp } = event.requestContext.http;
    return run(runningDeps(), { input: parseInput(contract, event), sourceIp });
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
 * that checks the key fetches them too. Faults of a request are reported only if its key is valid.
 */
export function customerEndpoint<C extends Contract>(
  contract: C,
  alsoRead: (customerId: string, input: InputOf<C>) => readonly Key[],
  run: (deps: Deps, request: CustomerRequest<C>) => Promise<Reply>,
): Handler {
  return handlerOf(contract, async (event, logFacts) => {
    const input = outcomeOf(() => parseInput(contract, event));
    const { customerId, keyId, isTest, items } = await authenticate(
      runningDeps().table,
      event.headers['x-api-key'],
      (id) => (input.ok ? alsoRead(id, input.value) : []),
    );
    logFacts.customer_id = customerId;
    if (isTest) logFacts.test_customer = true;
    if (!input.ok) {
      if (contract.isLost?.(event.body)) runningDeps().report({ kind: 'fix_unrecorded', customerId });
      throw input.error;
    }
    const origin = { ...sourceOf(event), keyId };
    return run(runningDeps(), { input: input.value, customerId, items, origin });
  });
}

const MAX_USER_AGENT = 200;

function sourceOf({ requestContext, headers }: ParsedEvent): Omit<Origin, 'keyId'> {
  const sent = headers['user-agent']?.slice(0, MAX_USER_AGENT).toWellFormed().trim() ?? '';
  return {
    sourceIp: requestContext.http.sourceIp,
    userAgent: sent === '' ? null : redactApiKeys(sent),
  };
}

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

function outcomeOf<T>(work: () => T): Outcome<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error };
  }
}
