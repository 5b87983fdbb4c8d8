import { describe, expect, it } from 'vitest';
import { isInvoiceReturned } from '../../lib/stripe/readers/returned-money.ts';
import { readReturnedValue } from '../../lib/stripe/readers/returned-value.ts';
import {
  type Asked,
  disputeFrom,
  invoiceFrom,
  lineFrom,
  list,
  refundFrom,
  stripeWith,
} from '../support/stripe-objects.ts';

/* How much of the value of an invoice was returned, according to Stripe. */

const invoicePayment = (facts: object = {}) => ({
  id: 'inpay_1',
  object: 'invoice_payment',
  amount_paid: 59_900,
  payment: { type: 'payment_intent', payment_intent: { id: 'pi_1', amount_received: 59_900 } },
  ...facts,
});

const noteLine = (facts: object = {}) => ({
  id: 'cnli_1',
  object: 'credit_note_line_item',
  amount: 1_000,
  discount_amount: 0,
  taxes: [],
  invoice_line_item: null,
  ...facts,
});

const note = ({
  lines = [noteLine()],
  ...facts
}: Record<string, unknown> & { lines?: readonly object[] } = {}) => ({
  id: 'cn_1',
  object: 'credit_note',
  status: 'issued',
  pre_payment_amount: 0,
  post_payment_amount: 1_000,
  refunds: [],
  lines: list(...lines),
  ...facts,
});

interface Returned {
  readonly payments?: readonly object[];
  readonly refunds?: readonly object[];
  readonly disputes?: readonly object[];
  readonly notes?: readonly object[];
  readonly invoices?: readonly object[];
}

const returnedValue = async (returned: Returned, invoice: object = invoiceFrom(), asked: Asked[] = []) => {
  const { payments = [invoicePayment()], refunds = [], disputes = [], notes = [], invoices = [] } = returned;
  const stripe = stripeWith(
    {
      'invoices/in_1': invoice,
      invoice_payments: list(...payments),
      refunds: list(...refunds),
      disputes: list(...disputes),
      credit_notes: list(...notes),
      invoices: list(...invoices),
    },
    asked,
  );
  return readReturnedValue(stripe, await stripe.invoices.retrieve('in_1'));
};

describe('the value of an invoice that was returned', () => {
  it('the returned value of an invoice is nothing if nothing was returned', async () => {
    expect(await returnedValue({})).toEqual({ cents: 0, ofLines: [], reasons: [] });
  });

  it('the returned value is the refunds that were not lost, and what disputes withdrew', async () => {
    const refunds = [refundFrom({ amount: 300 }), refundFrom({ id: 're_2', status: 'failed', amount: 9 })];
    expect(await returnedValue({ refunds })).toEqual({ cents: 300, ofLines: [], reasons: ['refund'] });
    expect(await returnedValue({ disputes: [disputeFrom()] })).toEqual({
      cents: 100,
      ofLines: [],
      reasons: ['dispute'],
    });
    expect(await returnedValue({ refunds, disputes: [disputeFrom()] })).toMatchObject({
      cents: 400,
      reasons: ['refund', 'dispute'],
    });
  });

  it("the returned value is the invoice's share, rounded down, of a payment of several invoices", async () => {
    const shared = invoicePayment({
      amount_paid: 100,
      payment: { payment_intent: { id: 'pi_1', amount_received: 300 } },
    });
    const returned = { payments: [shared], refunds: [refundFrom({ amount: 100 })] };
    expect((await returnedValue(returned)).cents).toBe(33);
    expect((await returnedValue({ ...returned, disputes: [disputeFrom()] })).cents).toBe(66);
    const whole = { ...shared, amount_paid: 300 };
    expect((await returnedValue({ ...returned, payments: [whole] })).cents).toBe(100);
    const more = { ...shared, amount_paid: 600 };
    expect((await returnedValue({ ...returned, payments: [more] })).cents).toBe(100);
    const unknown = { ...shared, amount_paid: null };
    expect((await returnedValue({ ...returned, payments: [unknown] })).cents).toBe(100);
  });

  it('the returned value is read by the payment, or by the charge of an older one, and not if it was paid outside of Stripe', async () => {
    const asked: Asked[] = [];
    const byCharge = invoicePayment({ payment: { charge: 'ch_1' } });
    const byId = invoicePayment({ id: 'inpay_2', payment: { payment_intent: 'pi_2' } });
    const pastStripe = invoicePayment({ id: 'inpay_3', payment: {} });
    const { cents } = await returnedValue(
      { payments: [invoicePayment(), byId, byCharge, pastStripe], refunds: [refundFrom()] },
      invoiceFrom(),
      asked,
    );
    expect(cents).toBe(300);
    for (const path of ['refunds', 'disputes']) {
      const of = asked.filter((one) => one.path === path).map(({ query }) => query.toString());
      expect(of.toSorted()).toEqual([
        'charge=ch_1&limit=100',
        'payment_intent=pi_1&limit=100',
        'payment_intent=pi_2&limit=100',
      ]);
    }
    const [payments] = asked.filter(({ path }) => path === 'invoice_payments');
    expect(Object.fromEntries(payments?.query ?? [])).toEqual({
      invoice: 'in_1',
      status: 'paid',
      limit: '100',
      'expand[0]': 'data.payment.payment_intent',
    });
  });

  it('the returned value has what a credit note gave before payment, to the balance or outside of Stripe, and not its refund', async () => {
    const asked: Asked[] = [];
    const gave = { notes: [note({ pre_payment_amount: 200, post_payment_amount: 700 })] };
    expect(await returnedValue(gave, invoiceFrom(), asked)).toEqual({
      cents: 900,
      ofLines: [],
      reasons: ['credit_note'],
    });
    const [notes] = asked.filter(({ path }) => path === 'credit_notes');
    expect(Object.fromEntries(notes?.query ?? [])).toEqual({ invoice: 'in_1', limit: '100' });
    const refunded = note({ refunds: [{ type: 'refund', refund: 're_1', amount_refunded: 400 }] });
    expect(await returnedValue({ notes: [refunded], refunds: [refundFrom({ amount: 400 })] })).toEqual({
      cents: 1_000,
      ofLines: [],
      reasons: ['refund', 'credit_note'],
    });
    const pastStripe = note({ refunds: [{ type: 'payment_record_refund', amount_refunded: 400 }] });
    expect((await returnedValue({ notes: [pastStripe] })).cents).toBe(1_000);
    const allRefunded = note({ refunds: [{ type: 'refund', refund: 're_1', amount_refunded: 1_000 }] });
    expect(await returnedValue({ notes: [allRefunded], refunds: [refundFrom({ amount: 1_000 })] })).toEqual({
      cents: 1_000,
      ofLines: [],
      reasons: ['refund'],
    });
  });

  it('the returned value does not have a void credit note', async () => {
    expect(await returnedValue({ notes: [note({ status: 'void' })] })).toMatchObject({
      cents: 0,
      reasons: [],
    });
  });

  it('a credit note that names a line counts against that line, with its refund, after discount and with tax', async () => {
    const line = noteLine({
      invoice_line_item: 'il_1',
      amount: 1_000,
      discount_amount: 100,
      taxes: [{ amount: 80, tax_behavior: 'exclusive' }],
    });
    const named = note({
      post_payment_amount: 980,
      refunds: [{ type: 'refund', refund: { id: 're_1' }, amount_refunded: 980 }],
      lines: [line],
    });
    expect(await returnedValue({ notes: [named], refunds: [refundFrom({ amount: 980 })] })).toEqual({
      cents: 0,
      ofLines: [{ lineId: 'il_1', cents: 980, isTax: false }],
      reasons: ['refund', 'credit_note'],
    });
  });

  it('each named line counts its share, rounded down, if a refund of the note failed', async () => {
    const lines = [
      noteLine({ invoice_line_item: 'il_1' }),
      noteLine({ id: 'cnli_2', invoice_line_item: 'il_2' }),
    ];
    const half = note({
      post_payment_amount: 2_000,
      refunds: [{ type: 'refund', refund: 're_1', amount_refunded: 1_001 }],
      lines,
    });
    const failed = refundFrom({ status: 'failed', amount: 1_001 });
    expect(await returnedValue({ notes: [half], refunds: [failed] })).toEqual({
      cents: 1,
      ofLines: [
        { lineId: 'il_1', cents: 499, isTax: false },
        { lineId: 'il_2', cents: 499, isTax: false },
      ],
      reasons: ['credit_note'],
    });
  });

  it('each named line counts after its own discount, and the rest of the note against the invoice', async () => {
    const lines = [
      noteLine({ invoice_line_item: 'il_1', discount_amount: 200 }),
      noteLine({ id: 'cnli_2', invoice_line_item: 'il_2' }),
    ];
    const exactly = await returnedValue({ notes: [note({ post_payment_amount: 1_800, lines })] });
    expect([exactly.cents, exactly.ofLines.map(({ cents }) => cents)]).toEqual([0, [800, 1_000]]);
    const beyond = await returnedValue({ notes: [note({ post_payment_amount: 2_800, lines })] });
    expect([beyond.cents, beyond.ofLines.map(({ cents }) => cents)]).toEqual([1_000, [800, 1_000]]);
  });

  it('a failed refund of a credit note does not count, whatever else was refunded', async () => {
    const lines = [noteLine({ invoice_line_item: 'il_1' })];
    const failed = note({ refunds: [{ type: 'refund', refund: 're_2', amount_refunded: 1_000 }], lines });
    const refunds = [refundFrom({ amount: 300 }), refundFrom({ id: 're_2', status: 'failed' })];
    expect(await returnedValue({ notes: [failed], refunds })).toMatchObject({
      cents: 300,
      ofLines: [{ lineId: 'il_1', cents: 0 }],
    });
  });

  it('what a note gave beside its named lines counts against the whole invoice', async () => {
    const lines = [noteLine({ invoice_line_item: 'il_1' }), noteLine({ id: 'cnli_2', amount: 500 })];
    expect(await returnedValue({ notes: [note({ post_payment_amount: 1_500, lines })] })).toEqual({
      cents: 500,
      ofLines: [{ lineId: 'il_1', cents: 1_000, isTax: false }],
      reasons: ['credit_note'],
    });
  });

  it('a named line that is only tax is recognised', async () => {
    const taxes = [{ amount: 80, tax_behavior: 'exclusive' }];
    const tax = noteLine({ invoice_line_item: 'il_1', amount: 0, taxes });
    const nothing = noteLine({ id: 'cnli_2', invoice_line_item: 'il_2', amount: 0 });
    const both = noteLine({ id: 'cnli_3', invoice_line_item: 'il_3', taxes });
    const { ofLines } = await returnedValue({
      notes: [note({ post_payment_amount: 1_160, lines: [tax, nothing, both] })],
    });
    expect(ofLines).toEqual([
      { lineId: 'il_1', cents: 80, isTax: true },
      { lineId: 'il_2', cents: 0, isTax: false },
      { lineId: 'il_3', cents: 1_080, isTax: false },
    ]);
  });

  it('all lines of a credit note are read, even if only some came with it', async () => {
    const lines = [
      noteLine({ invoice_line_item: 'il_1' }),
      noteLine({ id: 'cnli_2', invoice_line_item: 'il_2' }),
    ];
    const long = { ...note({ post_payment_amount: 2_000 }), lines: { ...list(lines[0]), has_more: true } };
    const asked: Asked[] = [];
    const stripe = stripeWith(
      {
        'invoices/in_1': invoiceFrom(),
        invoice_payments: list(),
        credit_notes: list(long),
        'credit_notes/cn_1/lines': list(...lines),
        invoices: list(),
      },
      asked,
    );
    const { ofLines } = await readReturnedValue(stripe, await stripe.invoices.retrieve('in_1'));
    expect(ofLines.map(({ lineId }) => lineId)).toEqual(['il_1', 'il_2']);
    const [listed] = asked.filter(({ path }) => path === 'credit_notes/cn_1/lines');
    expect(listed?.query.get('limit')).toBe('100');
  });

  it('the returned value has the unused time that a later invoice credits', async () => {
    const credit = lineFrom({
      id: 'il_9',
      amount: -500,
      parent: {
        subscription_item_details: {
          proration: true,
          subscription: 'sub_1',
          proration_details: { credited_items: { invoice: 'in_1' } },
        },
      },
    });
    const later = invoiceFrom({ id: 'in_2', created: 200, lines: [credit] });
    expect(await returnedValue({ invoices: [later] })).toEqual({
      cents: 500,
      ofLines: [],
      reasons: ['plan_change'],
    });
  });
});

describe('an invoice', () => {
  const isReturned = (invoice: object, returned: readonly object[], notes: readonly object[] = []) =>
    isInvoiceReturned(
      stripeWith({
        'invoices/in_1': invoice,
        invoice_payments: list(invoicePayment()),
        refunds: list(...returned),
        disputes: list(),
        credit_notes: list(...notes),
        invoices: list(),
      }),
      { id: 'in_1' },
    );

  it('an invoice is fully returned once all that its positive lines sold was returned: after discount, with tax', async () => {
    const sold = lineFrom({
      amount: 1_000,
      discount_amounts: [{ amount: 100 }],
      taxes: [{ amount: 80, tax_behavior: 'exclusive' }],
    });
    const others = [
      lineFrom({ id: 'il_2', amount: -300 }),
      lineFrom({ id: 'il_3', amount: 0, taxes: [{ amount: 5, tax_behavior: 'exclusive' }] }),
    ];
    const invoice = invoiceFrom({ lines: [sold, ...others] });
    expect(await isReturned(invoice, [refundFrom({ amount: 979 })])).toBe(false);
    expect(await isReturned(invoice, [refundFrom({ amount: 980 })])).toBe(true);
    expect(await isReturned(invoice, [refundFrom({ amount: 981 })])).toBe(true);
  });

  it('an invoice is returned by what named lines got back together with the rest', async () => {
    const invoice = invoiceFrom({ lines: [lineFrom({ amount: 1_500 })] });
    const named = note({ lines: [noteLine({ invoice_line_item: 'il_1' })] });
    expect(await isReturned(invoice, [refundFrom({ amount: 500 })], [named])).toBe(true);
    expect(await isReturned(invoice, [refundFrom({ amount: 499 })], [named])).toBe(false);
  });
});
