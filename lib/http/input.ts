import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { redactApiKeys } from '../domain/api-key.ts';
import { BillingError, type FieldError } from '../errors.ts';
import { withoutRepeats } from '../settings/zod-issues.ts';
import type { Contract, InputOf } from './contract.ts';

/** Without a locale, zod's mini build says only "invalid input". */
z.config(en());

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
      : check(contract.body, event.body, 'body', errors);
  if (errors.length > 0) throw invalidRequest(contract, errors);
  // All three parts were checked against this contract; the compiler cannot follow this through a generic.
  return { params, query, body } as InputOf<C>;
}

/** Keeps an answer readable, even if a body of maximum size has thousands of fields. */
const MAX_ERRORS = 20;
const MAX_FIELD_LENGTH = 64;

function invalidRequest({ faultCodes = {} }: Contract, all: readonly FieldError[]): BillingError {
  const [first, ...others] = all;
  const own = first === undefined || others.length > 0 ? undefined : faultCodes[first.field];
  const errors = all.slice(0, MAX_ERRORS).map(({ field, message }) => ({ field: nameable(field), message }));
  const more = all.length - errors.length;
  const listed = errors.map(({ field, message }) => `${field} ${message}`).join('; ');
  const detail = more === 0 ? listed : `${listed}; and ${more} more`;
  return new BillingError(own ?? 'invalid_request', `${detail}.`, { errors });
}

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

/** The gateway encodes a body in base64 unless its content type is text or JSON. */
function rejectBody({ body, isBase64Encoded }: ParsedEvent, errors: FieldError[]): undefined {
  const sent = typeof body === 'string' ? body : '';
  const text = (isBase64Encoded ? Buffer.from(sent, 'base64').toString() : sent).trim();
  if (text !== '' && text !== '{}' && text !== 'null')
    errors.push({ field: 'body', message: 'must be empty' });
  return undefined;
}

/** Field names come from the schema, or from the request if they are the fault. Values are never repeated. */
function fieldErrors(issue: z.core.$ZodIssue, sent: unknown, part: string): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((field) => ({ field, message: 'is not a known field' }));
  }
  const field = issue.path.map(String).join('.') || part;
  if (valueAt(sent, issue.path) === undefined) return [{ field, message: 'is required' }];
  return [{ field, message: decapitalize(issue.message) }];
}

function valueAt(sent: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    sent,
  );
}

const decapitalize = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);
