import { describe, expect, it } from 'vitest';
import { endpointFault, parseEvent, type StripeEvent, subjectOf } from '../../lib/stripe/event.ts';
import { retryRateLimited } from '../../lib/stripe/rate-limited.ts';
import { parseThinEvent } from '../../lib/stripe/thin-event.ts';
import { translateError } from '../../lib/stripe/translate-error.ts';
import { Refusal, stripeWith } from '../support/stripe-objects.ts';

/*
 * What an event says about its endpoint and a changed card, thin events, and the retries while Stripe is
 * busy.
 */

const event = (type: string, object: object, previous_attributes?: unknown): StripeEvent => {
  const parsed = parseEvent({
    id: 'evt_1',
    object: 'event',
    type,
    created: 1,
    livemode: false,
    api_version: '2026-10-28.endive',
    data: { object, previous_attributes },
  });
  if (parsed === null) throw new Error('no event');
  return parsed;
};

describe('an endpoint', () => {
  const good = { object: 'event', type: 'invoice.paid', api_version: '2026-10-28.endive' };

  it.each([
    [good, null],
    [{ ...good, object: 'v2.core.event' }, 'it sends thin events'],
    [{ ...good, api_version: '2020-08-27' }, 'its API version is 2020-08-27'],
    [{ ...good, api_version: null }, 'its API version is none'],
    [{ object: 'event', type: 'invoice.paid' }, 'its API version is none'],
    [{ ...good, type: 'invoice.payment_succeeded' }, 'it is subscribed to invoice.payment_succeeded'],
  ])('an endpoint that sends %j is at fault: %s', (sent, fault) => {
    expect(endpointFault(sent)).toBe(fault);
  });
});

describe('an event about a customer', () => {
  const changed = (previous: unknown) =>
    subjectOf(event('customer.updated', { id: 'cus_1', object: 'customer' }, previous));

  it.each([
    [{ invoice_settings: { default_payment_method: null } }, true],
    [{ invoice_settings: { default_payment_method: 'pm_0' } }, true],
    [{ default_source: null }, true],
    [{ default_source: 'card_0' }, true],
    [{ default_source: 'card_0', invoice_settings: { default_payment_method: 'pm_0' } }, true],
    [{ invoice_settings: { footer: null } }, false],
    // A change of an unknown shape names no card.
    [{ default_source: 'card_0', invoice_settings: null }, false],
    [{ invoice_settings: 'other' }, false],
    [{ email: 'a@x.io' }, false],
    [{}, false],
    [null, false],
    [undefined, false],
  ])(
    'an event about a customer whose change replaced %j says that the default card changed: %s',
    (previous, newCard) => {
      expect(changed(previous)).toEqual({ kind: 'customer_changed', stripeCustomerId: 'cus_1', newCard });
    },
  );
});

describe('an event about a credit note', () => {
  it.each([{ id: 'cn_1', customer: 'cus_1' }, { id: 'cn_1', invoice: 'in_1' }, { id: 'cn_1' }])(
    'an event about a credit note that names only %j has an unknown shape',
    (object) => {
      expect(subjectOf(event('credit_note.created', object))).toEqual({ kind: 'unreadable' });
    },
  );
});

describe('a thin event', () => {
  const THIN = {
    id: 'evt_1A',
    object: 'v2.core.event',
    type: 'v1.invoice.paid',
    created: '2026-01-02T03:04:05.678Z',
    livemode: false,
    related_object: { id: 'in_1' },
  };

  it('a thin event is read with the object that it names, or without one', () => {
    expect(parseThinEvent(THIN)).toEqual(THIN);
    expect(parseThinEvent({ ...THIN, related_object: null })).toMatchObject({ related_object: null });
    const { related_object, ...bare } = THIN;
    expect(related_object).toEqual({ id: 'in_1' });
    expect(parseThinEvent(bare)).toEqual(bare);
    expect(parseThinEvent({ ...THIN, created: '2026-01-02T03:04:05+01:00', more: 1 })).not.toBeNull();
    expect(parseThinEvent({ ...THIN, id: `evt_${'1'.repeat(250)}` })).not.toBeNull();
    expect(parseThinEvent({ ...THIN, type: 'x'.repeat(200) })).not.toBeNull();
    expect(parseThinEvent({ ...THIN, related_object: { id: 'x-'.repeat(127) } })).not.toBeNull();
  });

  it.each([
    ['id', 'in_1'],
    ['id', 'xevt_1'],
    ['id', 'evt_'],
    ['id', 'evt_1-'],
    ['id', `evt_${'1'.repeat(251)}`],
    ['object', 'event'],
    ['type', ''],
    ['type', 'two words'],
    ['type', ' x'],
    ['type', 'x '],
    ['type', 'x'.repeat(201)],
    ['created', '2026-01-02'],
    ['created', 1],
    ['livemode', 'no'],
    ['related_object', 'in_1'],
    ['related_object', { id: '' }],
    ['related_object', { id: 'in 1' }],
    ['related_object', { id: '!in_1' }],
    ['related_object', { id: 'in_1!' }],
    ['related_object', { id: 'x'.repeat(256) }],
  ])('an event is no thin event with %s %j', (name, value) => {
    expect(parseThinEvent({ ...THIN, [name]: value })).toBeNull();
  });

  it('a value that is no object is no thin event', () => {
    expect(parseThinEvent(null)).toBeNull();
    expect(parseThinEvent('evt_1')).toBeNull();
  });
});

describe('an invoice whose payment asks for the cardholder', () => {
  it('an invoice whose payment asks for the cardholder needs authentication, in any error class of Stripe', async () => {
    const answers = { 'invoices/in_1': new Refusal(400, 'invoice_payment_intent_requires_action') };
    const asked = stripeWith(answers).invoices.retrieve('in_1').catch(translateError);
    expect(await asked).toMatchObject({
      kind: 'authentication_required',
      facts: { code: 'invoice_payment_intent_requires_action' },
    });
  });
});

describe('a busy Stripe', () => {
  async function ask(headers: Record<string, string>) {
    const waits: number[] = [];
    let asked = 0;
    let dropped = 0;
    const client = retryRateLimited(
      {
        getClientName: () => 'always busy',
        makeRequest: async () => {
          asked += 1;
          return {
            getStatusCode: () => 429,
            getHeaders: () => headers,
            getRawResponse: () => null,
            toStream: () => null,
            toJSON: async () => {
              dropped += 1;
              throw new Error('no JSON');
            },
          };
        },
      },
      {
        sleep: async (ms) => {
          waits.push(ms);
        },
        random: () => 0.5,
      },
    );
    expect(client.getClientName()).toBe('always busy');
    await client.makeRequest('host', '443', '/v1/x', 'GET', {}, '', 'https', 1_000);
    return { waits, asked, dropped };
  }

  it.each([
    ['as long as remains in all, and not longer', { 'retry-after': '4' }, [4_000]],
    ['less and less of what remains', { 'retry-after': '3' }, [3_000]],
    ['as one header says and no other', { 'x-other': '1', 'Retry-After': '2' }, [2_000, 2_000]],
    ['not at all where it says so', { 'retry-after': '0' }, [0, 0]],
    ['by its own measure where the header is below zero', { 'retry-after': '-1' }, [375, 750]],
    ['by its own measure where the header is no number', { 'retry-after': 'soon' }, [375, 750]],
  ])('a busy Stripe is waited for %s: %j', async (_, headers, waits) => {
    const result = await ask(headers);
    // The body of each discarded answer is read, so that its connection is free again.
    expect(result).toEqual({ waits, asked: waits.length + 1, dropped: waits.length });
  });
});
