import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { handler as getDocs } from '../../functions/get-docs.ts';
import { handler as getOpenapi } from '../../functions/get-openapi.ts';
import { handler as getRoot } from '../../functions/get-root.ts';
import type { Handler } from '../../lib/http/handler.ts';
import type { Call } from '../../local/api-docs/api-document.ts';
import { api } from '../../test/support/http.ts';
import { serveMoney } from '../../test/support/http-money.ts';
import { allowsBody, calls, faultsOf } from './document.ts';
import { exampleOf } from './examples.ts';
import { API_KEY, type CapturedLog, captureLog, expectDiscreet } from './log.ts';
import { type FuzzedRequest, requestsOf } from './requests.ts';
import { assertAlways, fuzzRuns, fuzzTimeout } from './runs.ts';
import { type Sent, send } from './send.ts';
import { settle, type World } from './world.ts';

/*
 * Valid and broken requests, made from the API document and sent to the functions. Every answer must be
 * documented, and the log must not contain the request's content.
 */

const RUNS = fuzzRuns(100);
const handlers = new Map<string, Handler>(Object.entries({ ...api, getDocs, getOpenapi, getRoot }));
/** The document cannot produce a signature. webhook.test.ts sends signed requests. */
const unsigned = calls.filter(({ operationId }) => operationId !== 'stripeWebhook');
const SHOW_KEYS: readonly string[] = ['onboardCustomer', 'issueApiKey', 'getOpenapi', 'getDocs'];
/** Problem codes for which the request itself is at fault. */
const REQUEST_AT_FAULT: readonly unknown[] = [
  'malformed_json',
  'unsupported_media_type',
  'body_too_large',
  'invalid_request',
  'missing_api_key',
  'invalid_api_key',
];

let world: World;
let stop = async () => {};
let log: CapturedLog;
beforeAll(async () => {
  const served = await serveMoney();
  stop = served.stop;
  vi.stubEnv('API_URL', 'https://billing.example');
  vi.stubEnv('STRIPE_WEBHOOK_SECRETS', `whsec_${'f'.repeat(32)}`);
  world = await settle(served.money);
  log = captureLog();
});
afterAll(async () => {
  log.end();
  vi.unstubAllEnvs();
  await stop();
});
beforeEach(() => {
  log.take();
});

async function request(call: Call, { isValid: _, ...what }: FuzzedRequest): Promise<Sent> {
  const handler = handlers.get(call.operationId);
  if (handler === undefined) throw new Error(`no function is known for ${call.operationId}`);
  return send(handler, what);
}

describe('the API document', () => {
  it('each call in the API document has a function', () => {
    expect([...handlers.keys()].sort()).toEqual(calls.map(({ operationId }) => operationId).sort());
  });

  it.each(unsigned)('$operationId accepts the document’s own example', async (call) => {
    const sent = await request(call, exampleOf(call, world));
    expect(sent.status, sent.text).toBeLessThan(400);
    expect(faultsOf(call, sent)).toEqual([]);
  });

  it.each(calls)(
    '$operationId answers any request as documented',
    async (call) => {
      const property = fc.asyncProperty(requestsOf(call, world), async (what) => {
        const sent = await request(call, what);
        expect(faultsOf(call, sent), sent.text).toEqual([]);
        expectDiscreet(log.take(), sent.requestId);
        if (!SHOW_KEYS.includes(call.operationId)) expect(sent.text).not.toMatch(API_KEY);
        if (sent.status < 300) expect(mayBeAccepted(call, what), sent.text).toBe(true);
      });
      await assertAlways(property, RUNS);
    },
    fuzzTimeout(RUNS),
  );

  it.each(unsigned)(
    '$operationId does not reject a request that the document allows',
    async (call) => {
      const valid = requestsOf(call, world).filter(({ isValid }) => isValid);
      const property = fc.asyncProperty(valid, async (what) => {
        const sent = await request(call, what);
        expect(REQUEST_AT_FAULT, sent.text).not.toContain(sent.code);
      });
      await assertAlways(property, RUNS);
    },
    fuzzTimeout(RUNS),
  );
});

/** Whether the document allows the body. The service trims text before it checks it. */
function mayBeAccepted(call: Call, { rawBody = '', isBase64Encoded }: FuzzedRequest): boolean {
  if (call.requestBody === undefined) return true;
  const sent = isBase64Encoded ? Buffer.from(rawBody, 'base64').toString() : rawBody;
  const text = sent.replace(/^\uFEFF/, '');
  if (call.requestBody.required === false && ['', 'null'].includes(text.trim())) return true;
  const trimmed: unknown = JSON.parse(text, (_, inner: unknown) =>
    typeof inner === 'string' ? inner.trim() : inner,
  );
  return allowsBody(call, JSON.parse(text)) || allowsBody(call, trimmed);
}
