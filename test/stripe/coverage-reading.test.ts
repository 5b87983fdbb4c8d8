import { describe, expect, it } from 'vitest';
import { findOpenRenewal, readCoverage } from '../../lib/stripe/readers/coverage.ts';
import {
  type Asked,
  forSubscription,
  invoiceFrom,
  lineFrom,
  list,
  PRICES,
  paged,
  priced,
  stripeWith,
} from '../support/stripe-objects.ts';

/* Which period of a subscription is paid, and which renewal is open. */

describe('the paid period of a subscription', () => {
  const covered = async (
    latest: object | string | null,
    paid: readonly { readonly id: string }[] = [],
    { currentEnd = 100, lines = [] as readonly object[] } = {},
    asked: Asked[] = [],
  ) => {
    const stripe = stripeWith(
      {
        'subscriptions/sub_1': { id: 'sub_1', object: 'subscription', latest_invoice: latest },
        invoices: paged(...paid),
        'invoices/in_1/lines': list(...lines),
      },
      asked,
    );
    return readCoverage(stripe, await stripe.subscriptions.retrieve('sub_1'), currentEnd, PRICES);
  };
  const until = (end: number, facts: object = {}) => lineFrom({ period: { start: 0, end }, ...facts });

  it("the paid period is that of the latest invoice if it is paid up to the current period's end, without another call", async () => {
    const asked: Asked[] = [];
    expect(await covered(invoiceFrom(), [], {}, asked)).toBe(100);
    expect(await covered(invoiceFrom({ lines: [until(101)] }), [], {}, asked)).toBe(101);
    expect(asked.map(({ path }) => path)).toEqual(['subscriptions/sub_1', 'subscriptions/sub_1']);
  });

  it('the paid period is the newest of all paid invoices if the latest one is unpaid, or not for now', async () => {
    const asked: Asked[] = [];
    const paid = [
      invoiceFrom({ id: 'in_2', lines: [until(70)] }),
      invoiceFrom({ id: 'in_3', lines: [until(90)] }),
      invoiceFrom({ id: 'in_4', lines: [until(80)] }),
      invoiceFrom({ id: 'in_5', lines: [] }),
    ];
    for (const latest of [
      invoiceFrom({ status: 'open' }),
      invoiceFrom({ lines: [until(99)] }),
      'in_1',
      null,
    ]) {
      expect(await covered(latest, paid, {}, asked)).toBe(90);
    }
    const [, listed] = asked;
    expect(Object.fromEntries(listed?.query ?? [])).toEqual({
      subscription: 'sub_1',
      status: 'paid',
      limit: '100',
    });
  });

  it('there is no paid period while nothing is paid', async () => {
    expect(await covered(null)).toBeNull();
  });

  it('the paid period ends with the last of the lines, in any order', async () => {
    expect(await covered(invoiceFrom({ lines: [until(100), until(120), until(110)] }))).toBe(120);
  });

  it('the paid period is read from all lines of an invoice, even if only some came with it', async () => {
    const latest = { ...invoiceFrom(), lines: { ...list(until(100)), has_more: true } };
    const asked: Asked[] = [];
    expect(await covered(latest, [], { lines: [until(100), until(130)] }, asked)).toBe(130);
    expect(asked.at(-1)?.query.get('limit')).toBe('100');
  });

  it('the paid period counts paid parts and a $0 trial, but no unused time', async () => {
    const part = (amount: number) => until(100, { amount, parent: forSubscription({ proration: true }) });
    expect(await covered(invoiceFrom({ lines: [part(1)] }))).toBe(100);
    expect(await covered(invoiceFrom({ lines: [part(0)] }))).toBeNull();
    expect(await covered(invoiceFrom({ lines: [part(-1)] }))).toBeNull();
    expect(await covered(invoiceFrom({ lines: [until(100, { amount: 0 })] }))).toBe(100);
    expect(await covered(invoiceFrom({ lines: [until(100, { amount: -1 })] }))).toBe(100);
    expect(await covered(invoiceFrom({ lines: [until(100, { parent: null, amount: 0 })] }))).toBeNull();
    const parent = { subscription_item_details: null, invoice_item_details: { proration: true } };
    expect(await covered(invoiceFrom({ lines: [until(100, { parent })] }))).toBe(100);
  });

  it('the paid period counts only lines at known prices', async () => {
    for (const pricing of [null, { price_details: null }, priced('price_unknown'), priced(null)]) {
      expect(await covered(invoiceFrom({ lines: [until(100, { pricing })] }))).toBeNull();
    }
    const pricing = priced({ id: 'price_pro' }, { id: 'prod_ours' });
    expect(await covered(invoiceFrom({ lines: [until(100, { pricing })] }))).toBe(100);
  });
});

describe('the open renewal of a subscription', () => {
  it('the open renewal is the newest open invoice at a known price, with the amount left', async () => {
    const asked: Asked[] = [];
    const other = invoiceFrom({ id: 'in_9', lines: [lineFrom({ pricing: null })] });
    const open = invoiceFrom({ id: 'in_2', amount_remaining: 700 });
    const invoices = list(other, open, invoiceFrom({ id: 'in_3' }));
    const renewal = await findOpenRenewal(stripeWith({ invoices }, asked), 'sub_1', true, PRICES);
    expect(renewal).toEqual({ invoiceId: 'in_2', amountCents: 700 });
    expect(asked.map(({ query }) => Object.fromEntries(query))).toEqual([
      { subscription: 'sub_1', status: 'open', limit: '100' },
    ]);
    for (const isAsked of [true, false]) {
      const stripe = stripeWith({ invoices: list(other) });
      expect(await findOpenRenewal(stripe, 'sub_1', isAsked, PRICES)).toBeNull();
    }
  });

  it.each<[string, readonly (readonly [string, string])[], string | null]>([
    ['the newest one if it is uncollectible', [['in_2', 'uncollectible']], 'in_2'],
    [
      'not an uncollectible one with a newer paid one',
      [
        ['in_3', 'paid'],
        ['in_2', 'uncollectible'],
      ],
      null,
    ],
    [
      'not an uncollectible one with a newer draft',
      [
        ['in_3', 'draft'],
        ['in_2', 'uncollectible'],
      ],
      null,
    ],
    ['not a void one', [['in_2', 'void']], null],
  ])('without an open invoice, the renewal that a person can pay is %s', async (_, rest, expected) => {
    const asked: Asked[] = [];
    const other = invoiceFrom({ id: 'in_9', status: 'uncollectible', lines: [lineFrom({ pricing: null })] });
    const all = rest.map(([id, status]) => invoiceFrom({ id, status, amount_remaining: 700 }));
    const invoices = ({ query }: Asked) => (query.get('status') === 'open' ? list() : list(other, ...all));
    const renewal = await findOpenRenewal(stripeWith({ invoices }, asked), 'sub_1', true, PRICES);
    expect(renewal).toEqual(expected === null ? null : { invoiceId: expected, amountCents: 700 });
    const ofSubscription = { subscription: 'sub_1', limit: '100' };
    expect(asked.map(({ query }) => Object.fromEntries(query))).toEqual([
      { ...ofSubscription, status: 'open' },
      ofSubscription,
    ]);
    asked.length = 0;
    expect(await findOpenRenewal(stripeWith({ invoices }, asked), 'sub_1', false, PRICES)).toBeNull();
    expect(asked.map(({ query }) => query.get('status'))).toEqual(['open']);
  });
});
