import { beforeEach, describe, expect, it } from 'vitest';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { onboardCustomer } from '../../../lib/operations/accounts/onboard-customer.ts';
import { applyEvent } from '../../../lib/operations/events/apply-event.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { payRenewal } from '../../../lib/operations/plans/pay-renewal.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { readOrder } from '../../../lib/store/orders.ts';
import { uniqueEmail } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { attachedCard, pastDueCustomer, putDefault } from '../../support/past-due.ts';

/* Money, credits and ends of Pro are reported once, by the write that happens once. */

let money: Money;
let deps: PaymentDeps;
let reported: BusinessEvent[];
beforeEach(async () => {
  const opened = await openMoneyForFile();
  money = opened.money;
  reported = [];
  deps = { ...money.deps, report: (happened) => void reported.push(happened) };
  return opened.stop;
});

const subscribe = async (customerId: string) =>
  subscribeToPro(deps, customerId, await readOrder(deps.table, customerId));

/** Delivers every event twice, as Stripe may. */
async function deliverTwice(): Promise<void> {
  for (const event of money.events()) {
    await applyEvent(deps, event);
    await applyEvent(deps, event);
  }
}

const collected = () =>
  reported.flatMap((one) =>
    one.kind === 'invoice_collected' ? [[one.isFirst ? 'order' : 'renewal', one.paidCents]] : [],
  );
const credits = () =>
  reported.flatMap((one) => (one.kind === 'credits_granted' ? [[one.source, one.credits]] : []));
const ends = () =>
  reported.flatMap((one) => {
    if (one.kind === 'pro_ended') return [`ended ${one.how}`];
    return one.kind === 'pro_set_to_end' ? ['set to end'] : [];
  });

describe('reported money', () => {
  it('an order is reported once, however often it is repeated and its events are delivered', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await Promise.all([subscribe(customerId), subscribe(customerId)]);
    await subscribe(customerId);
    await deliverTwice();
    expect(collected()).toEqual([['order', 59_900]]);
    expect(credits()).toEqual([['pro_subscription_payment', 60]]);
  });

  it('an order whose events arrive before its answer is stored is reported once', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    await money.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
    });
    await deliverTwice();
    await subscribe(customerId);
    expect(collected()).toEqual([['order', 59_900]]);
  });

  it('an invoice whose refund is the first event that arrives is reported once, with what it collected', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    await money.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
    });
    const [charge] = money.double.state.charges.newestFirst;
    await money.stripe.refunds.create({ charge: charge?.id ?? '', amount: 10_000 });
    const refunded = money.events().find(({ type }) => type === 'charge.refunded');
    if (refunded === undefined) throw new Error('nothing was refunded');
    await applyEvent(deps, refunded);
    expect(collected()).toEqual([['order', 59_900]]);
    await deliverTwice();
    expect(collected()).toEqual([['order', 59_900]]);
    await subscribe(customerId);
    expect(collected()).toHaveLength(1);
  });

  it('an invoice that is refunded after it was reported is not reported again', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await subscribe(customerId);
    await deliverTwice();
    const [charge] = money.double.state.charges.newestFirst;
    await money.stripe.refunds.create({ charge: charge?.id ?? '', amount: 10_000 });
    await deliverTwice();
    expect((await headOf(deps, customerId)).balance).toBeLessThan(60);
    expect(collected()).toEqual([['order', 59_900]]);
  });

  it('a renewal that Stripe collects is reported once', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await subscribe(customerId);
    await money.days(32);
    await deliverTwice();
    expect(collected()).toEqual([
      ['order', 59_900],
      ['renewal', 59_900],
    ]);
  });

  it('a renewal that we pay is reported once', async () => {
    const { customerId, stripeCustomerId } = await pastDueCustomer(money);
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    await deliverTwice();
    await payRenewal(deps, customerId, true);
    expect(collected()).toEqual([['renewal', 59_900]]);
  });

  it('money that a balance at Stripe paid is not reported as paid by card', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    await money.stripe.customers.createBalanceTransaction(stripeCustomerId, {
      amount: -10_000,
      currency: 'usd',
    });
    await subscribe(customerId);
    expect(collected()).toEqual([['order', 49_900]]);
  });
});

describe('a reported adjustment', () => {
  it('an adjustment is reported once with its amount, also one that takes credits back', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const adjust = (amount: number, idempotencyKey: string) =>
      adjustCredits(deps, customerId, { amount, reason: 'test', actor: 'tests', idempotencyKey });
    for (const _ of ['once', 'again']) await adjust(7, 'k1');
    await adjust(-3, 'k2');
    expect(reported.filter(({ kind }) => kind === 'credits_adjusted')).toEqual([
      { kind: 'credits_adjusted', customerId, amount: 7 },
      { kind: 'credits_adjusted', customerId, amount: -3 },
    ]);
  });
});

describe('reported credits', () => {
  it('the trial, the card bonus and an adjustment are reported once each, and a repeat is not', async () => {
    const { head } = await onboardCustomer(deps, { name: 'Acme', email: uniqueEmail(), source: 'direct' });
    const card = await money.newCard();
    await addPaymentMethod(deps, head, card);
    await addPaymentMethod(deps, head, card);
    const adjustment = { amount: 7, reason: 'test', actor: 'tests', idempotencyKey: 'k1' };
    await adjustCredits(deps, head.customerId, adjustment);
    await adjustCredits(deps, head.customerId, adjustment);
    await adjustCredits(deps, head.customerId, { ...adjustment, amount: -3, idempotencyKey: 'k2' });
    expect(credits()).toEqual([
      ['trial_signup', 5],
      ['trial_billing_added', 5],
      ['adjustment', 7],
    ]);
  });
});

describe('the reported end of Pro', () => {
  it('a cancellation at the period end and the end itself are reported once each', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await subscribe(customerId);
    await cancelSubscription(deps, customerId, true);
    await cancelSubscription(deps, customerId, true);
    await deliverTwice();
    expect(ends()).toEqual(['set to end']);
    await money.days(32);
    await deliverTwice();
    expect(ends()).toEqual(['set to end', 'ended as_planned']);
  });

  it('an immediate cancellation is reported once, also one that a person made at Stripe', async () => {
    const [ours, theirs] = [await customerWithCard(money, 0), await customerWithCard(money, 0)];
    await subscribe(ours.customerId);
    await subscribe(theirs.customerId);
    await cancelSubscription(deps, ours.customerId, false);
    const [subscription] = (await money.stripe.subscriptions.list({ customer: theirs.stripeCustomerId }))
      .data;
    await money.stripe.subscriptions.cancel(subscription?.id ?? '');
    await deliverTwice();
    expect(ends()).toEqual(['ended now', 'ended now']);
  });
});
