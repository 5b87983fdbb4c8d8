import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withStripe } from '../../lib/runtime/connect-stripe.ts';
import { freePort } from '../../local/stack/ports.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/* A key of Stripe that is rotated in Parameter Store while a function runs. */

let stored = 'sk_test_old';
let accepted = 'sk_test_old';
const keysSent: string[] = [];

const ssm = createServer(async (request, response) => {
  const name = await text(request);
  const value = name.includes('price') ? 'price_pro' : stored;
  response.end(JSON.stringify({ Parameter: { Value: value } }));
});
const stripe = createServer((request, response) => {
  const key = String(request.headers.authorization).replace('Bearer ', '');
  keysSent.push(key);
  const isAccepted = key === accepted;
  response.writeHead(isAccepted ? 200 : 401, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify(
      isAccepted
        ? { object: 'list', data: [], has_more: false, url: '/v1/disputes' }
        : { error: { type: 'invalid_request_error', message: 'Expired API Key' } },
    ),
  );
});

const addresses: string[] = [];
beforeAll(async () => {
  for (const server of [ssm, stripe]) {
    const port = await freePort();
    await once(server.listen(port, '127.0.0.1'), 'listening');
    addresses.push(`http://127.0.0.1:${port}`);
  }
});
const stop = (server: Server) => {
  server.closeAllConnections();
  server.close();
};
afterAll(() => [ssm, stripe].forEach(stop));

it('a rotated key is read when Stripe refuses the old one, and the call succeeds', async () => {
  const env = {
    STAGE: 'test',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SSM: addresses[0],
    STRIPE_API_BASE: addresses[1],
    STRIPE_SECRET_KEY_PARAMETER: '/rsolv/secret-key',
    STRIPE_PRO_PRICE_ID_PARAMETER: '/rsolv/price',
  };
  const deps = withStripe(testDeps(await openTestTable()), env);
  const ask = async () => (await deps.stripe()).findOpenDisputes('cus_1');
  expect(await ask()).toEqual([]);
  stored = 'sk_test_new';
  accepted = 'sk_test_new';
  expect(await ask()).toEqual([]);
  expect(keysSent).toEqual(['sk_test_old', 'sk_test_old', 'sk_test_new']);
  // The next call begins with the new key.
  expect(await ask()).toEqual([]);
  expect(keysSent.slice(3)).toEqual(['sk_test_new']);
});
