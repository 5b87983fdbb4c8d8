import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { redactApiKeys } from '../domain/api-key.ts';
import { BillingError } from '../errors.ts';
import { isOpaque, parseExactly, rounded } from './exact-json.ts';

const JSON_TYPE = /^\s*application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i;
/** Some programs write it before UTF-8. */
const BYTE_ORDER_MARK = /^\uFEFF/;
/** What clients send in place of no body. */
export const NO_BODY: ReadonlySet<string> = new Set(['', '{}', 'null']);

/**
 * Middleware that parses the body in place. docs/decisions/0011-json-body.md explains why this is not Middy's
 * parser.
 * @param isOptional whether the call works without a body
 */
export const jsonBodyParser = (isOptional: boolean) =>
  ({
    before: ({ event }: { event: APIGatewayProxyEventV2 }) => {
      const text = bodyText(event);
      if (isOptional && NO_BODY.has(text.trim())) {
        Reflect.set(event, 'body', {});
        return;
      }
      if (!JSON_TYPE.test(event.headers['content-type'] ?? '')) {
        const detail = 'Send the body as JSON, with content-type: application/json.';
        throw new BillingError('unsupported_media_type', detail);
      }
      try {
        Reflect.set(event, 'body', withPlainFields(parseExactly(text, harmless)));
      } catch {
        // The parser's message quotes the body.
        throw new BillingError('malformed_json', 'The body is missing or is not valid JSON.');
      }
    },
  }) satisfies MiddlewareObj<APIGatewayProxyEventV2, unknown>;

/** The gateway encodes a body in base64 unless its content type is text or JSON. */
export function bodyText({ body, isBase64Encoded }: { body?: unknown; isBase64Encoded: boolean }): string {
  const sent = typeof body === 'string' ? body : '';
  const text = isBase64Encoded ? Buffer.from(sent, 'base64').toString() : sent;
  return text.replace(BYTE_ORDER_MARK, '');
}

/**
 * The service's own fields become plain numbers. Only the caller's data, which is nested, keeps the text of
 * its numbers.
 */
function withPlainFields(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || isOpaque(body))
    return rounded(body);
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, rounded(value)]));
}

/**
 * RSOLV-action sends its key with its records: no usable key is stored, neither as a value nor as a name.
 * @throws SyntaxError for a name that would set a prototype, and for half a character, which stores and
 * networks reject
 */
function harmless(name: string, value: unknown): unknown {
  if (name === '__proto__') throw new SyntaxError('a prototype in disguise');
  if (!name.isWellFormed()) throw new SyntaxError('a name that is not Unicode');
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new SyntaxError('a text that is not Unicode');
    return redactApiKeys(value);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isOpaque(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [redactApiKeys(key), inner]));
}
