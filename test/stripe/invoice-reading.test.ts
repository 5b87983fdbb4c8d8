import { describe, expect, it } from 'vitest';
import type { KnownPrice } from '../../lib/domain/plans.ts';
import type { PriceBook } from '../../lib/stripe/prices.ts';
import { findOpenRenewal, readCoverage } from '../../lib/stripe/readers/coverage.ts';
import { linesOf, planPartOf, proInvoiceOf } from '../../lib/stripe/readers/invoice-lines.ts';
import {
  readFailedRenewal,
  readInvoice,
  readInvoiceReach,
  readInvoiceValue,
  subscribed,
} from '../../lib/stripe/readers/invoices.ts';
import { creditedInvoicesOf, unusedTimeOf } from '../../lib/stripe/readers/unused-time.ts';
import {
  type Asked,
  forSubscription,
  invoiceFrom,
  lineFrom,
  list,
  paged,
  Refusal,
  stripeWith,
} from '../support/stripe-objects.ts';

/* What an invoice sold, which period it covers, and what it credits of earlier ones. */

const PRO: KnownPrice = { id: 'price_pro', plan: 'pro', credits: 60, unitCents: 59_900 };
const PRICES: PriceBook = {
  soldPriceId: async () => PRO.id,
  learn: () => {},
  find: async (id, product) => {
    if (id === PRO.id) return { kind: 'known', price: PRO };
    return { kind: product === 'prod_ours' ? 'unknown' : 'foreign' };
  },
};

const priced = (price: unknown, product: unknown = 'prod_ours') => ({ price_details: { price, product } });
/** Unused time that is credited; Stripe names the invoice that it was paid with, or does not. */
const creditLine = (named: string | null, facts: object = {}) =>
  lineFrom({
    id: 'il_credit',
    amount: -500,
    period: { start: 40, end: 100 },
    parent: forSubscription({
      proration: true,
      proration_details: named === null ? null : { credited_items: { invoice: named } },
    }),
    ...facts,
  });

const proOf = async (invoice: object) => {
  const stripe = stripeWith({ 'invoices/in_1': invoice });
  return readInvoice(stripe, 'in_1', PRICES);
};

describe('an invoice', () => {
  it('is read with the lines it has, each with what it asked for', async () => {
    const other = lineFrom({
      id: 'il_2',
      amount: 1_000,
      discount_amounts: [{ amount: 100 }, { amount: 50 }],
      taxes: [
        { amount: 80, tax_behavior: 'exclusive' },
        { amount: 7, tax_behavior: 'inclusive' },
        { amount: 2, tax_behavior: 'exclusive' },
      ],
      quantity: 3,
      pricing: priced('price_other', 'prod_other'),
    });
    const bare = { ...other, id: 'il_3', discount_amounts: null, taxes: null, quantity: null };
    expect(await proOf(invoiceFrom({ lines: [lineFrom(), other, bare] }))).toEqual({
      id: 'in_1',
      totalCents: 59_900,
      paid: true,
      lines: [
        {
          id: 'il_1',
          amountCents: 59_900,
          netCents: 59_900,
          taxCents: 0,
          quantity: 1,
          isWhole: true,
          price: PRO,
        },
        {
          id: 'il_2',
          amountCents: 1_000,
          netCents: 850,
          taxCents: 82,
          quantity: 3,
          isWhole: true,
          price: null,
        },
        {
          id: 'il_3',
          amountCents: 1_000,
          netCents: 1_000,
          taxCents: 0,
          quantity: 1,
          isWhole: true,
          price: null,
        },
      ],
      unknownPriceIds: [],
      freeUntil: null,
    });
  });

  it('is paid by its status alone', async () => {
    expect((await proOf(invoiceFrom({ status: 'open' }))).paid).toBe(false);
  });

  it('names the unknown prices of our product that were asked money for', async () => {
    const unknown = (id: string, facts: object = {}) =>
      lineFrom({ id, pricing: priced(`price_${id}`), ...facts });
    const lines = [
      unknown('asked'),
      unknown('free', { amount: 0 }),
      unknown('discounted', { discount_amounts: [{ amount: 59_900 }] }),
      unknown('foreign', { pricing: priced('price_foreign', 'prod_other') }),
      unknown('no_plan', { parent: null }),
      unknown('no_price', { pricing: priced(null) }),
      unknown('expanded', { pricing: priced({ id: 'price_expanded' }, { id: 'prod_ours' }) }),
    ];
    expect((await proOf(invoiceFrom({ lines }))).unknownPriceIds).toEqual(['price_asked', 'price_expanded']);
  });

  it('has no price on a line that names none, or that is for no subscription', async () => {
    const lines = [
      lineFrom({ pricing: null }),
      lineFrom({ pricing: { price_details: null } }),
      lineFrom({ parent: null }),
      lineFrom({ parent: { subscription_item_details: null, invoice_item_details: null } }),
    ];
    expect((await proOf(invoiceFrom({ lines }))).lines.map(({ price }) => price)).toEqual(
      Array(4).fill(null),
    );
  });

  it('is free until the end of the last whole period at a known price that cost nothing', async () => {
    const free = (end: number, facts: object = {}) =>
      lineFrom({ amount: 0, period: { start: 0, end }, ...facts });
    const until = async (...lines: object[]) => (await proOf(invoiceFrom({ lines }))).freeUntil;
    expect(await until(free(60), free(50))).toBe('1970-01-01T00:01:00.000Z');
    expect(await until(free(50), free(60))).toBe('1970-01-01T00:01:00.000Z');
    expect(await until(free(60, { amount: 100, discount_amounts: [{ amount: 100 }] }))).not.toBeNull();
    expect(await until(free(60, { amount: 100, discount_amounts: [{ amount: 99 }] }))).toBeNull();
    expect(await until(free(60, { amount: -1 }))).toBeNull();
    expect(await until(free(60, { parent: forSubscription({ proration: true }) }))).toBeNull();
    expect(await until(free(60, { pricing: priced('price_other') }))).toBeNull();
  });

  it('is read with all of its lines, also where Stripe sent only the first of them', async () => {
    const asked: Asked[] = [];
    const invoice = { ...invoiceFrom(), lines: { ...list(lineFrom()), has_more: true } };
    const pages = paged(lineFrom({ id: 'il_1' }), lineFrom({ id: 'il_2' }));
    const stripe = stripeWith({ 'invoices/in_1': invoice, 'invoices/in_1/lines': pages }, asked);
    const lines = await linesOf(stripe, await stripe.invoices.retrieve('in_1'));
    expect(lines.map(({ id }) => id)).toEqual(['il_1', 'il_2']);
    expect(asked.at(-1)?.query.get('limit')).toBe('100');
    expect((await proInvoiceOf(await stripe.invoices.retrieve('in_1'), lines, PRICES)).lines).toHaveLength(2);
  });
});

describe('what a line is for', () => {
  const partOf = async (parent: object | null) => {
    const stripe = stripeWith({ 'invoices/in_1': invoiceFrom({ lines: [lineFrom({ parent })] }) });
    const [line] = (await stripe.invoices.retrieve('in_1')).lines.data;
    if (line === undefined) throw new Error('no line');
    return planPartOf(line);
  };
  const byItem = (facts: object) => ({
    subscription_item_details: null,
    invoice_item_details: { proration: true, subscription: 'sub_2', proration_details: null, ...facts },
  });

  it('is its subscription item', async () => {
    expect(await partOf(forSubscription())).toEqual({
      proration: false,
      subscription: 'sub_1',
      creditedInvoice: null,
    });
  });

  it('is the invoice that unused time was paid with, where Stripe names it', async () => {
    const { parent } = creditLine('in_0');
    expect(await partOf(parent)).toEqual({
      proration: true,
      subscription: 'sub_1',
      creditedInvoice: 'in_0',
    });
    expect(await partOf(forSubscription({ proration_details: { credited_items: null } }))).toMatchObject({
      creditedInvoice: null,
    });
  });

  it('is an item of its own only where that is a change of a subscription', async () => {
    expect(await partOf(byItem({}))).toEqual({
      proration: true,
      subscription: 'sub_2',
      creditedInvoice: null,
    });
    expect(await partOf(byItem({ proration: false }))).toBeNull();
    expect(await partOf(byItem({ subscription: null }))).toBeNull();
    expect(await partOf(null)).toBeNull();
  });
});

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

  it('is that of the latest invoice where that is paid up to the current period’s end, with no other call', async () => {
    const asked: Asked[] = [];
    expect(await covered(invoiceFrom(), [], {}, asked)).toBe(100);
    expect(await covered(invoiceFrom({ lines: [until(101)] }), [], {}, asked)).toBe(101);
    expect(asked.map(({ path }) => path)).toEqual(['subscriptions/sub_1', 'subscriptions/sub_1']);
  });

  it('is the newest of all paid invoices where the latest one is not paid, or not for now', async () => {
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

  it('is none while nothing is paid', async () => {
    expect(await covered(null)).toBeNull();
  });

  it('ends with the last of the lines, of any order', async () => {
    expect(await covered(invoiceFrom({ lines: [until(100), until(120), until(110)] }))).toBe(120);
  });

  it('is read from all lines of an invoice that has more than came with it', async () => {
    const latest = { ...invoiceFrom(), lines: { ...list(until(100)), has_more: true } };
    const asked: Asked[] = [];
    expect(await covered(latest, [], { lines: [until(100), until(130)] }, asked)).toBe(130);
    expect(asked.at(-1)?.query.get('limit')).toBe('100');
  });

  it('counts parts of a period that were paid for, and a trial of $0, but no unused time', async () => {
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

  it('counts lines at known prices alone', async () => {
    for (const pricing of [null, { price_details: null }, priced('price_unknown'), priced(null)]) {
      expect(await covered(invoiceFrom({ lines: [until(100, { pricing })] }))).toBeNull();
    }
    const pricing = priced({ id: 'price_pro' }, { id: 'prod_ours' });
    expect(await covered(invoiceFrom({ lines: [until(100, { pricing })] }))).toBe(100);
  });
});

describe('the open renewal of a subscription', () => {
  it('is the newest open invoice at a known price, and what is left of it', async () => {
    const asked: Asked[] = [];
    const other = invoiceFrom({ id: 'in_9', lines: [lineFrom({ pricing: null })] });
    const open = invoiceFrom({ id: 'in_2', amount_remaining: 700 });
    const invoices = list(other, open, invoiceFrom({ id: 'in_3' }));
    const renewal = await findOpenRenewal(stripeWith({ invoices }, asked), 'sub_1', PRICES);
    expect(renewal).toEqual({ invoiceId: 'in_2', amountCents: 700 });
    expect(Object.fromEntries(asked[0]?.query ?? [])).toEqual({
      subscription: 'sub_1',
      status: 'open',
      limit: '100',
    });
    expect(await findOpenRenewal(stripeWith({ invoices: list(other) }), 'sub_1', PRICES)).toBeNull();
  });
});

describe('the unused time of an invoice', () => {
  const unused = async (later: readonly object[], own: object = invoiceFrom(), asked: Asked[] = []) => {
    const stripe = stripeWith({ 'invoices/in_1': own, invoices: list(...later) }, asked);
    return unusedTimeOf(stripe, await stripe.invoices.retrieve('in_1'));
  };
  const later = (...lines: object[]) => invoiceFrom({ id: 'in_2', created: 200, lines });

  it('is what later invoices credit of it, after discount and with tax', async () => {
    const asked: Asked[] = [];
    const credit = creditLine('in_1', {
      discount_amounts: [{ amount: -100 }],
      taxes: [{ amount: -40, tax_behavior: 'exclusive' }],
    });
    const invoices = [later(credit, creditLine('in_1'), creditLine('in_other'), lineFrom())];
    expect(await unused(invoices, invoiceFrom(), asked)).toBe(440 + 500);
    expect(Object.fromEntries(asked[1]?.query ?? [])).toEqual({
      customer: 'cus_1',
      'created[gte]': '100',
      limit: '100',
    });
  });

  it.each([
    ['open', 500],
    ['paid', 500],
    ['uncollectible', 500],
    ['draft', 0],
    ['void', 0],
  ])('counts what an invoice that is %s credits: %i', async (status, cents) => {
    expect(await unused([{ ...later(creditLine('in_1')), status }])).toBe(cents);
  });

  it.each([
    [
      'is no part of a period',
      {
        parent: forSubscription({
          proration: false,
          proration_details: { credited_items: { invoice: 'in_1' } },
        }),
      },
    ],
    ['is for no subscription', { parent: null }],
    ['takes nothing off', { amount: 0 }],
    ['asks for money', { amount: 500 }],
  ])('is not what a line credits that %s', async (_, facts) => {
    expect(await unused([later(creditLine('in_1', facts))])).toBe(0);
  });

  it('is found by the subscription where Stripe has deleted the customer, or names none', async () => {
    const credits = list(later(creditLine('in_1')));
    const byCustomer = ({ query }: Asked) =>
      query.get('customer') === null ? credits : new Refusal(400, 'resource_missing');
    for (const [customer, invoices] of [
      ['cus_1', byCustomer],
      [null, credits],
    ] as const) {
      const asked: Asked[] = [];
      const stripe = stripeWith({ 'invoices/in_1': invoiceFrom({ customer }), invoices }, asked);
      expect(await unusedTimeOf(stripe, await stripe.invoices.retrieve('in_1'))).toBe(500);
      expect(asked.at(-1)?.query.get('subscription')).toBe('sub_1');
    }
    for (const parent of [null, { subscription_details: null }]) {
      expect(await unused([later(creditLine('in_1'))], invoiceFrom({ customer: null, parent }))).toBe(0);
    }
  });

  it('is an error where Stripe does not answer', async () => {
    const stripe = stripeWith({
      'invoices/in_1': invoiceFrom(),
      invoices: ({ query }: Asked) =>
        query.get('customer') === null ? list() : new Refusal(500, 'api_error'),
    });
    const invoice = await stripe.invoices.retrieve('in_1');
    await expect(unusedTimeOf(stripe, invoice)).rejects.toThrow();
  });
});

describe('unused time of which Stripe does not say what paid for it', () => {
  const credited = async (beside: readonly object[], own: object, asked: Asked[] = []) => {
    const stripe = stripeWith({ 'invoices/in_2': own, invoices: list(...beside) }, asked);
    return creditedInvoicesOf(stripe, await stripe.invoices.retrieve('in_2'));
  };
  const crediting = (...lines: object[]) => invoiceFrom({ id: 'in_2', created: 200, lines });
  /** The line is from 40 to 100. */
  const sold = (start: number, end: number, facts: object = {}) =>
    lineFrom({ period: { start, end }, ...facts });

  it('is of the invoice that Stripe names, each once', async () => {
    const nothing = creditLine('in_8', { amount: 0 });
    const own = crediting(creditLine('in_0'), creditLine('in_0'), creditLine('in_9'), nothing, lineFrom());
    const asked: Asked[] = [];
    expect(await credited([], own, asked)).toEqual(['in_0', 'in_9']);
    expect(asked).toHaveLength(1);
  });

  it('is of the newest paid invoice of the subscription whose period contains it', async () => {
    const asked: Asked[] = [];
    const found = await credited(
      [crediting(creditLine(null)), invoiceFrom({ id: 'in_1' }), invoiceFrom({ id: 'in_0' })],
      crediting(creditLine(null)),
      asked,
    );
    expect(found).toEqual(['in_1']);
    expect(Object.fromEntries(asked.at(-1)?.query ?? [])).toEqual({
      customer: 'cus_1',
      status: 'paid',
      'created[lte]': '200',
      limit: '100',
    });
  });

  it.each<[string, object, string[]]>([
    ['has its very period', invoiceFrom({ lines: [sold(40, 100)] }), ['in_1']],
    ['begins too late', invoiceFrom({ lines: [sold(41, 100)] }), []],
    ['ends too early', invoiceFrom({ lines: [sold(40, 99)] }), []],
    ['was made at the same moment', invoiceFrom({ created: 200 }), ['in_1']],
    ['was made later', invoiceFrom({ created: 201 }), []],
    ['is not paid', invoiceFrom({ status: 'open' }), []],
    ['is itself', crediting(lineFrom()), []],
    ['sold nothing', invoiceFrom({ lines: [lineFrom({ amount: 0 })] }), []],
    [
      'is of another subscription',
      invoiceFrom({ lines: [lineFrom({ parent: forSubscription({ subscription: 'sub_2' }) })] }),
      [],
    ],
    ['is of no subscription', invoiceFrom({ lines: [lineFrom({ parent: null })] }), []],
    ['has a fitting line among others', invoiceFrom({ lines: [sold(0, 10), sold(0, 100)] }), ['in_1']],
  ])('is of an invoice that %s: %j', async (_, invoice, expected) => {
    expect(await credited([invoice], crediting(creditLine(null)))).toEqual(expected);
  });

  it('is credited of the invoice that matches best, when that is asked about', async () => {
    const own = invoiceFrom();
    const invoices = [crediting(creditLine(null)), own, invoiceFrom({ id: 'in_0', created: 50 })];
    const stripe = stripeWith({ 'invoices/in_1': own, invoices: list(...invoices) });
    expect(await unusedTimeOf(stripe, await stripe.invoices.retrieve('in_1'))).toBe(500);
    const older = stripeWith({
      'invoices/in_0': invoiceFrom({ id: 'in_0', created: 50 }),
      invoices: list(...invoices),
    });
    expect(await unusedTimeOf(older, await older.invoices.retrieve('in_0'))).toBe(0);
  });
});

describe('reading one invoice', () => {
  it('with what was returned of it, only where it brings credits, or has brought some', async () => {
    const empty = { invoice_payments: list(), credit_notes: list(), invoices: list() };
    const value = async (invoice: object, hasBrought: boolean) => {
      const asked: Asked[] = [];
      const stripe = stripeWith({ 'invoices/in_1': invoice, ...empty }, asked);
      const { returned } = await readInvoiceValue(stripe, 'in_1', PRICES, { hasBrought });
      expect(returned.cents).toBe(0);
      return asked.length;
    };
    expect(await value(invoiceFrom(), false)).toBe(4);
    expect(await value(invoiceFrom({ status: 'open' }), false)).toBe(1);
    expect(await value(invoiceFrom({ status: 'open' }), true)).toBe(4);
  });

  it('says how far it reaches: whose it is, what it pays for, and which invoices it credits', async () => {
    const unknown = lineFrom({ pricing: priced('price_unknown') });
    const reach = (facts: object) =>
      readInvoiceReach(
        stripeWith({
          'invoices/in_1': { ...invoiceFrom({ lines: [unknown, creditLine('in_0')] }), ...facts },
        }),
        'in_1',
        PRICES,
      );
    expect(await reach({})).toEqual({
      stripeCustomerId: 'cus_1',
      isPaid: true,
      unknownPriceIds: ['price_unknown'],
      creditedInvoiceIds: ['in_0'],
    });
    expect(await reach({ status: 'open' })).toMatchObject({
      isPaid: false,
      unknownPriceIds: [],
      creditedInvoiceIds: ['in_0'],
    });
    expect(await reach({ status: 'draft' })).toMatchObject({ creditedInvoiceIds: [] });
  });

  it('is a failed renewal while it is open, with the next attempt where there is one', async () => {
    const failed = (facts: object) =>
      readFailedRenewal(
        stripeWith({
          'invoices/in_1': {
            ...invoiceFrom({ status: 'open', amount_remaining: 700, attempt_count: 2 }),
            ...facts,
          },
        }),
        'in_1',
      );
    expect(await failed({})).toEqual({
      id: 'in_1',
      amountCents: 700,
      attempt: 2,
      nextAttemptAt: null,
      cardKey: null,
    });
    expect(await failed({ next_payment_attempt: 60 })).toMatchObject({
      nextAttemptAt: '1970-01-01T00:01:00.000Z',
    });
    expect(await failed({ status: 'uncollectible' })).toMatchObject({ id: 'in_1' });
    for (const status of ['paid', 'void', 'draft']) expect(await failed({ status })).toBeNull();
    expect(await failed({ billing_reason: 'subscription_create' })).toBeNull();
  });
});

describe('a subscription that was made', () => {
  const made = async (latest_invoice: unknown, price = 'price_pro') => {
    const asked: Asked[] = [];
    const stripe = stripeWith(
      {
        'subscriptions/sub_1': {
          id: 'sub_1',
          object: 'subscription',
          status: 'active',
          created: 7,
          collection_method: 'charge_automatically',
          items: list({ id: 'si_1', price: { id: price, product: 'prod_ours' }, current_period_end: 60 }),
          latest_invoice,
        },
        'invoices/in_1': invoiceFrom(),
      },
      asked,
    );
    const result = await subscribed(stripe, await stripe.subscriptions.retrieve('sub_1'), PRICES);
    return { ...result, calls: asked.length };
  };

  it('has its first invoice, with another call only where Stripe sent its id alone', async () => {
    expect(await made(invoiceFrom())).toMatchObject({
      subscription: { id: 'sub_1' },
      invoice: { id: 'in_1' },
      calls: 1,
    });
    expect(await made('in_1')).toMatchObject({ invoice: { id: 'in_1' }, calls: 2 });
    expect(await made(null)).toMatchObject({ invoice: null, calls: 1 });
  });

  it('at a price that is not ours is a defect', async () => {
    await expect(made(null, 'price_other')).rejects.toMatchObject({
      kind: 'misconfigured',
      facts: { code: 'subscription_without_pro_price' },
    });
  });
});
