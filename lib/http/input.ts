import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type * as z from 'zod/mini';
import { safeParse, ZodMiniObject } from 'zod/mini';
import { redactApiKeys } from '../domain/api-key.ts';
import { BillingError, type FieldError } from '../errors.ts';
import { withoutRepeats } from '../settings/zod-issues.ts';
import '../settings/plain-words.ts';
import { lookUp } from '../look-up.ts';
import type { Contract, InputOf } from './contract.ts';
import { readableName } from './field-name.ts';
import { bodyText, NO_BODY } from './json-body.ts';

/** A gateway event after the body parser: if the call has a body, `body` is the parsed JSON. */
export type ParsedEvent = Omit<APIGatewayProxyEventV2, 'body'> & { readonly body?: unknown };

/**
 * The input of a request, checked against its contract: path, query and body together, so that one answer
 * names every field at fault.
 * @throws BillingError invalid_request
 */
export function parseInput<C extends Contract>(contract: C, event: ParsedEvent): InputOf<C> {
  const errors: FieldError[] = [];
  const params = check(contract.params, event.pathParameters ?? {}, 'path', errors);
  const query = check(contract.query, event.queryStringParameters ?? {}, 'query', errors);
  const body =
    contract.body === undefined
      ? rejectBody(event, errors)
      : check(contract.body, withoutNulls(contract.body, event.body), 'body', errors);
  if (errors.length > 0) throw invalidRequest(contract, errors);
  // All three parts were checked against this contract; the compiler cannot follow this through a generic.
  return { params, query, body } as InputOf<C>;
}

/** Keeps an answer readable, even if a body of maximum size has thousands of fields. */
const MAX_ERRORS = 20;
const MAX_FIELD_LENGTH = 64;

function invalidRequest({ faultCodes = {} }: Contract, all: readonly FieldError[]): BillingError {
  const [first, ...others] = all;
  const own = first === undefined || others.length > 0 ? undefined : lookUp(faultCodes, first.field);
  const errors = all.slice(0, MAX_ERRORS).map(({ field, message }) => ({ field: nameable(field), message }));
  const more = all.length - errors.length;
  const sentences = errors.map(({ field, message }) => ended(`${nameOf(field, message)} ${message}`));
  if (more > 0) sentences.push(`And ${more} more.`);
  return new BillingError(own ?? 'invalid_request', sentences.join(' '), { errors });
}

const ended = (sentence: string): string => (sentence.endsWith('?') ? sentence : `${sentence}.`);

const UNKNOWN = 'is not a known field';

/** A field of ours in plain words; an unknown one as it was sent. */
const nameOf = (field: string, message: string): string =>
  message === UNKNOWN ? `"${field}"` : readableName(field);

/** Forms send null for what was left empty. So null in an optional field counts as left out. */
function withoutNulls(schema: z.ZodMiniType, body: unknown): unknown {
  if (!(schema instanceof ZodMiniObject) || typeof body !== 'object' || body === null) return body;
  if (Array.isArray(body)) return body;
  const isLeftOut = (name: string, value: unknown): boolean => {
    const field: z.core.$ZodType | undefined = value === null ? lookUp(schema.shape, name) : undefined;
    return field !== undefined && accepts(field, undefined) && !accepts(field, null);
  };
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => !isLeftOut(name, value)));
}

const accepts = (schema: z.core.$ZodType, value: unknown): boolean => safeParse(schema, value).success;

/**
 * Makes a caller's field name safe for an answer: redacts API keys, replaces control characters, shortens it,
 * and leaves no half of a character.
 */
const nameable = (field: string): string =>
  redactApiKeys(field).replace(CONTROL_CHARACTERS, '?').slice(0, MAX_FIELD_LENGTH).toWellFormed();

const CONTROL_CHARACTERS = /\p{Cc}/gu;

function check(schema: z.ZodMiniType, value: unknown, part: string, errors: FieldError[]): unknown {
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    errors.push(...withoutRepeats(parsed.error.issues).flatMap((issue) => fieldErrors(issue, value, part)));
  return parsed.data;
}

function rejectBody(event: ParsedEvent, errors: FieldError[]): undefined {
  if (!NO_BODY.has(bodyText(event).trim())) errors.push({ field: 'body', message: 'must be empty' });
  return undefined;
}

/** Field names come from the schema, or from the request if they are the fault. Values are never repeated. */
function fieldErrors(issue: z.core.$ZodIssue, sent: unknown, part: string): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((field) => ({ field, message: UNKNOWN }));
  }
  const field = issue.path.map(String).join('.') || part;
  // Null in a required field means that nothing was filled in.
  const value = valueAt(sent, issue.path);
  if (value === undefined || value === null) return [{ field, message: 'is required' }];
  return [{ field, message: issue.message }];
}

function valueAt(sent: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    sent,
  );
}
