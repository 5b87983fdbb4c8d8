import { describe, expect, it } from 'vitest';
import type { ReturnFacts } from '../../lib/domain/payments/payment-return.ts';
import { readReturn, refundMetadata } from '../../lib/stripe/readers/payment-return.ts';
import { findOpenDisputes, readReturnedMoney } from '../../lib/stripe/readers/returned-money.ts';
import { type Asked, disputeFrom, list, paged, refundFrom, stripeWith } from '../support/stripe-objects.ts';

/* How much of a payment and of a charge was returned, according to Stripe. */

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
  ])('a refund that is %s counts as %s', async (status, state) => {
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
  ])('a refund of ours is recognised by its metadata: %j', async (metadata, attempt) => {
    expect((await read([refundFrom({ metadata })])).refunds).toMatchObject([{ attempt }]);
  });

  it('the return of a payment reads all pages of its refunds and disputes', async () => {
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
  ] as const)('a dispute decides whether further refunds are refused: %s', async (_, disputes, refusedBy) => {
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
  ])('of a dispute, the return of a payment counts %s', async (_, balance_transactions, cents) => {
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

  it('the returned money of a charge is every refund that was not lost and what disputes withdrew, at most the charge', async () => {
    const refunds = list(refundFrom(), refundFrom({ id: 're_2', status: 'failed', amount: 7 }));
    expect(await read({}, { refunds, disputes: list(disputeFrom()) })).toEqual({
      chargeId: 'ch_1',
      stripeCustomerId: 'cus_1',
      paymentIntentId: 'pi_1',
      returnedCents: 200,
      refundedCents: 100,
      disputes: [{ id: 'du_1', open: true, amountCents: 100, outcome: null }],
      paidFor: { kind: 'invoices', invoiceIds: ['in_1'] },
    });
    expect(await read({ amount: 150 }, { refunds, disputes: list(disputeFrom()) })).toMatchObject({
      returnedCents: 150,
    });
  });

  it.each([
    ['won', false, 'won'],
    ['lost', false, 'lost'],
    ['warning_closed', false, 'closed'],
    ['prevented', false, 'closed'],
    ['needs_response', true, null],
    ['under_review', true, null],
    ['warning_needs_response', true, null],
    ['newer_than_we_are', true, null],
  ])(
    'the returned money of a charge lists its disputes; one that is %s is open: %s, and ended as %s',
    async (status, open, outcome) => {
      expect((await read({}, { disputes: list(disputeFrom({ status })) })).disputes).toEqual([
        { id: 'du_1', open, amountCents: 100, outcome },
      ]);
    },
  );

  it('the returned money of a charge has only its own refunds, and no dispute without one', async () => {
    const asked: Asked[] = [];
    expect((await read({}, {}, asked)).disputes).toEqual([]);
    const [refunds] = asked.filter(({ path }) => path === 'refunds');
    expect(Object.fromEntries(refunds?.query ?? [])).toEqual({ charge: 'ch_1', limit: '100' });
  });

  it("the returned money of a charge lists the customer's disputes of other charges too, if this charge has one", async () => {
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

  it('the disputes of the account are not read if the charge has none, or no customer', async () => {
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
  ])('the returned charge paid for %s', async (_, charge, payments, paidFor) => {
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

describe('the open disputes of a customer', () => {
  it('the open disputes of a customer are those that are neither won, lost nor closed, with their amounts', async () => {
    const charge = { id: 'ch_1', customer: 'cus_1' };
    const disputes = list(
      disputeFrom({ id: 'du_open', amount: 2_900, charge }),
      disputeFrom({ id: 'du_inquiry', status: 'warning_needs_response', charge }),
      disputeFrom({ id: 'du_won', status: 'won', charge }),
      disputeFrom({ id: 'du_lost', status: 'lost', charge }),
      disputeFrom({ id: 'du_other', charge: { id: 'ch_2', customer: 'cus_2' } }),
      disputeFrom({ id: 'du_unread', charge: 'ch_1' }),
    );
    expect(await findOpenDisputes(stripeWith({ disputes }), 'cus_1')).toEqual([
      { id: 'du_open', amountCents: 2_900 },
      { id: 'du_inquiry', amountCents: 100 },
    ]);
  });
});
