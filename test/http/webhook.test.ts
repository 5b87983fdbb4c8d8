import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { handler } from '../../functions/stripe-webhook.ts';
import type { Handler } from '../../lib/http/handler.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { readEventRecord } from '../../lib/store/events.ts';
import { signatureHeader } from '../../local/stripe-double/webhooks/signature.ts';
import { contentsOf } from '../support/contents.ts';
import { countedIn, heard } from '../support/counted.ts';
import { gatewayEvent, invocation } from '../support/gateway.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { customerWithCard, type Money, openMoney } from '../support/money.ts';

/*
 * Stripe's webhook, tested at the function: which requests are accepted, and what rejected requests leave
 * behind.
 */

const SECRET = `whsec_${randomBytes(16).toString('hex')}`;
const ROLLED_SECRET = `whsec_${randomBytes(16).toString('hex')}`;
const FOREIGN_SECRET = `whsec_${randomBytes(16).toString('hex')}`;
/** Stands for all event data that must not be logged. */
const EMAIL = 'zoë.payload@customer.example';
const MIB = 1024 * 1024;
const TOLERANCE_SECONDS = 300;

let deps: Deps;
let money: Money;
let stopDouble = async () => {};
let stripeCustomerId: string;
beforeAll(async () => {
  deps = await serveFromTestTable();
  money = await openMoney(deps.table, {
    endWith: (stop) => {
      stopDouble = stop;
    },
  });
  Object.assign(process.env, money.env, { STRIPE_WEBHOOK_SECRETS: SECRET });
  ({ stripeCustomerId } = await customerWithCard(money, 0));
});
afterAll(() => stopDouble());

/** An event of one of our customers. It is handled if it is accepted. */
const someEvent = (more: Record<string, unknown> = {}) => ({
  id: `evt_${randomBytes(8).toString('hex')}`,
  object: 'event',
  api_version: '2026-10-28.endive',
  created: 1_800_000_000,
  livemode: false,
  type: 'customer.subscription.updated',
  data: { object: { id: 'sub_1', object: 'subscription', customer: stripeCustomerId, email: EMAIL } },
  ...more,
});

const nowSeconds = () => Math.floor(Date.now() / 1000);
const signed = (body: string, secrets: readonly string[] = [SECRET], atSeconds = nowSeconds()) =>
  signatureHeader(body, secrets, atSeconds);

interface Posted {
  readonly status: number;
  readonly contentType: unknown;
  readonly body: Record<string, unknown>;
  readonly text: string;
  /** Every line that was logged during the call. */
  readonly log: string;
  readonly counted: readonly string[];
  readonly changedTheTable: boolean;
}

async function post(
  body: string,
  signature: string | null = signed(body),
  { base64 = false, through = handler }: { base64?: boolean; through?: Handler } = {},
): Promise<Posted> {
  const everything = async () => JSON.stringify(await contentsOf(deps.table));
  const before = await everything();
  const event = gatewayEvent({
    rawBody: base64 ? Buffer.from(body).toString('base64') : body,
    headers: signature === null ? {} : { 'Stripe-Signature': signature },
  });
  const { result, lines } = await heard(() => through({ ...event, isBase64Encoded: base64 }, invocation()));
  const text = result.body ?? '';
  return {
    status: result.statusCode ?? 0,
    contentType: result.headers?.['content-type'],
    body: JSON.parse(text),
    text,
    log: lines.join('\n'),
    // Every webhook that asks Stripe also counts how long Stripe took.
    counted: countedIn(lines).filter((metric) => !metric.startsWith('Stripe')),
    changedTheTable: (await everything()) !== before,
  };
}

/**
 * Expects a problem document and a log line with this code, and no other effect. Counts once, except for
 * noise.
 */
function expectRefused(posted: Posted, status: number, code: string, { isNoise = false } = {}): void {
  // A body that is too large is rejected before its signature is checked, and without secrets it cannot be.
  const refused = isNoise || code === 'body_too_large' ? [] : ['SignatureRefused'];
  expect(posted.counted).toEqual(status === 500 ? ['Defect'] : refused);
  expect([posted.status, posted.body['code'], posted.body['status']]).toEqual([status, code, status]);
  expect(posted.contentType).toBe('application/problem+json');
  expect(posted.changedTheTable).toBe(false);
  expect(posted.log).toContain(code);
  expectDiscreet(posted);
}

function expectDiscreet({ text, log }: Posted): void {
  expect(log).toMatch(/"route":\s*"POST \/api\/webhooks\/stripe"/);
  for (const secret of [SECRET, ROLLED_SECRET, FOREIGN_SECRET, EMAIL, 'sub_1', 'v1=']) {
    expect(text).not.toContain(secret);
    expect(log).not.toContain(secret);
  }
}

async function expectHandled(posted: Posted, eventId: string): Promise<void> {
  expect([posted.status, posted.body]).toEqual([200, { received: true, outcome: 'processed' }]);
  expect(posted.counted).toEqual(['EventProcessed']);
  expectDiscreet(posted);
  expect(await readEventRecord(deps.table, eventId)).toMatchObject({ eventId, outcome: 'processed' });
}

describe('a delivery that is signed as Stripe signs it', () => {
  it('a signed delivery is handled and recorded, and the log names the event without its content', async () => {
    const event = someEvent();
    const posted = await post(JSON.stringify(event));
    await expectHandled(posted, event.id);
    expect(posted.log).toContain(event.id);
    expect(posted.log).toContain(event.type);
  });

  it('a signed delivery is handled the same if the gateway sends it in base64', async () => {
    const event = someEvent();
    const body = JSON.stringify(event);
    await expectHandled(await post(body, signed(body), { base64: true }), event.id);
  });

  it('a delivery is handled with the old or the new secret during a rotation, and not with a third one', async () => {
    process.env['STRIPE_WEBHOOK_SECRETS'] = `${ROLLED_SECRET},${SECRET}`;
    try {
      for (const secrets of [[SECRET], [ROLLED_SECRET], [FOREIGN_SECRET, SECRET]]) {
        const event = someEvent();
        const body = JSON.stringify(event);
        await expectHandled(await post(body, signed(body, secrets)), event.id);
      }
      const body = JSON.stringify(someEvent());
      expectRefused(await post(body, signed(body, [FOREIGN_SECRET])), 400, 'invalid_signature');
    } finally {
      process.env['STRIPE_WEBHOOK_SECRETS'] = SECRET;
    }
    const body = JSON.stringify(someEvent());
    expectRefused(await post(body, signed(body, [ROLLED_SECRET])), 400, 'invalid_signature');
  });

  it.each([
    ['as old as it may be', -TOLERANCE_SECONDS + 5],
    ['from a clock that is as far ahead as it may be', TOLERANCE_SECONDS - 5],
  ])('a signed delivery is handled %s', async (_, offset) => {
    const event = someEvent();
    const body = JSON.stringify(event);
    await expectHandled(await post(body, signed(body, [SECRET], nowSeconds() + offset)), event.id);
  });
});

describe('a delivery whose signature does not hold is 400 and leaves nothing behind:', () => {
  const FUTURE = TOLERANCE_SECONDS + 5;
  const cases: [string, (body: string) => string][] = [
    ['with an empty one', () => ''],
    ['with something else in its place', () => 'Bearer nonsense'],
    ['signed with another secret', (body) => signed(body, [FOREIGN_SECRET])],
    ['with one digit of the signature changed', (body) => signed(body).replace(/.$/, flipped)],
    ['signed for another body', (body) => signed(body.replace('sub_1', 'sub_2'))],
    ['with the scheme that Stripe keeps for tests', (body) => signed(body).replace('v1=', 'v0=')],
    ['older than 300 seconds', (body) => signed(body, [SECRET], nowSeconds() - TOLERANCE_SECONDS - 5)],
    ['dated back after it was signed', (body) => redated(signed(body), -10)],
    ['from further ahead than clocks differ', (body) => signed(body, [SECRET], nowSeconds() + FUTURE)],
    [
      'from the future, with a second moment in front of it',
      (body) => `t=${nowSeconds()},${signed(body, [SECRET], nowSeconds() + FUTURE)}`,
    ],
    ['without a moment', (body) => signed(body).replace(/^t=\d+,/, '')],
  ];
  it.each(cases)('%s', async (_, header) => {
    const body = JSON.stringify(someEvent());
    expectRefused(await post(body, header(body)), 400, 'invalid_signature');
  });

  it('a delivery without a body is 400 and leaves nothing behind', async () => {
    expectRefused(await post('', signed('')), 400, 'invalid_signature');
  });

  it('a delivery without a signature is 400 and not counted, because it is noise of the internet', async () => {
    for (const body of [JSON.stringify(someEvent()), '', 'x'.repeat(1_000_000)]) {
      expectRefused(await post(body, null), 400, 'invalid_signature', { isNoise: true });
    }
  });
});

describe('a body', () => {
  const padded = (bytes: number) => {
    const event = someEvent({ padding: '' });
    const padding = 'x'.repeat(bytes - Buffer.byteLength(JSON.stringify(event)));
    return { id: event.id, text: JSON.stringify({ ...event, padding }) };
  };

  it.each([false, true])(
    'a body of 1 MiB is handled when it is signed, and one byte more is 413 (base64: %s)',
    async (base64) => {
      const largest = padded(MIB);
      expect(Buffer.byteLength(largest.text)).toBe(MIB);
      await expectHandled(await post(largest.text, signed(largest.text), { base64 }), largest.id);
      const { text } = padded(MIB + 1);
      expectRefused(await post(text, signed(text), { base64 }), 413, 'body_too_large');
    },
  );

  it('a body of 1 MB with another signature is 400', async () => {
    const body = 'x'.repeat(1_000_000);
    expectRefused(await post(body, signed(body, [FOREIGN_SECRET])), 400, 'invalid_signature');
  });

  it.each(['{"id": ', 'zoë', '{"id":"evt_1","object":"event"}}'])(
    'a body that is signed but is not JSON is 400: %s',
    async (text) => {
      expectRefused(await post(text), 400, 'malformed_json');
    },
  );

  it.each([
    ['a list', []],
    ['another object', { id: 'cus_1', object: 'customer', email: EMAIL }],
    ['an event without an id', { ...someEvent(), id: undefined }],
    ['an event whose id would be another key', { ...someEvent(), id: 'evt_1#EVENT' }],
    ['an event that does not say which mode it is of', { ...someEvent(), livemode: undefined }],
    ['an event without data', { ...someEvent(), data: undefined }],
  ])('a body that is signed but is no event is 422: %s', async (_, value) => {
    expectRefused(await post(JSON.stringify(value)), 422, 'invalid_request');
  });
});

describe('a thin event of API v2', () => {
  const thin = (more: Record<string, unknown> = {}) => ({
    id: `evt_test_${randomBytes(8).toString('hex')}`,
    object: 'v2.core.event',
    type: 'v1.billing.meter.no_meter_found',
    created: '2026-11-24T14:05:00.123Z',
    livemode: false,
    context: null,
    reason: null,
    related_object: { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' },
    ...more,
  });

  it('a correctly signed thin event is answered 200 as ignored, with a reason in its record', async () => {
    const event = thin();
    const { status, body } = await post(JSON.stringify(event));
    expect([status, body]).toEqual([200, { received: true, outcome: 'ignored' }]);
    expect(await readEventRecord(deps.table, event.id)).toMatchObject({
      outcome: 'ignored',
      reason: 'thin events are not handled',
      objectId: 'mtr_1',
      createdAt: event.created,
    });
    expect((await post(JSON.stringify(event))).body['outcome']).toBe('duplicate');
  });

  it('a thin event with another signature, of the other mode, or malformed, is rejected like any other', async () => {
    const body = JSON.stringify(thin());
    expectRefused(await post(body, signed(body, [FOREIGN_SECRET])), 400, 'invalid_signature');
    expectRefused(await post(JSON.stringify(thin({ livemode: true }))), 400, 'wrong_mode');
    expectRefused(await post(JSON.stringify(thin({ created: 'yesterday' }))), 422, 'invalid_request');
  });
});

describe('an endpoint that was set up by hand', () => {
  it.each([
    ['invoice.payment_succeeded', { type: 'invoice.payment_succeeded' }, 'EventIgnored'],
    ['API version is 2020-08-27', { api_version: '2020-08-27' }, 'EventParked'],
    ['API version is none', { api_version: null }, 'EventParked'],
    [
      'thin events',
      { object: 'v2.core.event', created: '2026-11-24T14:05:00Z', type: 'v1.billing.meter.no_meter_found' },
      'EventIgnored',
    ],
  ])(
    'an endpoint that was set up by hand is counted for an alarm and logged when it sends: %s',
    async (said, more, metric) => {
      const { status, counted, log } = await post(JSON.stringify(someEvent(more)));
      expect([status, counted]).toEqual([200, [metric, 'EndpointMisconfigured']]);
      expect(log).toMatch(/"message":\s*"webhook endpoint"/);
      expect(log).toContain(said);
    },
  );
});

describe('test and live do not mix:', () => {
  it('a live event on a test stage is 400', async () => {
    const posted = await post(JSON.stringify(someEvent({ livemode: true })));
    expectRefused(posted, 400, 'wrong_mode');
  });
});

describe('signing secrets that are not there, or misshapen, count as a delivery that was not let in, and', () => {
  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['of another kind', 'sk_test_not_a_signing_secret'],
    ['three', `${SECRET},${ROLLED_SECRET},${FOREIGN_SECRET}`],
    ['two with a blank between', `${SECRET}, ${ROLLED_SECRET}`],
    ['one and a comma', `${SECRET},`],
  ])(
    'missing or malformed signing secrets are 500 without their value, and no refused signature: %s',
    async (_, secrets) => {
      vi.stubEnv('STRIPE_WEBHOOK_SECRETS', secrets);
      try {
        const posted = await post(JSON.stringify(someEvent()));
        expectRefused(posted, 500, 'internal_error');
        // The log must name the setting to fix.
        expect(posted.log).toContain('STRIPE_WEBHOOK_SECRETS');
        if (secrets) expect(posted.text + posted.log).not.toContain(secrets);
      } finally {
        vi.unstubAllEnvs();
      }
    },
  );
});

describe('what Stripe collects for Pro by itself', () => {
  it("Stripe's own collection for Pro is counted by its outcome, once for each event", async () => {
    const { customerId, stripeCustomerId: customer } = await customerWithCard(money, 0);
    await subscribeToPro(money.deps, customerId, null);
    const { id } = await money.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await money.stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
    await money.days(32);
    const told = (type: string) =>
      JSON.stringify(money.double.state.events.newestFirst.find((event) => event.type === type));

    const paid = told('invoice.paid');
    expect((await post(paid)).counted).toEqual(['EventProcessed', 'InvoicePaid']);
    expect((await post(paid)).counted).toEqual(['EventIgnored']);
    expect((await post(told('invoice.payment_failed'))).counted).toEqual(['EventProcessed', 'InvoiceFailed']);
  });
});

const flipped = (digit: string): string => (digit === '0' ? '1' : '0');

const redated = (header: string, seconds: number): string =>
  header.replace(/^t=(\d+)/, (_, at: string) => `t=${Number(at) + seconds}`);
