import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiOverride,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { PROBLEMS } from '../../lib/errors.ts';
import type { Contract } from '../../lib/http/contract.ts';
import { namedSchemas } from '../../lib/http/contracts/examples.ts';
import { allContracts } from '../../lib/http/contracts/index.ts';
import { PROBLEM_ADVICE, PROBLEM_CODES, problemsOf } from '../../lib/http/contracts/problems.ts';
import manifest from '../../package.json' with { type: 'json' };
import type { ApiDocument } from './api-document.ts';
import { API_ADDRESS, DOCS_POLICY, docsPage } from './page.ts';

/**
 * Writes docs/openapi.json from the contracts, whose schemas validate every request. Writes
 * docs/api-page.json, which is the same document as a page. With --check, writes nothing and fails if a file
 * is out of date.
 */

const USAGE = `npm run openapi          writes docs/openapi.json and docs/api-page.json from the contracts
npm run check:openapi    writes nothing, and fails if one of them is out of date`;

const DOCS = join(import.meta.dirname, '../../docs');

const DESCRIPTION = `RSOLV opens pull requests that fix vulnerabilities. A merged fix costs the customer one \
credit. This API records fixes, bills them and manages credits.

Requests and responses are JSON with names in snake_case. Credits are integers, amounts are integer US \
cents, and times are ISO 8601 in UTC. Responses may gain fields, so ignore fields that you do not know. \
A request with an unknown field is rejected.

Recording, billing and revoking are idempotent: you can repeat a call safely.`;

const PROBLEMS_DESCRIPTION = `Every error is a problem document (RFC 9457, \`application/problem+json\`). \
Programs should check \`code\`, which never changes its meaning, and show \`detail\` to people. The API \
gateway returns its own errors as \`{"message": "…"}\`: 404 for a path that does not exist, and 429 when all \
callers together exceed the rate limit.`;

const API_KEY_DESCRIPTION = `Signing up returns the first API key, once. Send it in the header \
\`x-api-key\`. Keep it for yourself, because it can do everything. For RSOLV-action, issue a key with the \
scope \`fixes\`: it can record, look up and bill fixes, and read usage. To rotate, issue another key, \
switch to it, then revoke the old one.`;

const NEEDS_ACCOUNT = 'Needs a key with the scope `account`.';

const TAGS: Readonly<Record<Contract['tag'], string>> = {
  Fixes: 'The calls of RSOLV-action: record a pull request when it is opened, bill it once it is merged.',
  Customers: 'Sign up, and manage API keys.',
  Payments: 'The card on file, and Pro.',
  Account: 'Balance and statement.',
  Service: 'Public calls that need no API key.',
};

const HEADERS = {
  'x-request-id': {
    description: 'Identifies this request in our logs. Include it when you contact support.',
    schema: { type: 'string' },
  },
  'retry-after': {
    description: 'Seconds to wait before a retry, if a retry can help.',
    schema: { type: 'integer' },
  },
  'ratelimit-policy': {
    description:
      'The limits of this call: `q` calls in `w` seconds for each `"name"`, as in ' +
      'draft-ietf-httpapi-ratelimit-headers. `key` counts all calls with one API key.',
    schema: { type: 'string' },
    example: '"key";q=6000;w=60, "cards";q=20;w=3600',
  },
  ratelimit: {
    description: 'What is left of those limits: `r` calls, and more in `t` seconds. Approximate.',
    schema: { type: 'string' },
    example: '"key";r=5999;t=42, "cards";r=19;t=3600',
  },
  'www-authenticate': { description: 'How to send the key.', schema: { type: 'string' } },
  location: { description: 'The page to open.', schema: { type: 'string' } },
} as const;

/** The whole API, in the order of the documentation. */
export function openApiDocument() {
  const document: ZodOpenApiObject = {
    openapi: '3.1.1',
    info: { title: 'RSOLV billing API', version: manifest.version, description: DESCRIPTION },
    servers: [{ url: '/', description: 'The host that this document came from.' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: allContracts.reduce<ZodOpenApiPathsObject>(withOperation, {}),
    components: {
      schemas: namedSchemas,
      headers: HEADERS,
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: API_KEY_DESCRIPTION },
      },
    },
    'x-problems': {
      description: PROBLEMS_DESCRIPTION,
      codes: PROBLEM_CODES.map((code) => {
        const { status, title } = PROBLEMS[code];
        return { code, status, title, advice: PROBLEM_ADVICE[code] };
      }),
    },
  };
  const made = createDocument(document, { override: tidied });
  for (const { requestBody } of Object.values(made.paths ?? {}).flatMap((path) => Object.values(path)))
    allowNulls(requestBody?.content?.['application/json']?.schema, requestBody?.required === false);
  return made;
}

/** The service accepts null in every optional field of a body, and in place of an optional body. */
function allowNulls(schema: JsonSchema = {}, isBodyOptional: boolean): void {
  if (isBodyOptional) schema.type = [schema.type, 'null'];
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(name) || typeof field.type !== 'string') continue;
    field.type = [field.type, 'null'];
    field.enum?.push(null);
  }
}

/** The parts of a generated schema that `allowNulls` reads and changes. */
interface JsonSchema {
  type?: unknown;
  readonly properties?: Readonly<Record<string, { type?: unknown; readonly enum?: unknown[] }>>;
  readonly required?: readonly string[];
}

export const openApiText = (): string => `${JSON.stringify(openApiDocument(), null, 2)}\n`;

/**
 * The page for `GET /docs`: its content security policy, and its HTML split where the API's address is
 * inserted.
 */
export async function apiPageText(): Promise<string> {
  const api: ApiDocument = JSON.parse(openApiText());
  const html = (await docsPage(api)).split(API_ADDRESS);
  return `${JSON.stringify({ policy: DOCS_POLICY, html }, null, 2)}\n`;
}

function withOperation(paths: ZodOpenApiPathsObject, contract: Contract): ZodOpenApiPathsObject {
  const method = contract.method.toLowerCase();
  return { ...paths, [contract.path]: { ...paths[contract.path], [method]: operation(contract) } };
}

function operation(contract: Contract): ZodOpenApiOperationObject {
  const { operationId, tag, summary, access, scope, params, query, body, isBodyOptional } = contract;
  const description = scope === 'account' ? `${contract.description} ${NEEDS_ACCOUNT}` : contract.description;
  return {
    operationId,
    tags: [tag],
    summary,
    description,
    security: access === 'api_key' ? [{ apiKey: [] }] : [],
    requestParams: { path: objectSchema(params), query: objectSchema(query) },
    ...(body !== undefined && { requestBody: { required: !isBodyOptional, content: content(body) } }),
    responses: { ...successes(contract), ...problems(contract) },
  };
}

function successes({ responses, access, rateLimit }: Contract): ZodOpenApiResponsesObject {
  const limits: readonly HeaderName[] =
    access === 'api_key' ? LIMITS : rateLimit === undefined ? [] : ['ratelimit-policy'];
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema }]) => [
      status,
      {
        description,
        headers: headers('x-request-id', ...limits, ...(EXTRA_HEADERS[Number(status)] ?? [])),
        content: content(schema),
      },
    ]),
  );
}

/** Problems with the same status share one response, whose schema lists the possible codes. */
function problems(contract: Contract): ZodOpenApiResponsesObject {
  const byStatus = Map.groupBy(problemsOf(contract), (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]): [string, ZodOpenApiResponseObject] => {
      const schema = {
        allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: [...codes] } } }],
      };
      return [
        String(status),
        {
          description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
          headers: headers('x-request-id', ...(EXTRA_HEADERS[status] ?? [])),
          content: { 'application/problem+json': { schema } },
        },
      ];
    }),
  );
}

type HeaderName = keyof typeof HEADERS;
const LIMITS = ['ratelimit-policy', 'ratelimit'] as const;
const EXTRA_HEADERS: Readonly<Record<number, readonly HeaderName[]>> = {
  302: ['location'],
  401: ['www-authenticate'],
  429: ['retry-after', ...LIMITS],
  503: ['retry-after'],
};

const headers = (...names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** A string body is an HTML page. Every other body is JSON. */
function content(schema: z.ZodMiniType) {
  if (schema instanceof z.ZodMiniString) return { 'text/html': { schema } };
  // A schema with its own example already contains it.
  if (registeredExample(schema) !== undefined) return { 'application/json': { schema } };
  return { 'application/json': { schema, example: exampleOf(schema) } };
}

function registeredExample(schema: z.core.$ZodType): unknown {
  const examples = z.globalRegistry.get(schema)?.['examples'];
  return Array.isArray(examples) ? examples[0] : undefined;
}

/** The registered example of a schema, or one composed of the examples of its fields. */
export function exampleOf(schema: z.core.$ZodType): unknown {
  const example = registeredExample(schema);
  if (example !== undefined) return example;
  if (schema instanceof z.ZodMiniOptional || schema instanceof z.ZodMiniDefault) {
    return exampleOf(schema.def.innerType);
  }
  if (!(schema instanceof z.ZodMiniObject)) return undefined;
  const fields = Object.entries(schema.shape).map(([name, field]) => [name, exampleOf(field)]);
  return Object.fromEntries(fields.filter(([, example]) => example !== undefined));
}

function objectSchema(schema: z.ZodMiniType): z.ZodMiniObject {
  if (schema instanceof z.ZodMiniObject) return schema;
  throw new TypeError('Path and query parameters are the fields of an object.');
}

/** Removes schema details that only concern zod, and adds facts that zod does not write. */
const tidied: ZodOpenApiOverride = ({ jsonSchema, zodSchema }) => {
  const { def } = zodSchema._zod;
  // Only a strict object rejects other fields. A response may gain fields without breaking callers.
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties;
  // Redundant: the names of a JSON object are always strings.
  delete jsonSchema.propertyNames;
  // Redundant: the range of JavaScript's safe integers means any integer.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER && jsonSchema.maximum === Number.MAX_SAFE_INTEGER) {
    delete jsonSchema.minimum;
    delete jsonSchema.maximum;
  }
  // Redundant: the format already says it.
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  // The format alone would allow every scheme.
  if (jsonSchema.format === 'uri' && 'protocol' in def) jsonSchema.pattern = '^https?://';
};

async function main(isCheck: boolean): Promise<void> {
  const files = [
    { name: 'openapi.json', text: openApiText() },
    { name: 'api-page.json', text: await apiPageText() },
  ];
  for (const { name, text } of files) {
    const path = join(DOCS, name);
    if (!isCheck) {
      writeFileSync(path, text);
      console.log(`docs/${name} was written.`);
    } else if (existsSync(path) && readFileSync(path, 'utf8') === text) {
      console.log(`docs/${name} is up to date.`);
    } else {
      console.error(`docs/${name} does not match the contracts. Run: npm run openapi`);
      process.exitCode = 1;
    }
  }
}

if (import.meta.main) {
  const [option, ...more] = process.argv.slice(2);
  if (option === '--help') {
    console.log(USAGE);
  } else if ((option === undefined || option === '--check') && more.length === 0) {
    await main(option === '--check');
  } else {
    console.error(`Unknown option '${more[0] ?? option}'. See --help.`);
    process.exitCode = 2;
  }
}
