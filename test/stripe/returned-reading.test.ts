import { describe, expect, it } from 'vitest';
import type { ReturnFacts } from '../../lib/domain/payments/payment-return.ts';
import { readReturn, refundMetadata } from '../../lib/stripe/readers/payment-return.ts';
import { isInvoiceReturned, readReturnedMoney } from '../../lib/stripe/readers/returned-money.ts';
import { readReturnedValue } from '../../lib/stripe/readers/returned-value.ts';
import {
  type Asked,
  disputeFrom,
  invoiceFrom,
  lineFrom,
  list,
  paged,
  refundFrom,
  stripeWith,
} from '../support/stripe-objects.ts';

/* How much of a payment, and of an invoice, Stripe says was returned. */

describe('what was returned of a payment', () => {
  const read = (refunds: readonly object[], disputes: readonly object[] = []): Promise<ReturnFacts> =>
    readReturn(stripeWith({ refunds: list(...refunds), disputes: list(...disputes) }), 'pi_1');

  it.each([
    ['succeeded', 'succeeded'],
    ['pending', 'pending'],
    ['requires_action', 'pending'],
    ['newer_than_we_are', 'pending'],
    ['failed', 'failed'],
    ['canceled', 'failed'],
  ])('counts a refund that is %s as %s', async (status, state) => {
    expect((await read([refundFrom({ status })])).refunds).toEqual([
      { id: 're_1', amountCents: 100, state, attempt: null },
    ]);
  });

  it.each([
    [refundMetadata(3), 3],
    [refundMetadata(12), 12],
    [{ purpose: 'double_payment' }, null],
    [{ purpose: 'double_payment', attempt: '0' }, null],
    [{ purpose: 'double_payment', attempt: 'x1' }, null],
    [{ purpose: 'double_payment', attempt: '1x' }, null],
    [{ purpose: 'double_payment', attempt: '1234567890' }, null],
    [{ purpose: 'other', attempt: '1' }, null],
    [{ attempt: '1' }, null],
    [null, null],
  ])('knows a refund of ours by its metadata: %j', async (metadata, attempt) => {
    expect((await read([refundFrom({ metadata })])).refunds).toMatchObject([{ attempt }]);
  });

  it('asks for the refunds and disputes of the payment, from all of their pages', async () => {
    const asked: Asked[] = [];
    const stripe = stripeWith(
      {
        refunds: paged(refundFrom(), refundFrom({ id: 're_2' })),
        disputes: paged(disputeFrom(), disputeFrom({ id: 'du_2' })),
      },
      asked,
    );
    const { refunds, disputedCents } = await readReturn(stripe, 'pi_1');
    expect(refunds.map(({ id }) => id)).toEqual(['re_1', 're_2']);
    expect(disputedCents).toBe(200);
    expect(asked.map(({ query }) => [query.get('payment_intent'), query.get('limit')])).toEqual(
      Array(4).fill(['pi_1', '100']),
    );
  });

  it.each([
    ['nothing stands in the way', [], null],
    ['a dispute is open', [{}], 'open_dispute'],
    ['a dispute is closed', [{ status: 'lost' }], 'closed_dispute'],
    ['a closed one stands beside an open one', [{ status: 'lost' }, {}], 'open_dispute'],
    ['an open one stands beside a closed one', [{}, { status: 'won' }], 'open_dispute'],
    ['Stripe refunds a disputed charge', [{ is_charge_refundable: true }], null],
  ] as const)('is refused further refunds by a dispute: %s', async (_, disputes, refusedBy) => {
    expect(
      (
        await read(
          [],
          disputes.map((facts) => disputeFrom(facts)),
        )
      ).refusedBy,
    ).toBe(refusedBy);
  });

  it.each([
    ['what it withdrew, without the fee', [{ amount: -100, currency: 'usd' }], 100],
    [
      'nothing once all of it was reinstated',
      [
        { amount: -100, currency: 'usd' },
        { amount: 100, currency: 'usd' },
      ],
      0,
    ],
    [
      'nothing where more was reinstated than withdrawn',
      [
        { amount: -100, currency: 'usd' },
        { amount: 130, currency: 'usd' },
      ],
      0,
    ],
    [
      'what was not reinstated',
      [
        { amount: -100, currency: 'usd' },
        { amount: 40, currency: 'usd' },
      ],
      60,
    ],
    [
      'nothing once all of it was reinstated in another currency',
      [
        { amount: -93, currency: 'eur' },
        { amount: 93, currency: 'eur' },
      ],
      0,
    ],
    [
      'its whole amount where some of it is in another currency',
      [
        { amount: -50, currency: 'usd' },
        { amount: -46, currency: 'eur' },
      ],
      100,
    ],
    [
      'its whole amount where the account settles in another currency',
      [{ amount: -93, currency: 'eur' }],
      100,
    ],
    ['nothing before it withdrew anything', [], 0],
  ])('counts of a dispute %s', async (_, balance_transactions, cents) => {
    expect((await read([], [disputeFrom({ balance_transactions })])).disputedCents).toBe(cents);
  });
});

describe('the money that was returned of a charge', () => {
  const CHARGE = {
    id: 'ch_1',
    object: 'charge',
    amount: 59_900,
    customer: 'cus_1',
    payment_intent: 'pi_1',
    metadata: {},
  };
  const FIX = { purpose: 'fix', customer_id: 'c1', fix_attempt_id: 'f1', attempt: '1' };
  const payment = (invoice: unknown, id = `inpay_${invoice}`) => ({ id, object: 'invoice_payment', invoice });

  const read = (
    charge: object = {},
    answers: {
      refunds?: object;
      disputes?: Parameters<typeof stripeWith>[0][string];
      payments?: object;
    } = {},
    asked: Asked[] = [],
  ) =>
    readReturnedMoney(
      stripeWith(
        {
          'charges/ch_1': { ...CHARGE, ...charge },
          refunds: answers.refunds ?? list(),
          disputes: answers.disputes ?? list(),
          invoice_payments: answers.payments ?? list(payment('in_1')),
        },
        asked,
      ),
      'ch_1',
    );

  it('is every refund that was not lost and what disputes withdrew, at most the charge', async () => {
    const refunds = list(refundFrom(), refundFrom({ id: 're_2', status: 'failed', amount: 7 }));
    expect(await read({}, { refunds, disputes: list(disputeFrom()) })).toEqual({
      chargeId: 'ch_1',
      stripeCustomerId: 'cus_1',
      paymentIntentId: 'pi_1',
      returnedCents: 200,
      disputes: [{ id: 'du_1', open: true, amountCents: 100 }],
      paidFor: { kind: 'invoices', invoiceIds: ['in_1'] },
    });
    expect(await read({ amount: 150 }, { refunds, disputes: list(disputeFrom()) })).toMatchObject({
      returnedCents: 150,
    });
  });

  it.each([
    ['won', false],
    ['lost', false],
    ['warning_closed', false],
    ['prevented', false],
    ['needs_response', true],
    ['under_review', true],
    ['warning_needs_response', true],
    ['newer_than_we_are', true],
  ])('names its disputes; one that is %s is open: %s', async (status, open) => {
    expect((await read({}, { disputes: list(disputeFrom({ status })) })).disputes).toMatchObject([{ open }]);
  });

  it('is of the refunds of that charge, and names no dispute where there is none', async () => {
    const asked: Asked[] = [];
    expect((await read({}, {}, asked)).disputes).toEqual([]);
    const [refunds] = asked.filter(({ path }) => path === 'refunds');
    expect(Object.fromEntries(refunds?.query ?? [])).toEqual({ charge: 'ch_1', limit: '100' });
  });

  it('names the customer’s disputes of other charges too, once one of this charge is there', async () => {
    const other = (id: string, charge: unknown) => disputeFrom({ id, charge });
    const ofAccount = list(
      disputeFrom({ charge: { id: 'ch_1', customer: 'cus_1' } }),
      other('du_2', { id: 'ch_2', customer: { id: 'cus_1' } }),
      other('du_3', { id: 'ch_3', customer: 'cus_other' }),
      other('du_4', 'ch_4'),
    );
    const asked: Asked[] = [];
    const disputes = ({ query }: Asked) => (query.get('charge') === null ? ofAccount : list(disputeFrom()));
    expect((await read({}, { disputes }, asked)).disputes.map(({ id }) => id)).toEqual(['du_1', 'du_2']);
    expect(asked.filter(({ path }) => path === 'disputes').map(({ query }) => query.toString())).toEqual(
      ['charge=ch_1&limit=100', 'limit=100&expand[0]=data.charge'].map((text) =>
        new URLSearchParams(text).toString(),
      ),
    );
  });

  it('asks for no dispute of the account where the charge has none, or no customer', async () => {
    const asked: Asked[] = [];
    await read({}, {}, asked);
    const without = await read({ customer: null }, { disputes: list(disputeFrom()) }, asked);
    expect(without.disputes.map(({ id }) => id)).toEqual(['du_1']);
    expect(asked.filter(({ path }) => path === 'disputes')).toHaveLength(2);
  });

  it.each([
    [
      'a fix',
      { metadata: FIX },
      list(),
      { kind: 'fix', fix: { customerId: 'c1', fixAttemptId: 'f1', attempt: 1 } },
    ],
    ['nothing of ours without a payment', { payment_intent: null }, list(), { kind: 'other' }],
    ['nothing of ours without an invoice', {}, list(), { kind: 'other' }],
    [
      'each of its invoices once',
      {},
      list(payment('in_1'), payment({ id: 'in_2' }), payment('in_1', 'again'), payment(null)),
      { kind: 'invoices', invoiceIds: ['in_1', 'in_2'] },
    ],
  ])('paid for %s', async (_, charge, payments, paidFor) => {
    const asked: Asked[] = [];
    expect((await read(charge, { payments }, asked)).paidFor).toEqual(paidFor);
    const [query] = asked.filter(({ path }) => path === 'invoice_payments').map((one) => one.query);
    if (query !== undefined) {
      expect(Object.fromEntries(query)).toEqual({
        'payment[type]': 'payment_intent',
        'payment[payment_intent]': 'pi_1',
        limit: '100',
      });
    }
  });
});

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
  it('is nothing where nothing was', async () => {
    expect(await returnedValue({})).toEqual({ cents: 0, ofLines: [], reasons: [] });
  });

  it('is the refunds that were not lost, and what disputes withdrew', async () => {
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

  it('is the invoice’s share, rounded down, of a payment that paid for more than it', async () => {
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

  it('is read by the payment, or by the charge of an older one, and not at all of one past Stripe', async () => {
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

  it('is what a credit note gave before payment, to the balance or past Stripe, and not what it refunded', async () => {
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

  it('is not what a void credit note says', async () => {
    expect(await returnedValue({ notes: [note({ status: 'void' })] })).toMatchObject({
      cents: 0,
      reasons: [],
    });
  });

  it('counts a credit note that names a line against that line, with its refund, after discount and with tax', async () => {
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

  it('counts each named line its share, rounded down, where a refund of the note failed', async () => {
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

  it('counts each named line after its own discount, and what the note gave beyond them against the invoice', async () => {
    const lines = [
      noteLine({ invoice_line_item: 'il_1', discount_amount: 200 }),
      noteLine({ id: 'cnli_2', invoice_line_item: 'il_2' }),
    ];
    const exactly = await returnedValue({ notes: [note({ post_payment_amount: 1_800, lines })] });
    expect([exactly.cents, exactly.ofLines.map(({ cents }) => cents)]).toEqual([0, [800, 1_000]]);
    const beyond = await returnedValue({ notes: [note({ post_payment_amount: 2_800, lines })] });
    expect([beyond.cents, beyond.ofLines.map(({ cents }) => cents)]).toEqual([1_000, [800, 1_000]]);
  });

  it('takes no refund that failed for one of a credit note, whatever else was refunded', async () => {
    const lines = [noteLine({ invoice_line_item: 'il_1' })];
    const failed = note({ refunds: [{ type: 'refund', refund: 're_2', amount_refunded: 1_000 }], lines });
    const refunds = [refundFrom({ amount: 300 }), refundFrom({ id: 're_2', status: 'failed' })];
    expect(await returnedValue({ notes: [failed], refunds })).toMatchObject({
      cents: 300,
      ofLines: [{ lineId: 'il_1', cents: 0 }],
    });
  });

  it('counts what a note gave beside its named lines against the whole invoice', async () => {
    const lines = [noteLine({ invoice_line_item: 'il_1' }), noteLine({ id: 'cnli_2', amount: 500 })];
    expect(await returnedValue({ notes: [note({ post_payment_amount: 1_500, lines })] })).toEqual({
      cents: 500,
      ofLines: [{ lineId: 'il_1', cents: 1_000, isTax: false }],
      reasons: ['credit_note'],
    });
  });

  it('knows a named line that is tax alone', async () => {
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

  it('reads all lines of a credit note that has more than came with it', async () => {
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

  it('is the unused time that a later invoice credits', async () => {
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

  it('is returned once all that its positive lines sold was: after discount, with tax', async () => {
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

  it('is returned by what named lines got back and by the rest together', async () => {
    const invoice = invoiceFrom({ lines: [lineFrom({ amount: 1_500 })] });
    const named = note({ lines: [noteLine({ invoice_line_item: 'il_1' })] });
    expect(await isReturned(invoice, [refundFrom({ amount: 500 })], [named])).toBe(true);
    expect(await isReturned(invoice, [refundFrom({ amount: 499 })], [named])).toBe(false);
  });
});
