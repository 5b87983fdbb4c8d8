import { beforeAll, describe, expect, it } from 'vitest';
import { BillingError } from '../../../lib/errors.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { applyEvent } from '../../../lib/operations/events/apply-event.ts';
import { replayEvent } from '../../../lib/operations/events/replay-event.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { readEventRecord } from '../../../lib/store/events.ts';
import { decodeFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readEntriesDown } from '../../../lib/store/ledger.ts';
import { readTogether, type Table } from '../../../lib/store/table.ts';
import type { StripeEvent } from '../../../lib/stripe/event.ts';
import type {
  FixPayment,
  InvoiceReach,
  InvoiceValue,
  ReturnedMoney,
  StripePort,
} from '../../../lib/stripe/port.ts';
import { recordedFix } from '../../support/customers.ts';
import { range } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { setHead } from '../../support/set-head.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';

/*
 * The answer, stored items and effects at each branch of the reducer. Each case sets the answers of Stripe
 * that it needs. The stand-in gives the rest.
 */

let table: Table;
let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: Partial<StripePort>) => answeringWith(money.deps, () => answers);
const notAsked = failing('misconfigured');

let told = 0;
function eventOf(type: string, object: object, previous?: object): StripeEvent {
  told += 1;
  return {
    id: `evt_rule${told}`,
    object: 'event',
    type,
    created: 1_767_323_045,
    livemode: false,
    api_version: '2026-10-28.endive',
    data: { object, ...(previous && { previous_attributes: previous }) },
  };
}

const sources = async (customerId: string) =>
  (await readEntriesDown(table, customerId, null, 10)).map(({ source, amount }) => [source, amount]);

describe('an event', () => {
  it('the record of an event has the amount and the currency', async () => {
    const event = eventOf('payment_intent.succeeded', {
      id: 'pi_elsewhere',
      object: 'payment_intent',
      amount: 2_900,
      currency: 'usd',
    });
    const deps = await answering({ readFixPayment: async () => null });
    await applyEvent(deps, event);
    expect(await readEventRecord(table, event.id)).toMatchObject({ amount: 2_900, currency: 'usd' });
  });

  it('the record of an event has its subject, its time and its outcome', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const event = eventOf('customer.subscription.updated', { id: 'sub_x', customer: stripeCustomerId });
    const applied = { outcome: 'processed', reason: 'applied', customerId };
    const deps = await answering({ readFailedRenewal: notAsked });
    expect(await applyEvent(deps, event)).toEqual(applied);
    expect(await readEventRecord(table, event.id)).toMatchObject({
      ...applied,
      type: event.type,
      objectId: 'sub_x',
      createdAt: '2026-01-02T03:04:05.000Z',
    });
    expect(await applyEvent(money.deps, event)).toEqual({ ...applied, outcome: 'duplicate' });
  });

  it('an event of a type without effect, or of another version, records why it was not applied', async () => {
    expect(await applyEvent(money.deps, eventOf('customer.created', { id: 'cus_1' }))).toEqual({
      outcome: 'ignored',
      reason: 'its type has no effect here',
      customerId: null,
    });
    const { api_version: _, ...without } = eventOf('charge.refunded', { id: 'ch_1' });
    expect(await applyEvent(money.deps, without)).toEqual({
      outcome: 'parked',
      reason: 'its API version is none, not ours',
      customerId: null,
    });
  });

  it('an event that fails in an outage is not recorded, so that Stripe sends it again', async () => {
    const down = new BillingError('ledger_unavailable', 'down');
    const deps = await answering({ readFixPayment: () => Promise.reject(down) });
    const event = eventOf('payment_intent.succeeded', { id: 'pi_1' });
    await expect(applyEvent(deps, event)).rejects.toBe(down);
    expect(await readEventRecord(table, event.id)).toBeNull();
  });

  it('an event of a payment that is not for a fix is ignored with a reason', async () => {
    const deps = await answering({ readFixPayment: async () => null });
    expect(await applyEvent(deps, eventOf('payment_intent.succeeded', { id: 'pi_other' }))).toEqual({
      outcome: 'ignored',
      reason: 'a payment that is not for a fix',
      customerId: null,
    });
  });

  it.each(['created', 'updated', 'failed'])(
    'the event refund.%s of money that no charge brought is ignored, and Stripe is not asked',
    async (what) => {
      const deps = await answering({ readReturnedMoney: notAsked });
      const refund = { id: 're_1', object: 'refund', charge: null, payment_intent: null };
      expect(await applyEvent(deps, eventOf(`refund.${what}`, refund))).toEqual({
        outcome: 'ignored',
        reason: 'a refund without a charge',
        customerId: null,
      });
    },
  );

  it('an event of a detached card finds its owner by the customer, or else by the card', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const { paymentMethodId } = await headOf(money.deps, customerId);
    const processed = { outcome: 'processed', customerId };
    const byCard = eventOf('payment_method.detached', { id: paymentMethodId, customer: null });
    expect(await applyEvent(money.deps, byCard)).toMatchObject(processed);
    const before = { customer: stripeCustomerId };
    const byCustomer = eventOf('payment_method.detached', { id: 'pm_unknown', customer: null }, before);
    expect(await applyEvent(money.deps, byCustomer)).toMatchObject(processed);
  });

  it('an event of a detached card that was never on file is ignored with a reason', async () => {
    const event = eventOf('payment_method.detached', { id: 'pm_elsewhere', customer: null });
    expect(await applyEvent(money.deps, event)).toEqual({
      outcome: 'ignored',
      reason: 'pm_elsewhere was never on file here',
      customerId: null,
    });
  });

  it('an event about a former Stripe customer is processed, and reads no account at Stripe', async () => {
    const { customerId, stripeCustomerId: former } = await customerWithCard(money, 5);
    await money.stripe.customers.del(former);
    await applyEvent(money.deps, eventOf('customer.deleted', { id: former }));
    const { head } = await addPaymentMethod(
      money.deps,
      await headOf(money.deps, customerId),
      await money.newCard(),
    );
    expect(head.stripeCustomerId).not.toBe(former);
    const deps = await answering({ readAccount: notAsked });
    expect(await applyEvent(deps, eventOf('customer.updated', { id: former }))).toMatchObject({
      outcome: 'processed',
      customerId,
    });
  });

  it('an event of a payment for a fix whose Stripe customer is not bound is parked with a reason', async () => {
    const { payment } = await charged();
    const deps = await answering({
      readFixPayment: async () => ({ ...payment, stripeCustomerId: 'cus_unbound' }),
    });
    expect(await applyEvent(deps, eventOf('payment_intent.succeeded', { id: 'pi_1' }))).toEqual({
      outcome: 'parked',
      reason: 'no customer is known for cus_unbound',
      customerId: null,
    });
  });

  it('an event of a charge without a customer is ignored if it did not pay for a fix', async () => {
    const { returned } = await charged();
    const deps = await answering({
      readReturnedMoney: async () => ({ ...returned, stripeCustomerId: null, paidFor: { kind: 'other' } }),
    });
    expect(await applyEvent(deps, refunded())).toEqual({
      outcome: 'ignored',
      reason: 'its charge names no customer',
      customerId: null,
    });
  });

  it('an event of a payment or charge without a customer is parked', async () => {
    const { payment, returned } = await charged();
    const nobodyPaid = await answering({
      readFixPayment: async () => ({ ...payment, stripeCustomerId: null }),
    });
    expect(await applyEvent(nobodyPaid, eventOf('payment_intent.succeeded', { id: 'pi_1' }))).toMatchObject({
      outcome: 'parked',
      reason: 'its payment names no customer',
    });
    const nobodyGotBack = await answering({
      readReturnedMoney: async () => ({ ...returned, stripeCustomerId: null }),
    });
    expect(await applyEvent(nobodyGotBack, eventOf('charge.refunded', { id: 'ch_1' }))).toMatchObject({
      outcome: 'parked',
      reason: 'its charge names no customer',
    });
  });
});

describe('a replay', () => {
  it('a replay of an event that Stripe no longer has says so, and records nothing', async () => {
    await expect(replayEvent(money.deps, 'evt_forgotten')).rejects.toMatchObject({ code: 'event_not_found' });
    expect(await readEventRecord(table, 'evt_forgotten')).toBeNull();
  });

  it.each([
    ['transient', 'payments_unavailable'],
    ['misconfigured', 'payments_misconfigured'],
  ] as const)('a replay whose event cannot be read (%s) is %s, not a missing event', async (kind, code) => {
    const deps = await answering({ readEvent: failing(kind) });
    await expect(replayEvent(deps, 'evt_1')).rejects.toMatchObject({ code });
  });
});

describe('an event about an invoice', () => {
  /** A Pro customer whose head does not have the subscription yet, and an invoice that says so. */
  async function unseen(reach: Partial<InvoiceReach>) {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const { id } = await money.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
    });
    const [invoice] = (await money.stripe.invoices.list({ subscription: id })).data;
    const deps = await answering({
      readInvoiceReach: async () => ({
        stripeCustomerId,
        isPaid: true,
        creditedInvoiceIds: [],
        unknownPriceIds: [],
        ...reach,
      }),
    });
    const event = eventOf('invoice.updated', { id: invoice?.id, customer: stripeCustomerId });
    return { customerId, deps, event };
  }

  it('an event about an invoice at an unknown price is parked, and its paid period counts at once', async () => {
    const { customerId, deps, event } = await unseen({ unknownPriceIds: ['price_unknown'] });
    expect(await applyEvent(deps, event)).toMatchObject({
      outcome: 'parked',
      reason: expect.stringContaining('price_unknown'),
    });
    expect(await headOf(money.deps, customerId)).toMatchObject({
      subscriptionType: 'pro',
      subscription: { state: 'active' },
    });
  });

  it('an event about an unpaid invoice is processed, and settles no invoice', async () => {
    const { customerId, deps, event } = await unseen({ isPaid: false });
    const idle = await answeringWith(deps, () => ({ readInvoiceValue: notAsked }));
    expect(await applyEvent(idle, event)).toEqual({ outcome: 'processed', reason: 'applied', customerId });
    expect(await readEventRecord(table, event.id)).toMatchObject({ outcome: 'processed' });
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 5, subscription: null });
  });
});

/** A fix billed by card, with its fully returned payment at Stripe. */
async function charged() {
  const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
  const fixId = await recordedFix(money.deps, customerId, 1);
  await billFixAttempt(money.deps, customerId, fixId);
  const [item] = await readTogether(table, [keys.fix(customerId, fixId)]);
  const fix = decodeFix(item ?? {});
  const port = await money.deps.stripe();
  const payment: FixPayment | null = await port.readFixPayment(fix.billed?.paymentIntentId ?? '');
  if (payment === null) throw new Error('nothing was paid');
  const returned: ReturnedMoney = {
    chargeId: 'ch_1',
    stripeCustomerId,
    paymentIntentId: payment.paymentIntentId,
    returnedCents: 2_900,
    refundedCents: 2_900,
    disputes: [],
    paidFor: { kind: 'fix', fix: payment },
  };
  return { customerId, fixId, payment, returned };
}

const refundedCents = async ({ customerId, fixId }: { customerId: string; fixId: string }) => {
  const [item] = await readTogether(table, [keys.fix(customerId, fixId)]);
  return item?.['refunded_cents'];
};

const refunded = () => eventOf('charge.refunded', { id: 'ch_1' });

describe('money that went back of a fix', () => {
  it('returned money of a fix is stored with the fix, as Stripe has it at the write', async () => {
    const paid = await charged();
    const answers = [{ ...paid.returned, returnedCents: 1_000 }, paid.returned];
    const deps = await answering({ readReturnedMoney: async () => answers.shift() ?? paid.returned });
    expect(await applyEvent(deps, refunded())).toMatchObject({ outcome: 'processed' });
    expect(await refundedCents(paid)).toBe(2_900);
  });

  it.each<[string, Partial<FixPayment> | null]>([
    ['is not a fix’s at Stripe', null],
    ['did not succeed', { state: 'canceled' }],
  ])('returned money does not count as paid if the payment %s', async (_, payment) => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    const fixId = await recordedFix(money.deps, customerId, 1);
    const paid = await charged();
    const theirs = { ...paid.payment, stripeCustomerId, customerId, fixAttemptId: fixId };
    const deps = await answering({
      readFixPayment: async () => payment && { ...theirs, ...payment, paymentIntentId: 'pi_unknown' },
      readReturnedMoney: async () => ({
        ...paid.returned,
        stripeCustomerId,
        paymentIntentId: 'pi_unknown',
        paidFor: { kind: 'fix', fix: theirs },
      }),
    });
    expect(await applyEvent(deps, refunded())).toMatchObject({ outcome: 'processed', customerId });
    const [item] = await readTogether(table, [keys.fix(customerId, fixId)]);
    expect(item).not.toHaveProperty('billed');
    expect(item).not.toHaveProperty('refunded_cents');
  });

  it('money that a dispute withdrew of a fix is stored with the fix, and has no letter about a refund', async () => {
    const paid = await charged();
    const disputed = { ...paid.returned, returnedCents: 2_900, refundedCents: 0 };
    const deps = await answering({ readReturnedMoney: async () => disputed });
    expect(await applyEvent(deps, refunded())).toMatchObject({ outcome: 'processed' });
    expect(await refundedCents(paid)).toBe(2_900);
    expect(await noticeContentsOf(money.deps, paid.customerId, 'refund_made')).toEqual([]);
  });

  it('returned money of an unrecorded fix, or of a payment without an id, changes nothing', async () => {
    const { returned, payment } = await charged();
    const unknown = { ...payment, fixAttemptId: 'f'.repeat(32) };
    for (const facts of [{ paidFor: { kind: 'fix', fix: unknown } }, { paymentIntentId: null }] as const) {
      const deps = await answering({
        readFixPayment: 'paidFor' in facts ? async () => null : notAsked,
        readReturnedMoney: async () => ({ ...returned, ...facts }),
      });
      expect(await applyEvent(deps, refunded())).toMatchObject({ outcome: 'processed' });
    }
  });

  it('returned money for other products changes nothing, and reads no payment', async () => {
    const { returned, customerId } = await charged();
    const before = await sources(customerId);
    const deps = await answering({
      readFixPayment: notAsked,
      readReturnedMoney: async () => ({ ...returned, paidFor: { kind: 'other' } }),
    });
    expect(await applyEvent(deps, refunded())).toMatchObject({ outcome: 'processed', customerId });
    expect(await sources(customerId)).toEqual(before);
  });
});

describe('money that went back of a Pro invoice', () => {
  async function subscribed() {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    await subscribeToPro(money.deps, customerId, null);
    const [paid] = money.double.state.invoices.newestFirst.filter(
      ({ customer }) => customer === stripeCustomerId,
    );
    const port = await money.deps.stripe();
    const value = await port.readInvoiceValue(paid?.id ?? '', { hasBrought: true });
    const returned: ReturnedMoney = {
      chargeId: 'ch_1',
      stripeCustomerId,
      paymentIntentId: 'pi_invoice',
      returnedCents: 0,
      refundedCents: 0,
      disputes: [],
      paidFor: { kind: 'invoices', invoiceIds: [value.invoice.id] },
    };
    return { customerId, stripeCustomerId, value, returned };
  }

  const back = (returned: ReturnedMoney, value: InvoiceValue) =>
    answering({
      readFixPayment: notAsked,
      readReturnedMoney: async () => returned,
      readInvoiceValue: async () => value,
    });

  it('returned money of an unknown Pro invoice grants the invoice first, even if nothing was returned yet', async () => {
    const { value, returned } = await subscribed();
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const theirs = { ...returned, stripeCustomerId };
    const before = await sources(customerId);
    expect(await applyEvent(await back(theirs, value), refunded())).toMatchObject({ outcome: 'processed' });
    expect(await sources(customerId)).toEqual([['pro_subscription_payment', 60], ...before]);
    expect(await applyEvent(await back(theirs, value), refunded())).toMatchObject({ outcome: 'processed' });
    expect(await sources(customerId)).toEqual([['pro_subscription_payment', 60], ...before]);
  });

  it('returned money of an invoice without credits changes nothing', async () => {
    const { value, returned } = await subscribed();
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const unpaid = {
      invoice: { ...value.invoice, paid: false },
      returned: { ...value.returned, cents: 100 },
    };
    const deps = await back({ ...returned, stripeCustomerId, returnedCents: 100 }, unpaid);
    const before = await sources(customerId);
    expect(await applyEvent(deps, refunded())).toMatchObject({ outcome: 'processed', customerId });
    expect(await sources(customerId)).toEqual(before);
  });

  it('returned money of a granted invoice is taken back, whatever the invoice says now', async () => {
    const { customerId, value, returned } = await subscribed();
    const cents = value.invoice.totalCents;
    const voided = { invoice: { ...value.invoice, paid: false }, returned: { ...value.returned, cents } };
    const deps = await back({ ...returned, returnedCents: cents }, voided);
    expect(await applyEvent(deps, refunded())).toMatchObject({ outcome: 'processed' });
    expect((await sources(customerId))[0]).toEqual(['refund_reversal', -60]);
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 5, debt: 0 });
  });

  it('a dispute of a Pro invoice blocks further charges, and each dispute has one notice', async () => {
    const { customerId, returned, value } = await subscribed();
    const disputes = ['dp_b', 'dp_a'].map((id) => ({ id, open: true, amountCents: 100, outcome: null }));
    const closed = { id: 'dp_c', open: false, amountCents: 100, outcome: 'won' } as const;
    const apply = async (those: ReturnedMoney['disputes']) =>
      applyEvent(
        await back({ ...returned, disputes: those }, value),
        eventOf('charge.dispute.created', { id: 'dp', charge: 'ch_1' }),
      );
    await apply([...disputes, closed]);
    expect((await headOf(money.deps, customerId)).openDisputes).toEqual(['dp_a', 'dp_b']);
    const first = await noticeContentsOf(money.deps, customerId, 'dispute', 'dispute_closed');
    expect(first.map(({ kind }) => kind)).toEqual(['dispute', 'dispute']);
    await apply(disputes);
    expect(await noticeContentsOf(money.deps, customerId, 'dispute', 'dispute_closed')).toEqual(first);
  });

  it('an event that closes more disputes than fit into one transaction is applied, with letters for some', async () => {
    const { customerId, returned, value } = await subscribed();
    const ids = range(1, 120).map((n) => `dp_${n}`);
    await setHead(table, customerId, 'open_disputes', ids);
    const disputes = ids.map((id) => ({ id, open: false, amountCents: 100, outcome: 'won' }) as const);
    const deps = await back({ ...returned, disputes }, value);
    const closed = eventOf('charge.dispute.closed', { id: 'dp_1', charge: 'ch_1' });
    expect(await applyEvent(deps, closed)).toMatchObject({ outcome: 'processed' });
    expect((await headOf(money.deps, customerId)).openDisputes).toEqual([]);
    expect(await noticeContentsOf(money.deps, customerId, 'dispute_closed')).toHaveLength(40);
  });
});
