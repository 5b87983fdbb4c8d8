import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_BODY_BYTES } from '../../lib/http/handler.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { readLedgerRecords } from '../../lib/store/audit/audit.ts';
import { api, call, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { otherEndpoint } from '../support/other-endpoint.ts';

let deps: Deps;
let customer: SignedUp;
beforeAll(async () => {
  deps = await serveFromTestTable();
  customer = await signUp();
});

const record = (rawBody: string, headers: Record<string, string> = {}) =>
  call(api.recordFixAttempt, { apiKey: customer.apiKey, rawBody, headers });
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('a body that is not what it should be', () => {
  it.each([
    ['not JSON', '{"github_org":', 400, 'malformed_json'],
    ['empty', '', 400, 'malformed_json'],
    ['a prototype in disguise', '{"__proto__":{"credit_balance":1}}', 400, 'malformed_json'],
    ['nested out of all measure', nested(30_000), 400, 'malformed_json'],
    ['a list', '[]', 422, 'invalid_request'],
    ['a number', '5', 422, 'invalid_request'],
    ['too large', JSON.stringify({ pr_title: 'x'.repeat(MAX_BODY_BYTES) }), 413, 'body_too_large'],
  ])('%s', async (_name, rawBody, status, code) => {
    const answer = await record(rawBody);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.text).not.toMatch(/\bat .*\.ts|node_modules/);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty'])(
    'an unknown field named %s, which every object has, is refused like any other',
    async (name) => {
      for (const value of ['null', '1']) {
        const { status, body } = await call(api.issueApiKey, {
          apiKey: customer.apiKey,
          rawBody: `{"${name}":${value}}`,
        });
        expect([status, body['detail']]).toEqual([422, `"${name}" is not a known field.`]);
      }
    },
  );

  it('another content type is 415, and JSON with a charset is accepted', async () => {
    const rawBody = JSON.stringify(fixBody(1));
    expect((await record(rawBody, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await record(rawBody, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(201);
  });

  it.each(['.github', '...', '..a', '-', 'a'.repeat(100), `..${'a'.repeat(98)}`])(
    'a repository may be called %s',
    async (name) => {
      const rawBody = JSON.stringify(fixBody(90, { repo_name: name }));
      expect((await record(rawBody)).status).toBe(201);
    },
  );

  it.each([
    ['github_org', 'a/b'],
    ['github_org', ''],
    ['github_org', 5],
    ['repo_name', 'a#b'],
    ['repo_name', '.'],
    ['repo_name', '..'],
    ['repo_name', 'a'.repeat(101)],
    ['repo_name', `..${'a'.repeat(99)}`],
    ['repo_name', null],
    ['pr_number', '7'],
    ['pr_number', -1],
    ['pr_number', 1.5],
    ['pr_number', 1e20],
    ['pr_title', ''],
    ['pr_url', 'javascript:alert(1)'],
    ['pr_url', 'not a url'],
    ['issue_number', 'x'],
    ['issue_url', 7],
    ['metadata', 'text'],
    ['metadata', []],
    ['metadata', { large: 'x'.repeat(17_000) }],
    ['credit_balance', 100],
  ])('%s as %j is rejected with the field, and nothing is stored', async (field, value) => {
    const { status, body } = await call(api.recordFixAttempt, {
      apiKey: customer.apiKey,
      body: fixBody(50, { [field]: value }),
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'invalid_request', errors: [{ field }] });
    const query = { github_org: 'acme', repo_name: 'webshop', pr_number: '50' };
    expect((await call(api.findFixAttempt, { apiKey: customer.apiKey, query })).status).toBe(404);
  });

  it('each invalid field has its own error: missing, wrong type, out of range', async () => {
    const body = { ...fixBody(51, { pr_number: '7', issue_number: 0, metadata: [] }), repo_name: undefined };
    const answer = await call(api.recordFixAttempt, { apiKey: customer.apiKey, body });
    expect(answer.body['errors']).toEqual([
      { field: 'repo_name', message: 'is required' },
      { field: 'pr_number', message: 'must be a number' },
      { field: 'issue_number', message: 'must be greater than 0' },
      { field: 'metadata', message: 'must be an object' },
    ]);
  });

  it('a list in place of a text has one error about the type, and none about the length', async () => {
    for (const list of [[], ['x'], Array(1_000).fill('x')]) {
      const answer = await call(api.recordFixAttempt, {
        apiKey: customer.apiKey,
        body: fixBody(52, { github_org: list, pr_title: list }),
      });
      const message = 'must be text';
      expect(answer.body['errors']).toEqual([
        { field: 'github_org', message },
        { field: 'pr_title', message },
      ]);
    }
  });

  it('billing takes no body: nothing or {} is accepted, anything else is rejected', async () => {
    const { body } = await call(api.recordFixAttempt, { apiKey: customer.apiKey, body: fixBody(60) });
    const params = { id: String(body['id']) };
    const bill = (rawBody: string) => call(api.billFixAttempt, { apiKey: customer.apiKey, params, rawBody });
    expect((await bill('{"amount_cents":0}')).status).toBe(422);
    expect((await bill('{}')).status).toBe(200);
    expect((await bill('')).status).toBe(200);
  });

  it('any JSON object is accepted as metadata and returned unchanged', async () => {
    const metadata = {
      'a.b': [1, { c: null }],
      '': '',
      huge: 1e300,
      tiny: 5e-324,
      emoji: '🦊',
      constructor: 'x',
    };
    const { status } = await call(api.recordFixAttempt, {
      apiKey: customer.apiKey,
      body: fixBody(70, { metadata }),
    });
    expect(status).toBe(201);
    const query = { github_org: 'acme', repo_name: 'webshop', pr_number: '70' };
    const found = await call(api.findFixAttempt, { apiKey: customer.apiKey, query });
    expect(found.body['metadata']).toEqual(metadata);
  });
});

describe('the numbers in metadata', () => {
  it('numbers in metadata are returned exactly as they were sent, digit by digit', async () => {
    const numbers = '{"big":12345678901234567890,"far":1e400,"list":[1.0,-0,0.10,1E2,42],"own":{"pi":3.14}}';
    const rawBody = JSON.stringify(fixBody(71)).replace(/}$/, `,"metadata":${numbers}}`);
    const recorded = await record(rawBody);
    expect(recorded.status).toBe(201);
    const query = { github_org: 'acme', repo_name: 'webshop', pr_number: '71' };
    const found = await call(api.findFixAttempt, { apiKey: customer.apiKey, query });
    for (const { text } of [recorded, found]) expect(text).toContain(`"metadata":${numbers}`);
  });

  it('numbers in metadata count with every digit towards its maximum size', async () => {
    const rawBody = JSON.stringify(fixBody(72)).replace(/}$/, `,"metadata":{"n":${'1'.repeat(17_000)}}}`);
    expect((await record(rawBody)).body).toMatchObject({ errors: [{ field: 'metadata' }] });
  });

  it('numbers in metadata do not weaken the checks of other fields', async () => {
    const with_ = (number: string) =>
      record(JSON.stringify(fixBody(73)).replace('"pr_number":73', `"pr_number":${number}`));
    for (const number of ['1e400', '12345678901234567890', '1.50']) {
      expect((await with_(number)).body, number).toMatchObject({ errors: [{ field: 'pr_number' }] });
    }
    expect((await with_('73.0')).body['pr_number']).toBe(73);
  });
});

describe('the answer to a body of unknown fields', () => {
  it('the response to unknown fields stays below 16 KiB, lists the first 20 errors, and states how many more there are', async () => {
    const names = Array.from({ length: 3_000 }, (_, i) => `unknown_${i}`);
    const many = JSON.stringify(Object.fromEntries(names.map((name) => [name, 1])));
    const answer = await record(many);
    expect(answer.status).toBe(422);
    expect(answer.body['errors']).toHaveLength(20);
    // The count includes the three required fields.
    expect(answer.body['detail']).toMatch(/ And 2983 more\.$/);
    expect(answer.text.length).toBeLessThan(16 * 1024);
  });

  it('the response to unknown fields stays below 16 KiB however long the names are, and cuts between characters', async () => {
    for (const character of ['x', '\u0001', '🦊', '\u2028']) {
      const names = Array.from({ length: 40 }, (_, i) => character.repeat(150) + i);
      const answer = await record(JSON.stringify(Object.fromEntries(names.map((name) => [name, 1]))));
      expect(answer.status).toBe(422);
      expect(Buffer.byteLength(answer.text), character).toBeLessThan(16 * 1024);
      expect(answer.text).not.toMatch(/\\ud83e(?!\\udd8a)/i);
    }
  });
});

describe('every answer', () => {
  it('every response has a request id, also in its log line, and security headers for browsers', async () => {
    const lines: string[] = [];
    const spies = (['info', 'error', 'log'] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation((line) => void lines.push(String(line))),
    );
    const answers = [
      await call(api.getPricing),
      await call(api.getUsage, { apiKey: 'nonsense' }),
      await record('{'),
    ];
    for (const spy of spies) spy.mockRestore();
    for (const { headers, status, body } of answers) {
      const requestId = String(headers['x-request-id']);
      expect(requestId).toMatch(/^req-/);
      expect(lines.filter((line) => line.includes(requestId))).toHaveLength(1);
      expect(headers['X-Content-Type-Options']).toBe('nosniff');
      expect(headers['Strict-Transport-Security']).toContain('max-age=');
      if (status >= 400) {
        expect(body['request_id']).toBe(requestId);
        expect(Object.keys(body)).toEqual(
          expect.arrayContaining(['type', 'title', 'status', 'detail', 'code', 'error']),
        );
      }
    }
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 400]);
  });

  it('every response is logged with its customer once the key was valid, even a problem', async () => {
    const lines: string[] = [];
    const spy = vi.spyOn(console, 'info').mockImplementation((line) => void lines.push(String(line)));
    await call(api.billFixAttempt, { apiKey: customer.apiKey, params: { id: 'f'.repeat(32) } });
    spy.mockRestore();
    expect(lines.join()).toContain('fix_attempt_not_found');
    expect(lines.join()).toContain(customer.customerId);
  });
});

describe('when DynamoDB does not do its part', () => {
  let endpoint: ReturnType<typeof otherEndpoint>;
  beforeEach(() => {
    endpoint = otherEndpoint();
  });
  afterEach(() => endpoint.restore());

  it('with an unreachable DynamoDB: 503 with a retry time, no stack, and health reports it', async () => {
    const broken = await endpoint.start('http://127.0.0.1:9');
    for (const answer of [
      await call(broken.health),
      await call(broken.getUsage, { apiKey: customer.apiKey }),
      await call(broken.recordFixAttempt, { apiKey: customer.apiKey, body: fixBody(80) }),
    ]) {
      expect([answer.status, answer.body['code']]).toEqual([503, 'ledger_unavailable']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.text).not.toMatch(/ECONNREFUSED|127\.0\.0\.1|\bat /);
    }
  });

  it("with a DynamoDB that accepts connections and never responds: 503 within the function's time", async () => {
    const server = createServer(() => {}).listen(0);
    const { port } = server.address() as AddressInfo;
    const broken = await endpoint.start(`http://127.0.0.1:${port}`);
    const [usage, health] = await Promise.all([
      call(broken.getUsage, { apiKey: customer.apiKey }),
      call(broken.health),
    ]);
    server.closeAllConnections();
    server.close();
    expect([usage.status, usage.body['code']]).toEqual([503, 'ledger_unavailable']);
    expect([health.status, health.body['code']]).toEqual([503, 'ledger_unavailable']);
  });

  it('with a DynamoDB that fails with 500 on every call: 503, and nothing is half done', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(500, { 'content-type': 'application/x-amz-json-1.0' });
      response.end('{"__type":"InternalServerError","message":"a secret inside"}');
    }).listen(0);
    const { port } = server.address() as AddressInfo;
    const broken = await endpoint.start(`http://127.0.0.1:${port}`);
    const before = await readLedgerRecords(deps.table, customer.customerId);
    const answer = await call(broken.recordFixAttempt, { apiKey: customer.apiKey, body: fixBody(81) });
    server.close();
    expect([answer.status, answer.body['code']]).toEqual([503, 'ledger_unavailable']);
    expect(answer.text).not.toContain('a secret inside');
    expect(await readLedgerRecords(deps.table, customer.customerId)).toEqual(before);
  });
});
