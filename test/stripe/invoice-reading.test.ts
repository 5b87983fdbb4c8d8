import { describe, expect, it } from 'vitest';
import { linesOf, planPartOf, proInvoiceOf } from '../../lib/stripe/readers/invoice-lines.ts';
import {
  readInvoice,
  readInvoiceReach,
  readInvoiceValue,
  subscribed,
} from '../../lib/stripe/readers/invoices.ts';
import {
  type Asked,
  creditLine,
  forSubscription,
  invoiceFrom,
  lineFrom,
  list,
  PRICES,
  PRO,
  paged,
  priced,
  stripeWith,
} from '../support/stripe-objects.ts';

/* What an invoice sold, line by line, and the period it covers. */

const proOf = async (invoice: object) => {
  const stripe = stripeWith({ 'invoices/in_1': invoice });
  return readInvoice(stripe, 'in_1', PRICES);
};

describe('an invoice', () => {
  it('an invoice is read with its lines, each with its amount', async () => {
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
      isFirst: false,
      totalCents: 59_900,
      paidCents: 59_900,
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

  it('an invoice is paid only by its status', async () => {
    expect((await proOf(invoiceFrom({ status: 'open' }))).paid).toBe(false);
  });

  it.each([
    ['subscription_create', true],
    ['subscription_cycle', false],
    ['subscription_update', false],
    [null, false],
  ])(
    'an invoice with the billing reason %s is the first of its subscription: %s',
    async (reason, isFirst) => {
      expect((await proOf(invoiceFrom({ billing_reason: reason }))).isFirst).toBe(isFirst);
    },
  );

  it('an invoice lists the unknown prices of our product that cost money', async () => {
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

  it('a line without a price, or without a subscription, has no price', async () => {
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

  it('an invoice is free until the end of the last whole period at a known price that cost nothing', async () => {
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

  it('an invoice is read with all of its lines, even if Stripe sent only the first ones', async () => {
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

  it('a line is for its subscription item', async () => {
    expect(await partOf(forSubscription())).toEqual({
      proration: false,
      subscription: 'sub_1',
      creditedInvoice: null,
    });
  });

  it('unused time is for the invoice that it was paid with, if Stripe names it', async () => {
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

  it('a line is for its own item only if that changes a subscription', async () => {
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

describe('reading one invoice', () => {
  it('an invoice is read with its returns only if it grants credits, or has granted some', async () => {
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

  it('the reach of an invoice is its owner, its subject, and the invoices that it credits', async () => {
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
});

describe('a subscription that was made', () => {
  const FIRST = invoiceFrom({ billing_reason: 'subscription_create' });

  const made = async (latest_invoice: unknown, { price = 'price_pro', invoices = [FIRST] } = {}) => {
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
        invoices: paged(...invoices),
      },
      asked,
    );
    const result = await subscribed(stripe, await stripe.subscriptions.retrieve('sub_1'), PRICES);
    return { ...result, calls: asked.length, lastQuery: Object.fromEntries(asked.at(-1)?.query ?? []) };
  };

  it('a new subscription has its first invoice, with another call only if Stripe sent only its id', async () => {
    expect(await made(FIRST)).toMatchObject({
      subscription: { id: 'sub_1' },
      invoice: { id: 'in_1' },
      calls: 1,
    });
    expect(await made('in_1')).toMatchObject({ invoice: { id: 'in_1' }, calls: 2 });
    expect(await made(null)).toMatchObject({ invoice: null, calls: 1 });
  });

  it('a subscription that has later invoices is read with its first one', async () => {
    const later = invoiceFrom({ id: 'in_2', billing_reason: 'subscription_update' });
    const invoices = [later, FIRST];
    expect(await made(later, { invoices })).toMatchObject({ invoice: { id: 'in_1' } });
    expect(await made('in_2', { invoices })).toMatchObject({ invoice: { id: 'in_1' } });
    const unlabelled = invoiceFrom({ id: 'in_0', billing_reason: 'manual' });
    const read = await made('in_2', { invoices: [FIRST, unlabelled] });
    expect(read).toMatchObject({ invoice: { id: 'in_1' } });
    expect(read.lastQuery).toEqual({ subscription: 'sub_1', limit: '100' });
  });

  it('if no invoice is labelled as the first one, the oldest counts', async () => {
    const unlabelled = (id: string) => invoiceFrom({ id, billing_reason: 'subscription_update' });
    const [newer, older] = [unlabelled('in_3'), unlabelled('in_2')];
    expect(await made(newer, { invoices: [newer, older] })).toMatchObject({ invoice: { id: 'in_2' } });
  });

  it('a new subscription at another price is a defect', async () => {
    await expect(made(null, { price: 'price_other' })).rejects.toMatchObject({
      kind: 'misconfigured',
      facts: { code: 'subscription_without_pro_price' },
    });
  });
});
