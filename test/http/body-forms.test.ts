import { beforeAll, describe, expect, it } from 'vitest';
import type { Deps } from '../../lib/runtime/deps.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether } from '../../lib/store/table.ts';
import { gatewayEvent, invocation } from '../support/gateway.ts';
import { api, call, fixBody, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';

let deps: Deps;
let customer: SignedUp;
beforeAll(async () => {
  deps = await serveFromTestTable();
  customer = await signUp();
});

const BYTE_ORDER_MARK = '\uFEFF';

describe('the forms of a body', () => {
  it.each([
    'application/json',
    'application/json ; charset=utf-8',
    ' application/json;charset=UTF-8',
    'APPLICATION/JSON',
    'application/vnd.rsolv+json ;v=1',
  ])('a body of the content type %j is read as JSON', async (type) => {
    const rawBody = JSON.stringify(fixBody(1));
    const headers = { 'content-type': type };
    const { status } = await call(api.recordFixAttempt, { apiKey: customer.apiKey, rawBody, headers });
    expect(status).toBeLessThan(300);
  });

  it.each(['text/plain', 'application/jsonp', 'application/json, text/plain', 'application /json'])(
    'a body of the content type %j is refused',
    async (type) => {
      const headers = { 'content-type': type };
      const rawBody = JSON.stringify(fixBody(1));
      expect((await call(api.recordFixAttempt, { apiKey: customer.apiKey, rawBody, headers })).status).toBe(
        415,
      );
    },
  );

  it('a byte order mark before the JSON is skipped, as text and in base64', async () => {
    const body = BYTE_ORDER_MARK + JSON.stringify(fixBody(2));
    expect((await call(api.recordFixAttempt, { apiKey: customer.apiKey, rawBody: body })).status).toBe(201);
    const event = gatewayEvent({
      apiKey: customer.apiKey,
      rawBody: Buffer.from(body).toString('base64'),
    });
    const encoded = await api.recordFixAttempt({ ...event, isBase64Encoded: true }, invocation());
    expect(encoded.statusCode).toBe(200);
    const { status } = await call(api.issueApiKey, { apiKey: customer.apiKey, rawBody: BYTE_ORDER_MARK });
    expect(status).toBe(201);
  });

  it('null in an optional field counts as left out, and in a required one as missing', async () => {
    const optional = {
      repository_id: null,
      pr_title: null,
      pr_url: null,
      issue_number: null,
      issue_title: null,
      issue_url: null,
      api_key_used: null,
      metadata: null,
      vulnerability_id: null,
    };
    const { status, body } = await call(api.recordFixAttempt, {
      apiKey: customer.apiKey,
      body: { ...fixBody(3), ...optional },
    });
    expect([status, body['pr_title']]).toEqual([201, 'Pull request 3']);
    expect(body).not.toHaveProperty('metadata');
    const missing = { github_org: null, repo_name: 'webshop', pr_number: null };
    const refused = await call(api.recordFixAttempt, { apiKey: customer.apiKey, body: missing });
    expect(refused.body).toMatchObject({
      detail: 'GitHub organisation is required. Pull request number is required.',
      errors: [{ field: 'github_org' }, { field: 'pr_number' }],
    });
  });

  it('null inside metadata is the caller’s own data and stays', async () => {
    const metadata = { a: null, b: [null] };
    const { body } = await call(api.recordFixAttempt, {
      apiKey: customer.apiKey,
      body: fixBody(4, { metadata }),
    });
    expect(body['metadata']).toEqual(metadata);
  });
});

describe('the address of a sign-up', () => {
  it('an address is stored with its domain as mail systems write it, and found in both forms', async () => {
    const asked = (email: string) =>
      call(api.onboardCustomer, { body: { name: 'Acme', email, source: null } });
    const signedUp = await asked(' r&d@пример.рф ');
    expect(signedUp.status, signedUp.text).toBe(201);
    expect(signedUp.body['customer']).toMatchObject({ email: 'r&d@xn--e1afmkfd.xn--p1ai' });
    const [claim] = await readTogether(deps.table, [keys.email('r&d@xn--e1afmkfd.xn--p1ai')]);
    expect(claim).toBeDefined();
    expect((await asked('R&D@xn--e1afmkfd.xn--p1ai')).body['code']).toBe('email_taken');
  });

  it.each([
    ['ada@acme.con', 'Did you mean .com?'],
    ['ada@acme-.com', 'hyphen'],
  ])('a sign-up with %s is refused before anything is stored, with the reason', async (email, reason) => {
    const answer = await call(api.onboardCustomer, { body: { name: 'Acme', email } });
    expect([answer.status, answer.body['code']]).toEqual([422, 'invalid_request']);
    expect(answer.body['detail']).toContain(reason);
    expect(answer.body).toMatchObject({ errors: [{ field: 'email' }] });
    expect(answer.text).not.toContain(email);
    expect(await readTogether(deps.table, [keys.email(email)])).toEqual([undefined]);
  });
});
