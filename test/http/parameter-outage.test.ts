import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { handler } from '../../functions/stripe-webhook.ts';
import { freePort } from '../../local/stack/ports.ts';
import { signatureHeader } from '../../local/stripe-double/webhooks/signature.ts';
import { countedIn, heard } from '../support/counted.ts';
import { gatewayEvent, invocation } from '../support/gateway.ts';
import { serveFromTestTable } from '../support/http-table.ts';

/* The webhook while Parameter Store throttles, and after its secret was rotated. In order: one running function. */

const OLD = 'whsec_before';
const NEW = 'whsec_after';
const FORGED = 'whsec_of_a_stranger';

let secret: string | null = null;
let reads = 0;
const server = createServer(async (request, response) => {
  z.object({ Name: z.string() }).parse(JSON.parse(await text(request)));
  reads += 1;
  if (secret === null) response.writeHead(400).end('{"__type":"ThrottlingException"}');
  else response.end(JSON.stringify({ Parameter: { Value: secret } }));
});

beforeAll(async () => {
  await serveFromTestTable();
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SSM: `http://127.0.0.1:${port}`,
    STRIPE_WEBHOOK_SECRETS_PARAMETER: '/rsolv-billing/test/stripe-webhook-secrets',
  });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let count = 0;
/** Posts an event of no customer of ours, which is ignored once its signature is accepted. */
async function deliver(signedWith: string) {
  count += 1;
  const rawBody = JSON.stringify({
    id: `evt_${count}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: 1_800_000_000,
    livemode: false,
    type: 'charge.updated',
    data: { object: { id: 'ch_1', object: 'charge' } },
  });
  const signature = signatureHeader(rawBody, [signedWith], Math.floor(Date.now() / 1000));
  const event = gatewayEvent({ rawBody, headers: { 'stripe-signature': signature } });
  const { result, lines } = await heard(() => handler(event, invocation()));
  const body: unknown = JSON.parse(result.body ?? '');
  return { status: result.statusCode, headers: result.headers, body, counted: countedIn(lines) };
}

describe('a webhook that reads its secret from Parameter Store', () => {
  it('a first read that is throttled is 503 with retry-after, and neither a defect nor a refused signature', async () => {
    const answer = await deliver(OLD);
    expect(answer).toMatchObject({ status: 503, body: { code: 'payments_unavailable' }, counted: [] });
    expect(answer.headers).toHaveProperty('retry-after');
    expect(reads).toBe(3);
  });

  it('the next delivery reads the secret again and is accepted', async () => {
    secret = OLD;
    expect(await deliver(OLD)).toMatchObject({ status: 200, counted: ['EventIgnored'] });
    expect(await deliver(OLD)).toMatchObject({ status: 200 });
    expect(reads).toBe(4);
  });

  it('a rotated secret is read at the first signature made with it', async () => {
    secret = NEW;
    expect(await deliver(NEW)).toMatchObject({ status: 200, counted: ['EventIgnored'] });
    expect(await deliver(NEW)).toMatchObject({ status: 200 });
    expect(reads).toBe(5);
  });

  it('forged signatures cause at most one read a minute', async () => {
    for (let n = 0; n < 20; n++) {
      const answer = await deliver(FORGED);
      expect(answer).toMatchObject({ status: 400, counted: ['SignatureRefused'] });
    }
    expect(reads).toBe(5);
    expect(await deliver(NEW)).toMatchObject({ status: 200 });
  });
});
