import { describe, expect, it } from 'vitest';
import { creditedInvoicesOf, unusedTimeOf } from '../../lib/stripe/readers/unused-time.ts';
import {
  type Asked,
  creditLine,
  forSubscription,
  invoiceFrom,
  lineFrom,
  list,
  Refusal,
  stripeWith,
} from '../support/stripe-objects.ts';

/* Which invoice paid for unused time, and how much of it is credited. */

describe('the unused time of an invoice', () => {
  const unused = async (later: readonly object[], own: object = invoiceFrom(), asked: Asked[] = []) => {
    const stripe = stripeWith({ 'invoices/in_1': own, invoices: list(...later) }, asked);
    return unusedTimeOf(stripe, await stripe.invoices.retrieve('in_1'));
  };
  const later = (...lines: object[]) => invoiceFrom({ id: 'in_2', created: 200, lines });

  it('the unused time of an invoice is what later invoices credit of it, after discount and with tax', async () => {
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
  ])('the unused time counts what an invoice that is %s credits: %i', async (status, cents) => {
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
  ])('the unused time does not count what a line credits that %s', async (_, facts) => {
    expect(await unused([later(creditLine('in_1', facts))])).toBe(0);
  });

  it('the unused time is found by the subscription if Stripe has deleted the customer, or names none', async () => {
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

  it('the unused time is an error if Stripe does not respond', async () => {
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
  /** The credited line runs from 40 to 100. */
  const sold = (start: number, end: number, facts: object = {}) =>
    lineFrom({ period: { start, end }, ...facts });

  it('unused time belongs to the invoice that Stripe names, each once', async () => {
    const nothing = creditLine('in_8', { amount: 0 });
    const own = crediting(creditLine('in_0'), creditLine('in_0'), creditLine('in_9'), nothing, lineFrom());
    const asked: Asked[] = [];
    expect(await credited([], own, asked)).toEqual(['in_0', 'in_9']);
    expect(asked).toHaveLength(1);
  });

  it('unused time belongs to the newest paid invoice of the subscription whose period contains it', async () => {
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
  ])('unused time belongs to an invoice that %s: %j', async (_, invoice, expected) => {
    expect(await credited([invoice], crediting(creditLine(null)))).toEqual(expected);
  });

  it('unused time is credited to the invoice that matches best, when that is asked about', async () => {
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
