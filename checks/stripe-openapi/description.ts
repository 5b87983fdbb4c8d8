import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { goModule } from '../support/go-module.ts';
import { isJson, jsonSchema } from './json-schema.ts';

const MODULE = 'github.com/stripe/stripe-mock';
const RELEASE = 'v0.203.0';

const schemaRecord = z.record(z.string(), z.unknown());
const Answers = z.object({
  content: z.optional(z.object({ 'application/json': z.optional(z.object({ schema: z.unknown() })) })),
});
const Description = z.object({
  info: z.object({ version: z.string() }),
  components: z.object({ schemas: schemaRecord }),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
});
const WithFields = z.object({ properties: schemaRecord });
const Operation = z.object({ responses: z.record(z.string(), Answers) });

/** One value that differs from the description. */
export interface Difference {
  /** The kind of object and the path of its fields, for example `charge.outcome.reason`. */
  readonly at: string;
  readonly what: string;
}

/** Stripe's published API description. */
export interface StripeDescription {
  /** The API version, for example `2026-08-26.dahlia`. */
  readonly version: string;
  /** Checks an answer of an operation. Undefined if the description has no such operation. */
  answer(method: string, path: string, status: number, body: unknown): readonly Difference[] | undefined;
  /** Every event type that an endpoint can subscribe to. */
  readonly eventTypes: ReadonlySet<string>;
  /** Whether Stripe's description for SDKs has this field. */
  isKnownToSdks(schema: string, field: string): boolean;
  /** Checks an object by its kind. Undefined if the description has no such kind. */
  object(value: unknown): readonly Difference[] | undefined;
}

/** The description in Stripe's own stripe-mock, compiled by a generic validator. @throws SetupError */
export function stripeDescription(): StripeDescription {
  const { info, components, paths } = Description.parse(read('spec3.json'));
  const forSdks = Description.parse(read('spec3.beta.sdk.json')).components.schemas;
  const { schemas } = components;
  const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, inlineRefs: false });
  ajv.addFormat('unix-time', { type: 'number', validate: (at: number) => Number.isInteger(at) && at >= 0 });
  ajv.addFormat('currency', /^[a-z]{3}$/);
  ajv.addFormat('decimal', /^-?\d+(\.\d+)?$/);
  for (const [name, schema] of Object.entries(schemas)) {
    ajv.addSchema({ $id: idOf(name), ...onlyObject(withIds(jsonSchema(schema, schemas))) });
  }
  const kinds = kindsOf(schemas);
  const compiled = new Map<string, ValidateFunction>();
  const validatorOf = (key: string, schema: () => unknown): ValidateFunction => {
    const validate = compiled.get(key) ?? ajv.compile(onlyObject(withIds(jsonSchema(schema(), schemas))));
    compiled.set(key, validate);
    return validate;
  };
  const differences = (validate: ValidateFunction, value: unknown): Difference[] => {
    if (validate(value)) return [];
    return (validate.errors ?? []).flatMap((error) => differenceOf(error, value));
  };
  return {
    version: info.version,
    eventTypes: eventTypesOf(paths),
    isKnownToSdks: (schema, field) => {
      const { data } = WithFields.safeParse(forSdks[schema]);
      return data !== undefined && Object.hasOwn(data.properties, field);
    },
    answer: (method, path, status, body) => {
      const found = operationAt(paths, method, path);
      if (found === undefined) return undefined;
      const code = status === 200 ? '200' : 'default';
      const schema = found.operation.responses[code]?.content?.['application/json']?.schema;
      return differences(
        validatorOf(`${method} ${found.path} ${code}`, () => schema),
        body,
      );
    },
    object: (value) => {
      const names = isJson(value) ? kinds.get(kindOf(value)) : undefined;
      if (names === undefined) return undefined;
      return differences(
        validatorOf(names, () => ({ $ref: `#/components/schemas/${names}` })),
        value,
      );
    },
  };
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(join(goModule(MODULE, RELEASE), 'embedded', 'openapi', name), 'utf8'));

/** The values of `enabled_events` in the description of creating an endpoint. */
function eventTypesOf(paths: z.infer<typeof Description>['paths']): ReadonlySet<string> {
  const found = new Set<string>();
  collect(paths['/v1/webhook_endpoints']?.['post'], false);
  return found;

  function collect(value: unknown, isIn: boolean): void {
    if (typeof value === 'string' && isIn && value.includes('.')) found.add(value);
    if (Array.isArray(value)) for (const one of value) collect(one, isIn);
    if (!isJson(value)) return;
    for (const [name, one] of Object.entries(value))
      collect(one, name === 'enum' || (isIn && name !== 'description'));
  }
}

const idOf = (name: string): string => `stripe:${name}`;

/** Changes references between schemas to ids, so that only schemas in use are compiled. */
function withIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withIds);
  if (!isJson(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]) =>
      name === '$ref' && typeof value === 'string'
        ? [name, idOf(value.replace('#/components/schemas/', ''))]
        : [name, withIds(value)],
    ),
  );
}

function onlyObject(schema: unknown): Record<string, unknown> {
  if (isJson(schema)) return schema;
  throw new SetupError('The description has no schema where one was expected.');
}

/** For example `charge`, or `customer (deleted)` for a deleted customer. */
const kindOf = (value: Record<string, unknown>): string =>
  `${String(value['object'])}${value['deleted'] === true ? ' (deleted)' : ''}`;

/** The schema of each kind of object that has an id, by its kind. */
function kindsOf(schemas: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const Kind = z.object({
    'x-resourceId': z.string(),
    properties: z.object({
      object: z.object({ enum: z.array(z.string()) }),
      deleted: z.optional(z.unknown()),
    }),
  });
  const kinds = new Map<string, string>();
  for (const [name, schema] of Object.entries(schemas)) {
    const { data } = Kind.safeParse(schema);
    const object = data?.properties.object.enum[0];
    if (data === undefined || object === undefined) continue;
    kinds.set(kindOf({ object, deleted: data.properties.deleted !== undefined }), name);
  }
  return kinds;
}

/** Tries the most specific path first: `search` in `/v1/customers/search` is not an id. */
function operationAt(
  paths: z.infer<typeof Description>['paths'],
  method: string,
  path: string,
): { path: string; operation: z.infer<typeof Operation> } | undefined {
  const parts = path.split('/');
  const fits = (pattern: readonly string[]) =>
    pattern.length === parts.length && pattern.every((part, i) => part === parts[i] || part.startsWith('{'));
  const [found] = Object.keys(paths)
    .filter((one) => fits(one.split('/')))
    .toSorted((a, b) => a.split('{').length - b.split('{').length);
  const { data } = Operation.safeParse(paths[found ?? '']?.[method.toLowerCase()]);
  return found === undefined || data === undefined ? undefined : { path: found, operation: data };
}

/** Names the place relative to the nearest typed object, so a difference always has the same name. */
function differenceOf(
  { instancePath, keyword, message, params, data }: ErrorObject,
  root: unknown,
): Difference[] {
  if (keyword === 'if') return [];
  let at = isJson(root) && typeof root['object'] === 'string' ? root['object'] : 'error';
  let value: unknown = root;
  for (const part of instancePath.split('/').slice(1)) {
    value = isJson(value) ? value[part] : Array.isArray(value) ? value[Number(part)] : undefined;
    at = Array.isArray(value) || !/^\d+$/.test(part) ? `${at}.${part}` : `${at}[]`;
    if (isJson(value) && typeof value['object'] === 'string') at = value['object'];
  }
  const field = keyword === 'additionalProperties' ? String(params['additionalProperty']) : null;
  if (field !== null) return [{ at: `${at}.${field}`, what: 'a field that the description does not have' }];
  if (keyword === 'required') {
    return [{ at: `${at}.${String(params['missingProperty'])}`, what: 'a field that is missing' }];
  }
  const shown = JSON.stringify(data)?.slice(0, 60);
  return [{ at, what: `${message ?? keyword}${isJson(data) ? '' : `, and is ${shown}`}` }];
}
