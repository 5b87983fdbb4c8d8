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
 * Writes docs/openapi.json from the contracts, the schemas that check every request, and docs/api-page.json, which is
 * the same document as a page. With --check it writes nothing and fails if a file is out of date.
 */

const USAGE = `npm run openapi          writes docs/openapi.json and docs/api-page.json from the contracts: 1 second
npm run check:openapi    writes nothing, and fails if one of them is out of date`;

const DOCS = join(import.meta.dirname, '../../docs');

const DESCRIPTION = `RSOLV opens pull requests that fix vulnerabilities. When one is merged, the customer owes one credit for \
it. This API records the fixes, bills them and keeps the credits.

Requests and answers are JSON with names in snake_case. Credits are whole numbers, money is in whole US cents, times \
are ISO 8601 in UTC. Answers may gain fields, so skip those you do not know; a request with an unknown field is refused.

Recording, billing and revoking are safe to repeat: what is done already is not done twice.`;

const PROBLEMS_DESCRIPTION = `Whatever goes wrong is answered with a problem document (RFC 9457, \
\`application/problem+json\`). Let programs look at \`code\`, which never changes its meaning, and show people \
\`detail\`. The gateway in front answers by itself, with \`{"message": "…"}\`, for a path that does not exist (404) and \
when all callers together are too fast (429).`;

const API_KEY_DESCRIPTION = `Signing up gives the first API key, once. Send it in the header \`x-api-key\`. To rotate, issue \
another key, put it to use, then revoke the old one.`;

const TAGS: Readonly<Record<Contract['tag'], string>> = {
  Fixes: 'What RSOLV-action calls: record a pull request when it is opened, bill it once it is merged.',
  Customers: 'Sign up, and handle API keys.',
  Payments: 'The card on file, and Pro.',
  Account: 'Balance and statement.',
  Service: 'What is open to everybody.',
};

const HEADERS = {
  'x-request-id': {
    description: 'Names this request in our logs; tell it to support.',
    schema: { type: 'string' },
  },
  'retry-after': { description: 'Seconds to wait, where waiting helps.', schema: { type: 'integer' } },
  'www-authenticate': { description: 'How to send the key.', schema: { type: 'string' } },
  location: { description: 'The page to go to.', schema: { type: 'string' } },
} as const;

/** The whole API, in the order in which it is read. */
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
  return createDocument(document, { override: tidied });
}

export const openApiText = (): string => `${JSON.stringify(openApiDocument(), null, 2)}\n`;

/** The page as `GET /docs` serves it: its policy, and its HTML cut where the address of the API belongs. */
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
  const { operationId, tag, summary, description, access, params, query, body } = contract;
  return {
    operationId,
    tags: [tag],
    summary,
    description,
    security: access === 'api_key' ? [{ apiKey: [] }] : [],
    requestParams: { path: objectSchema(params), query: objectSchema(query) },
    ...(body !== undefined && { requestBody: { required: true, content: content(body) } }),
    responses: { ...successes(contract), ...problems(contract) },
  };
}

function successes({ responses }: Contract): ZodOpenApiResponsesObject {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema }]) => [
      status,
      {
        description,
        headers: headers('x-request-id', ...(EXTRA_HEADERS[Number(status)] ?? [])),
        content: content(schema),
      },
    ]),
  );
}

/** Problems of one status share a response; its schema says which codes can be in it. */
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
const EXTRA_HEADERS: Readonly<Record<number, readonly HeaderName[]>> = {
  302: ['location'],
  401: ['www-authenticate'],
  429: ['retry-after'],
  503: ['retry-after'],
};

const headers = (...names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** A text is a page for browsers; every other body is JSON. */
function content(schema: z.ZodMiniType) {
  if (schema instanceof z.ZodMiniString) return { 'text/html': { schema } };
  // A schema that has an example of its own brings it along.
  if (registeredExample(schema) !== undefined) return { 'application/json': { schema } };
  return { 'application/json': { schema, example: exampleOf(schema) } };
}

function registeredExample(schema: z.core.$ZodType): unknown {
  const examples = z.globalRegistry.get(schema)?.['examples'];
  return Array.isArray(examples) ? examples[0] : undefined;
}

/** What the registry shows of a schema, or what it shows of its fields put together. */
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

/** Leaves out what zod says of itself rather than of the API, and adds what it knows but does not say. */
const tidied: ZodOpenApiOverride = ({ jsonSchema, zodSchema }) => {
  const { def } = zodSchema._zod;
  // Only a strict object refuses other fields; an answer may gain one without breaking anybody.
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties;
  // Any JSON object has names that are strings.
  delete jsonSchema.propertyNames;
  // From the least to the greatest number that JavaScript can count to: any integer.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER && jsonSchema.maximum === Number.MAX_SAFE_INTEGER) {
    delete jsonSchema.minimum;
    delete jsonSchema.maximum;
  }
  // The format says it in a word.
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  // The format alone would let every scheme in.
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
      console.log(`docs/${name} is written.`);
    } else if (existsSync(path) && readFileSync(path, 'utf8') === text) {
      console.log(`docs/${name} is up to date.`);
    } else {
      console.error(`docs/${name} does not match the contracts. Run: npm run openapi`);
      process.exitCode = 1;
    }
  }
}

if (import.meta.main) {
  const [word, ...more] = process.argv.slice(2);
  if (word === '--help') {
    console.log(USAGE);
  } else if ((word === undefined || word === '--check') && more.length === 0) {
    await main(word === '--check');
  } else {
    console.error(`Unknown option '${more[0] ?? word}'. See --help.`);
    process.exitCode = 2;
  }
}
