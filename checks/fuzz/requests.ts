import fc from 'fast-check';
import type { Call, Schema } from '../../local/api-docs/api-document.ts';
import type { Call as GatewayCall } from '../../test/support/gateway.ts';
import { hostileBody, hostileText, hostileValue, MARKER, NOBODYS_KEY } from './hostile.ts';
import { validFor } from './valid.ts';
import type { World } from './world.ts';

export interface FuzzedRequest extends GatewayCall {
  readonly isBase64Encoded: boolean;
  /** Valid according to the document. */
  readonly isValid: boolean;
}

type Part<T> = { readonly value: T; readonly isValid: boolean };

const good = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Part<T>> =>
  arbitrary.map((value) => ({ value, isValid: true }));
const doubtful = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Part<T>> =>
  arbitrary.map((value) => ({ value, isValid: false }));

/** Requests of one call: valid ones, and ones broken in one or several parts. */
export function requestsOf(call: Call, world: World): fc.Arbitrary<FuzzedRequest> {
  return fc
    .record({
      apiKey: apiKeys(call, world),
      params: parametersOf(call, 'path', world),
      query: parametersOf(call, 'query', world),
      headers: headersFor(call),
      body: bodiesOf(call),
      base64: fc.constantFrom<Base64>(...NOT_BASE64, 'yes', 'yes', 'a lie'),
    })
    .map(({ apiKey, params, query, headers, body, base64 }) => {
      const parts = [apiKey, params, query, headers, body];
      const isBase64Encoded = base64 !== 'no' && body.value !== undefined;
      return {
        params: params.value,
        query: query.value,
        headers: headers.value,
        ...(apiKey.value !== undefined && { apiKey: apiKey.value }),
        ...(body.value !== undefined && { rawBody: base64 === 'yes' ? encoded(body.value) : body.value }),
        isBase64Encoded,
        isValid: parts.every(({ isValid }) => isValid) && !(isBase64Encoded && base64 === 'a lie'),
      };
    });
}

type Base64 = 'no' | 'yes' | 'a lie';
const NOT_BASE64 = Array<Base64>(8).fill('no');

const encoded = (text: string): string => Buffer.from(text).toString('base64');

function apiKeys({ security }: Call, { apiKeys: keys, deadKeys }: World) {
  const accepted = good(fc.constantFrom<string | undefined>(...keys));
  const refused = fc.oneof(
    fc.constantFrom<string | undefined>(
      undefined,
      NOBODYS_KEY,
      ...deadKeys,
      `${keys[0]} `,
      `${keys[0]},${keys[1]}`,
    ),
    hostileText,
  );
  // A call without security accepts any key.
  if (security.length === 0)
    return good(
      fc.oneof(
        accepted.map(({ value }) => value),
        refused,
      ),
    );
  return fc.oneof({ weight: 8, arbitrary: accepted }, { weight: 1, arbitrary: doubtful(refused) });
}

/** Only the service can issue a valid value, so valid requests omit these. */
const OPAQUE: ReadonlySet<string> = new Set(['cursor']);

/** As text, because paths and queries are text. The gateway joins repeated parameters with commas. */
function parametersOf({ parameters }: Call, place: 'path' | 'query', { ids }: World) {
  const named = parameters.filter(({ name, in: where }) => where === place && !OPAQUE.has(name));
  const text = (schema: Schema) => validFor(schema).map(String);
  const valid = fc.record(
    Object.fromEntries(
      named.map(({ name, schema }) => [
        name,
        place === 'path' ? fc.oneof(text(schema), fc.constantFrom(...ids)) : text(schema),
      ]),
    ),
    { requiredKeys: named.filter(({ required }) => required).map(({ name }) => name) },
  );
  const names = [...named.map(({ name }) => name), ...OPAQUE, 'unknown', 'constructor', MARKER];
  const broken = fc
    .tuple(
      valid,
      fc.constantFrom(...names),
      fc.oneof(hostileText, fc.constantFrom('1,2', 'true,false', '1,1')),
    )
    .map(([parameters, name, value]) => ({ ...parameters, [name]: value }));
  const lacking = fc
    .tuple(valid, fc.constantFrom(...names))
    .map(([parameters, name]) => without(parameters, name));
  // A path without placeholders has no parameters to break.
  if (place === 'path' && named.length === 0) return good(valid);
  return fc.oneof(
    { weight: 4, arbitrary: good(valid) },
    { weight: 2, arbitrary: doubtful(broken) },
    { weight: 1, arbitrary: doubtful(place === 'path' ? broken : lacking) },
  );
}

const without = <T>(fields: Record<string, T>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));

const CONTENT_TYPES = [
  '',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/jsonp',
  'json',
  'application/json; charset=utf-16',
  'application/json, text/plain',
  `application/${MARKER}+json`,
  'APPLICATION/JSON',
];

function headersFor({ requestBody }: Call): fc.Arbitrary<Part<Record<string, string>>> {
  const usual = fc.constantFrom('application/json', 'application/json; charset=utf-8');
  const strange = fc.oneof(fc.constantFrom(...CONTENT_TYPES), hostileText);
  const contentType =
    requestBody === undefined
      ? good(fc.oneof(usual, strange))
      : fc.oneof({ weight: 6, arbitrary: good(usual) }, { weight: 1, arbitrary: doubtful(strange) });
  const more = fc.dictionary(
    fc.constantFrom('accept', 'origin', 'stripe-signature', 'x-forwarded-for', 'idempotency-key'),
    hostileText,
    { maxKeys: 2 },
  );
  return fc.tuple(contentType, more).map(([type, headers]) => ({
    value: { ...headers, 'content-type': type.value },
    isValid: type.isValid,
  }));
}

function bodiesOf({ requestBody }: Call): fc.Arbitrary<Part<string | undefined>> {
  const schema = requestBody?.content['application/json']?.schema;
  if (schema === undefined) {
    return fc.oneof(
      { weight: 4, arbitrary: good(fc.constantFrom(undefined, '', '{}')) },
      { weight: 1, arbitrary: doubtful(hostileBody) },
    );
  }
  const valid = validFor(schema);
  const json = (value: unknown) => JSON.stringify(value);
  const names = [...Object.keys(schema.properties ?? {}), 'unknown', 'constructor', MARKER, NOBODYS_KEY];
  const changed = fc
    .tuple(valid, fc.constantFrom(...names), hostileValue)
    .map(([body, name, value]) => json({ ...fieldsOf(body), [name]: value }));
  const lacking = fc
    .tuple(valid, fc.constantFrom(...names))
    .map(([body, name]) => json(without(fieldsOf(body), name)));
  const cut = fc
    .tuple(valid, fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([body, part]) => json(body).slice(0, Math.floor(json(body).length * part)));
  return fc.oneof(
    { weight: 6, arbitrary: good(valid.map(json)) },
    { weight: 6, arbitrary: doubtful(changed) },
    { weight: 2, arbitrary: doubtful(lacking) },
    { weight: 1, arbitrary: doubtful(cut) },
    { weight: 1, arbitrary: doubtful(hostileValue.map(json)) },
    { weight: 1, arbitrary: doubtful(hostileBody) },
  );
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
