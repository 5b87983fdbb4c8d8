import { randomBytes } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { signatureHeader } from '../../local/stripe-double/webhooks/signature.ts';
import { contentsOf } from '../support/contents.ts';
import { countedIn, heard } from '../support/counted.ts';
import { gatewayEvent, invocation } from '../support/gateway.ts';
import { serveFromTestTable } from '../support/http-table.ts';

/* A function reads its stage when it starts, so the live stage has its own file. */

const SECRET = `whsec_${randomBytes(16).toString('hex')}`;

it('a test event on the live stage is refused with 400 wrong_mode, counted, and leaves nothing behind', async () => {
  const { table } = await serveFromTestTable();
  vi.stubEnv('STAGE', 'production');
  vi.stubEnv('STRIPE_WEBHOOK_SECRETS', SECRET);
  const { handler } = await import('../../functions/stripe-webhook.ts');
  const rawBody = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    api_version: '2026-10-28.endive',
    created: 1_800_000_000,
    livemode: false,
    type: 'customer.subscription.updated',
    data: { object: { id: 'sub_1', object: 'subscription', customer: 'cus_1' } },
  });
  const headers = { 'stripe-signature': signatureHeader(rawBody, [SECRET], Math.floor(Date.now() / 1000)) };
  const { result, lines } = await heard(() => handler(gatewayEvent({ rawBody, headers }), invocation()));
  expect(result.statusCode).toBe(400);
  expect(JSON.parse(result.body ?? '')).toMatchObject({ code: 'wrong_mode', status: 400 });
  expect(countedIn(lines)).toEqual(['SignatureRefused']);
  expect(lines.join('\n')).not.toContain(SECRET);
  expect(await contentsOf(table)).toEqual([]);
});
