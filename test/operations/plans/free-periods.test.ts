import { beforeEach, describe, expect, it } from 'vitest';
import { applyEvent } from '../../../lib/operations/events/apply-event.ts';
import { settleInvoice } from '../../../lib/operations/plans/settle-invoice.ts';
import { syncAccount } from '../../../lib/operations/plans/sync-account.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* Invoices that are settled together with the account: free periods, and subscriptions that were replaced. */

let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  money = opened.money;
  return opened.stop;
});

const DAY_MS = 24 * 60 * 60 * 1000;

/** A customer whose first days of Pro are free, as a person grants them in Stripe's dashboard. */
async function freeFor(days: number) {
  const who = await customerWithCard(money, 5);
  const subscription = await money.stripe.subscriptions.create({
    customer: who.stripeCustomerId,
    items: [{ price: money.priceId }],
    trial_period_days: days,
  });
  return { ...who, subscriptionId: subscription.id, invoiceId: String(subscription.latest_invoice) };
}

const freeUntil = async (customerId: string) => (await headOf(money.deps, customerId)).freeUntil;
const paidEvents = () => money.events().filter(({ type }) => type === 'invoice.paid');

describe('a free period', () => {
  it('a paid invoice of $0 stores the end of its free period and the plan, and grants no credits', async () => {
    const { customerId } = await freeFor(7);
    const startMs = money.double.clock.nowMs;
    const [paid] = paidEvents();
    if (paid === undefined) throw new Error('no paid invoice');
    expect(await applyEvent(money.deps, paid)).toMatchObject({ outcome: 'processed' });
    const head = await headOf(money.deps, customerId);
    expect(head).toMatchObject({ balance: 5, subscriptionType: 'pro', subscription: { state: 'trialing' } });
    expect(Math.abs(Date.parse(head.freeUntil ?? '') - startMs - 7 * DAY_MS)).toBeLessThan(60_000);
  });

  it('the end of a free period only moves forward, and a paid period leaves it unchanged', async () => {
    const { customerId, subscriptionId } = await freeFor(7);
    const forTwoMonths = await money.stripe.coupons.create({ percent_off: 100, duration: 'once' });
    await money.stripe.subscriptions.update(subscriptionId, { discounts: [{ coupon: forTwoMonths.id }] });
    await money.days(8);
    const [trial, month, ...others] = paidEvents();
    if (trial === undefined || month === undefined) throw new Error('no second free period');
    expect(others).toEqual([]);
    await applyEvent(money.deps, month);
    const later = await freeUntil(customerId);
    expect(Date.parse(later ?? '') - money.double.clock.nowMs).toBeGreaterThan(20 * DAY_MS);
    await applyEvent(money.deps, trial);
    expect(await freeUntil(customerId)).toBe(later);

    await money.days(32);
    const charged = paidEvents().at(-1);
    if (charged === undefined) throw new Error('no charged month');
    await applyEvent(money.deps, charged);
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 65, freeUntil: later });
  });

  it('an invoice of $0 that is not paid yet starts no free period', async () => {
    const { customerId, stripeCustomerId, invoiceId } = await freeFor(7);
    const unpaid = await answering(money.deps, (port) => ({
      readInvoiceValue: async (...asked) => {
        const { invoice, returned } = await port.readInvoiceValue(...asked);
        return { invoice: { ...invoice, paid: false }, returned };
      },
    }));
    await settleInvoice(unpaid, customerId, invoiceId, { syncs: stripeCustomerId });
    expect(await headOf(money.deps, customerId)).toMatchObject({
      freeUntil: null,
      subscription: { state: 'trialing' },
    });
    await settleInvoice(money.deps, customerId, invoiceId, { syncs: stripeCustomerId });
    expect(await freeUntil(customerId)).not.toBeNull();
  });
});

describe('the account of a settled invoice', () => {
  it('an invoice of a former Stripe customer is settled, and its account is not copied', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const { latest_invoice: invoice } = await money.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
    });
    const deps = await answering(money.deps, () => ({ readAccount: failing('misconfigured') }));
    expect(await settleInvoice(deps, customerId, String(invoice), { syncs: 'cus_former' })).toBe(true);
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 65, subscription: null });
  });

  it('an invoice reads what was returned of it only if it has granted credits', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const { latest_invoice: invoice } = await money.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
    });
    const asked: unknown[] = [];
    const deps = await answering(money.deps, (port) => ({
      readInvoiceValue: async (id, known) => {
        asked.push(known.hasBrought);
        return port.readInvoiceValue(id, known);
      },
    }));
    expect(await settleInvoice(deps, customerId, String(invoice))).toBe(true);
    expect(await settleInvoice(deps, customerId, String(invoice))).toBe(false);
    const refund = async () => {
      const [charge] = money.double.state.charges.newestFirst;
      await money.stripe.refunds.create({ charge: charge?.id ?? '' });
      const refunded = money.events().findLast(({ type }) => type === 'charge.refunded');
      if (refunded === undefined) throw new Error('nothing was refunded');
      await applyEvent(deps, refunded);
    };
    await refund();
    expect(asked).toEqual([false, true, true]);
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 5 });
    // The refund is the first event about this invoice.
    await money.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
    });
    await refund();
    expect(asked).toEqual([false, true, true, false]);
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 5 });
  });

  it('the end of a replaced subscription has no letter if the paid invoice of the new one reports it first', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const make = () =>
      money.stripe.subscriptions.create({ customer: stripeCustomerId, items: [{ price: money.priceId }] });
    const old = await make();
    await syncAccount(money.deps, customerId);
    await (await money.deps.stripe()).cancelSubscription(old.id, true);
    const { latest_invoice: invoice } = await make();
    Object.assign(money.double.state.subscriptions.newestFirst[0] ?? {}, { status: 'unpaid' });
    await settleInvoice(money.deps, customerId, String(invoice), { syncs: stripeCustomerId });
    expect((await headOf(money.deps, customerId)).subscription).toMatchObject({ state: 'unpaid' });
    expect(await noticeContentsOf(money.deps, customerId, 'subscription_ended')).toEqual([]);
  });
});
