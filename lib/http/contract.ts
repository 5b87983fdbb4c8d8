import * as z from 'zod/mini';
import type { KeyScope } from '../domain/api-key.ts';
import type { ProblemCode } from '../errors.ts';
import type { CallLimit, CountedLimit } from './call-limits.ts';

/**
 * One call of the API. The same schemas validate requests and generate the OpenAPI document. `responses` has
 * each success by its status.
 */
export interface Contract<
  Params extends z.ZodMiniType = z.ZodMiniType,
  Query extends z.ZodMiniType = z.ZodMiniType,
  Body extends z.ZodMiniType | undefined = z.ZodMiniType | undefined,
> {
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly tag: 'Fixes' | 'Customers' | 'Payments' | 'Account' | 'Service';
  readonly summary: string;
  readonly description: string;
  /** `signature`: the raw body is signed, so it is not parsed. */
  readonly access: 'public' | 'api_key' | 'signature';
  /** The scope that a key needs for this call. Absent if the call takes no key. */
  readonly scope?: KeyScope;
  readonly params: Params;
  readonly query: Query;
  /** Absent if the call takes no body; sending one is then an error. */
  readonly body: Body;
  /** No body means a body without fields. */
  readonly isBodyOptional?: true;
  /** Fields whose fault has its own code, if no other field is at fault. */
  readonly faultCodes?: Readonly<Record<string, ProblemCode>>;
  /** Whether an invalid body means a loss that raises an alarm. */
  readonly isLost?: (body: unknown) => boolean;
  /** A limit of the call's own, which the endpoint counts per customer; for a public call, per address. */
  readonly rateLimit?: CountedLimit;
  /** A limit that the operation itself counts. */
  readonly quota?: CallLimit;
  /** Whether its refusals count as refused sign-ups. */
  readonly isSignUp?: true;
  /** A limit other than the default. */
  readonly maxBodyBytes?: number;
  readonly responses: Readonly<
    Record<number, { readonly description: string; readonly schema: z.ZodMiniType }>
  >;
  /** The call's problems beyond those of every call. */
  readonly problems: readonly ProblemCode[];
}

/** A call with a customer's API key. */
export type CustomerContract = Contract & { readonly access: 'api_key'; readonly scope: KeyScope };

export type InputOf<C extends Contract> = {
  readonly params: z.output<C['params']>;
  readonly query: z.output<C['query']>;
  readonly body: C['body'] extends z.ZodMiniType ? z.output<C['body']> : undefined;
};

/** For the parts of a request that a call does not have: any field in them is unknown. */
export const nothing = z.strictObject({});

/** Adds a description, and an example, to a schema. */
export function described<S extends z.ZodMiniType>(schema: S, description: string, example?: unknown): S {
  z.globalRegistry.add(schema, { description, ...(example === undefined ? {} : { examples: [example] }) });
  return schema;
}

/** A string, because the API document has the same expression and does not support character classes. */
export const NO_CONTROL_CHARACTERS = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$';

/** Text without control characters, trimmed, from 1 to `max` characters. */
export function text(max: number): z.ZodMiniType<string, string> {
  return z
    .string()
    .check(
      z.trim(),
      z.minLength(1),
      z.maxLength(max),
      z.regex(new RegExp(NO_CONTROL_CHARACTERS), 'must not contain control characters'),
    );
}

export const httpUrl = () =>
  z.url({ protocol: /^https?$/, hostname: z.regexes.hostname }).check(z.maxLength(2_000));
