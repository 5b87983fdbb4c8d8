import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readEventRecord } from '../../lib/store/events.ts';
import type { Call as ApiCall } from '../../local/api-docs/api-document.ts';
import { signatureHeader } from '../../local/stripe-double/webhooks/signature.ts';
import { contentsOf } from '../../test/support/contents.ts';
import { api } from '../../test/support/http.ts';
import { atStripe, proCustomer, serveMoney } from '../../test/support/http-money.ts';
import { expectSoundMoney, type Money } from '../../test/support/money.ts';
import { calls, faultsOf } from './document.ts';
import { wildEvents } from './events.ts';
import { hostileBody, hostileText, hostileValue } from './hostile.ts';
import { type CapturedLog, captureLog, expectDiscreet } from './log.ts';
import { assertAlways, fuzzRuns, fuzzTimeout } from './runs.ts';
import { type Sent, send } from './send.ts';

/*
 * Anyone can post to the webhook, and Stripe can post events that we did not foresee. A 5xx makes Stripe
 * retry an event for days. That is right only if a retry can help, and with all systems up it cannot.
 */

const RUNS = fuzzRuns(150);
const SECRET = `whsec_${randomBytes(16).toString('hex')}`;

let money: Money;
let stop = async () => {};
let customerId: string;
let log: CapturedLog;
beforeAll(async () => {
  ({ money, stop } = await serveMoney());
  vi.stubEnv('STRIPE_WEBHOOK_SECRETS', SECRET);
  ({ customerId } = await proCustomer(money));
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

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const signed = (body: string): string => signatureHeader(body, [SECRET], nowSeconds());
const everything = async (): Promise<string> => JSON.stringify(await contentsOf(money.deps.table));

function documented(): ApiCall {
  const call = calls.find(({ operationId }) => operationId === 'stripeWebhook');
  if (call === undefined) throw new Error('the document has no webhook');
  return call;
}

interface Delivery {
  readonly rawBody: string;
  readonly signature: string | undefined;
  readonly isBase64Encoded: boolean;
}

/** Posts the delivery and checks what holds for every answer. */
async function post({ signature, ...what }: Delivery): Promise<Sent> {
  const headers = { ...(signature !== undefined && { 'stripe-signature': signature }) };
  const sent = await send(api.stripeWebhook, { ...what, headers });
  expect(faultsOf(documented(), sent), sent.text).toEqual([]);
  expectDiscreet(log.take(), sent.requestId);
  return sent;
}

/** Posts the delivery and expects that it is rejected and stores nothing. */
async function expectRefused(delivery: Delivery, codes: readonly string[]): Promise<void> {
  const before = await everything();
  const { code } = await post(delivery);
  expect(codes).toContain(code);
  expect(await everything()).toBe(before);
}

const bytes = fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all));
const someText = fc.oneof(
  hostileBody,
  hostileText,
  hostileValue.map((value) => JSON.stringify(value)),
);

/** In base64, not in base64, or falsely declared as base64. */
const garbage = fc.oneof(
  fc.record({ rawBody: someText, isBase64Encoded: fc.boolean() }),
  bytes.map((all) => ({ rawBody: all.toString('base64'), isBase64Encoded: true })),
  bytes.map((all) => ({ rawBody: all.toString('latin1'), isBase64Encoded: false })),
);

/** A Stripe header with one fault. */
const almostRight = (body: string): fc.Arbitrary<string> => {
  const right = signed(body);
  const [moment = '', signature = ''] = right.split(',');
  return fc.oneof(
    fc.nat({ max: right.length - 1 }).map((at) => right.slice(0, at)),
    fc.nat({ max: signature.length - 4 }).map((at) => {
      const digit = signature.charAt(at + 3) === '0' ? '1' : '0';
      return `${moment},v1=${signature.slice(3, at + 3)}${digit}${signature.slice(at + 4)}`;
    }),
    fc.constantFrom(
      `${moment},v0=${signature.slice(3)}`,
      `${signature}`,
      `t=${nowSeconds() - 1_000},${signature}`,
      `t=,${signature}`,
      `t=NaN,${signature}`,
      `t=1e99,${signature}`,
      `${moment},v1=`,
      `${moment},v1=${'f'.repeat(64)}`,
      `${moment},v1=${'é'.repeat(64)}`,
      signatureHeader(body, ['whsec_another'], nowSeconds()),
      signatureHeader(body, [SECRET], nowSeconds() + 1_000),
      signatureHeader(`${body} `, [SECRET], nowSeconds()),
    ),
    hostileText,
  );
};

describe('the webhook', () => {
  it(
    'the webhook rejects any delivery without a valid signature, and stores nothing of it',
    async () => {
      const deliveries = garbage.chain(({ rawBody, isBase64Encoded }) =>
        fc.record({
          rawBody: fc.constant(rawBody),
          isBase64Encoded: fc.constant(isBase64Encoded),
          signature: fc.option(almostRight(rawBody), { nil: undefined }),
        }),
      );
      const property = fc.asyncProperty(deliveries, (delivery) =>
        expectRefused(delivery, ['invalid_signature']),
      );
      await assertAlways(property, RUNS);
    },
    fuzzTimeout(RUNS),
  );

  it(
    'the webhook rejects any signed body that is not an event, and stores nothing of it',
    async () => {
      const property = fc.asyncProperty(someText, (rawBody) =>
        expectRefused({ rawBody, signature: signed(rawBody), isBase64Encoded: false }, [
          'malformed_json',
          'invalid_request',
          // An empty body has no valid signature, whatever the header contains.
          'invalid_signature',
        ]),
      );
      await assertAlways(property, RUNS);
    },
    fuzzTimeout(RUNS),
  );

  it(
    'the webhook accepts or rejects an event with any fields at once, and the ledger stays sound',
    async () => {
      const { customers, payments, subscriptions, invoices } = atStripe(money, customerId);
      const knownIds = [customers, payments, subscriptions, invoices].flat().map(({ id }) => id);
      const charges = money.double.state.charges.newestFirst.map(({ id }) => id);
      const property = fc.asyncProperty(
        wildEvents([...knownIds, ...charges, 'cus_unknown', 'in_unknown']),
        async (event) => {
          const rawBody = JSON.stringify(event);
          const delivery = { rawBody, signature: signed(rawBody), isBase64Encoded: false };
          const before = await everything();
          const { status } = await post(delivery);
          if (status === 200)
            expect(await readEventRecord(money.deps.table, String(event['id']))).not.toBeNull();
          else expect(await everything()).toBe(before);
        },
      );
      await assertAlways(property, RUNS);
      await expectSoundMoney(money, customerId);
    },
    fuzzTimeout(RUNS),
  );
});
