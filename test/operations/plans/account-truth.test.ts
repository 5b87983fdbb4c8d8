import { beforeEach, describe, expect, it } from 'vitest';
import { planAt } from '../../../lib/domain/subscription.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { closeCustomer } from '../../../lib/operations/accounts/close-customer.ts';
import { applyEvent } from '../../../lib/operations/events/apply-event.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../../lib/operations/plans/sync-account.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import { decodeHead, encodeHead } from '../../../lib/store/heads.ts';
import { readOrder } from '../../../lib/store/orders.ts';
import type { Table } from '../../../lib/store/table.ts';
import { markClosed, recordedFix } from '../../support/customers.ts';
import { customerWith } from '../../support/fixtures.ts';
import { proUntil } from '../../support/heads.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { setHead } from '../../support/set-head.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* The account as it is at Stripe: the paid periods, the charged card, and every subscription. */

let table: Table;
let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const DAY_MS = 24 * 60 * 60 * 1000;

async function onPro(card?: string) {
  const who = await customerWithCard(money, 0, card ?? (await money.newCard()));
  const { head } = await subscribeToPro(money.deps, who.customerId, null);
  return { ...who, subscriptionId: head.subscription?.id ?? '' };
}

const anotherPro = (customer: string) =>
  money.stripe.subscriptions.create({ customer, items: [{ price: money.priceId }], off_session: true });

const statusesOf = (stripeCustomerId: string) =>
  money.double.state.subscriptions.newestFirst
    .filter(({ customer }) => customer === stripeCustomerId)
    .map(({ status }) => status);

const laterBy = (ms: number) => new Date(money.double.clock.nowMs + ms);

async function chargeAt(customerId: string, at: Date): Promise<unknown> {
  const { balance, seq } = await headOf(money.deps, customerId);
  if (balance !== 0) {
    const away = { amount: -balance, reason: 'test', actor: 'tests', idempotencyKey: `at ${seq}` };
    await adjustCredits(money.deps, customerId, away);
  }
  const fixId = await recordedFix(money.deps, customerId, seq);
  const billed = await billFixAttempt({ ...money.deps, now: () => at }, customerId, fixId);
  return billed.kind === 'billed' ? billed.billed.amountCents : billed.kind;
}

describe('the Pro rate', () => {
  it('the Pro rate ends 21 days after the paid period even if Stripe leaves the subscription past_due indefinitely', async () => {
    const { customerId, subscriptionId } = await onPro();
    const { coveredUntil } = (await headOf(money.deps, customerId)).subscription ?? {};
    const subscription = money.double.state.subscriptions.find(subscriptionId);
    if (subscription === undefined) throw new Error('no subscription');
    subscription.status = 'past_due';
    await syncAccount(money.deps, customerId);
    const paidUntil = Date.parse(coveredUntil ?? '');
    expect(await chargeAt(customerId, new Date(paidUntil + 21 * DAY_MS - 1))).toBe(1_500);
    expect(await chargeAt(customerId, new Date(paidUntil + 21 * DAY_MS))).toBe(2_900);
  });

  it('the Pro rate ends with the paid period while collection is paused, although Stripe says active', async () => {
    const { customerId, subscriptionId } = await onPro();
    const subscription = money.double.state.subscriptions.find(subscriptionId);
    if (subscription === undefined) throw new Error('no subscription');
    subscription.pause_collection = { behavior: 'void', resumes_at: null };
    const { head } = await syncAccount(money.deps, customerId);
    const paidUntil = Date.parse(head.subscription?.coveredUntil ?? '');
    expect(head.subscription).toMatchObject({ state: 'active', collects: false });
    expect(planAt(head, new Date(paidUntil - 1))).toBe('pro');
    expect(planAt(head, new Date(paidUntil))).toBe('pay_as_you_go');
  });

  it('the Pro rate continues with a paid renewal that only invoice.paid reports', async () => {
    const { customerId } = await onPro();
    const before = (await headOf(money.deps, customerId)).subscription?.coveredUntil ?? '';
    await money.days(32);
    const paid = money.events().findLast(({ type }) => type === 'invoice.paid');
    if (paid === undefined) throw new Error('no renewal');
    await applyEvent(money.deps, paid);
    const after = (await headOf(money.deps, customerId)).subscription?.coveredUntil ?? '';
    expect(Date.parse(after) - Date.parse(before)).toBeGreaterThan(27 * DAY_MS);
  });

  it('the Pro rate of a head from an earlier release lasts for its current period and the grace until the next sync', async () => {
    const { customerId } = await onPro();
    const head = await headOf(money.deps, customerId);
    const periodEnd = head.subscription?.currentPeriodEnd ?? '';
    const {
      covered_until: _,
      collects: __,
      ...subscription
    } = { ...Object(encodeHead(head)['subscription']) };
    const old = decodeHead({ ...encodeHead(head), subscription });
    expect(old.subscription).toEqual({ ...head.subscription, coveredUntil: periodEnd, collects: true });
    expect(planAt(old, new Date(Date.parse(periodEnd) + 22 * DAY_MS))).toBe('pay_as_you_go');
    const nothingPaid = { ...head, subscription: { ...proUntil(periodEnd), coveredUntil: null } };
    expect(decodeHead(encodeHead(nothingPaid)).subscription?.coveredUntil).toBeNull();
  });
});

describe('several Pro subscriptions', () => {
  it('several Pro subscriptions all end with their periods when the customer cancels at period end', async () => {
    const { customerId, stripeCustomerId } = await onPro();
    await anotherPro(stripeCustomerId);
    const head = await cancelSubscription(money.deps, customerId, true);
    expect(head.subscription).toMatchObject({ state: 'active', cancelAtPeriodEnd: true });
    const { account } = await syncAccount(money.deps, customerId);
    expect(account).toMatchObject({
      subscriptions: [{ cancelAtPeriodEnd: true }, { cancelAtPeriodEnd: true }],
    });
    await money.days(33);
    expect(statusesOf(stripeCustomerId)).toEqual(['canceled', 'canceled']);
  });

  it("several Pro subscriptions all end when the customer cancels now, and the response has Stripe's state afterwards", async () => {
    const { customerId, stripeCustomerId } = await onPro();
    await anotherPro(stripeCustomerId);
    const head = await cancelSubscription(money.deps, customerId, false);
    expect(statusesOf(stripeCustomerId)).toEqual(['canceled', 'canceled']);
    expect(head).toMatchObject({ subscriptionType: 'pay_as_you_go', subscription: { state: 'canceled' } });
    const end = Date.parse(head.subscription?.currentPeriodEnd ?? '');
    expect(end).toBeLessThanOrEqual(laterBy(1_000).getTime());
  });

  it('several Pro subscriptions all end when the account is closed', async () => {
    const { customerId, stripeCustomerId } = await onPro();
    await anotherPro(stripeCustomerId);
    await closeCustomer(money.deps, customerId);
    expect(statusesOf(stripeCustomerId)).toEqual(['canceled', 'canceled']);
  });

  it('every unpaid subscription ends when the customer subscribes, and a cancellation stays while another continues', async () => {
    const { customerId, stripeCustomerId, subscriptionId } = await onPro();
    const unpaid = [await anotherPro(stripeCustomerId), await anotherPro(stripeCustomerId)];
    for (const { id } of unpaid)
      Object.assign(money.double.state.subscriptions.get(id, 'path'), { status: 'unpaid' });
    const second = await anotherPro(stripeCustomerId);
    await money.stripe.subscriptions.update(second.id, { cancel_at_period_end: true });
    expect(await subscribeToPro(money.deps, customerId, null)).toMatchObject({
      created: false,
      head: { subscription: { id: subscriptionId, cancelAtPeriodEnd: false } },
    });
    for (const { id } of unpaid) expect(money.double.state.subscriptions.find(id)?.status).toBe('canceled');
    expect(money.double.state.subscriptions.find(second.id)?.cancel_at_period_end).toBe(true);
    expect(money.double.state.subscriptions.find(subscriptionId)?.cancel_at_period_end).toBe(false);
  });

  it('more than a page of subscriptions are all read', async () => {
    const { customerId, stripeCustomerId, subscriptionId } = await onPro();
    await cancelSubscription(money.deps, customerId, false);
    for (let n = 0; n < 101; n++) {
      const { id } = await anotherPro(stripeCustomerId);
      if (n > 0) await money.stripe.subscriptions.cancel(id);
    }
    const { account } = await syncAccount(money.deps, customerId);
    const all = account?.kind === 'account' ? account.subscriptions : [];
    expect(all).toHaveLength(102);
    expect(all.map(({ id }) => id)).toContain(subscriptionId);
  });
});

describe('a cancellation', () => {
  it.each(['any_cancel_at', 'period_end_only'] as const)(
    'a cancellation months away does not prevent cancelling, and is withdrawn with the flag: %s',
    async (clears) => {
      money.double.state.switches.period_end_false_clears = clears;
      const { customerId, subscriptionId } = await onPro();
      const far = Math.floor(laterBy(150 * DAY_MS).getTime() / 1000);
      await money.stripe.subscriptions.update(subscriptionId, { cancel_at: far });
      const { head } = await syncAccount(money.deps, customerId);
      expect(head.subscription?.cancelAtPeriodEnd).toBe(false);
      const cancelled = await cancelSubscription(money.deps, customerId, true);
      expect(cancelled.subscription?.cancelAtPeriodEnd).toBe(true);

      await money.stripe.subscriptions.update(subscriptionId, { cancel_at: far });
      await subscribeToPro(money.deps, customerId, await readOrder(table, customerId));
      expect(await money.stripe.subscriptions.retrieve(subscriptionId)).toMatchObject({
        cancel_at: null,
        cancel_at_period_end: false,
      });
    },
  );
});

describe('subscribing', () => {
  it('three concurrent calls create one subscription, which is counted once', async () => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    const reported: BusinessEvent[] = [];
    const deps = { ...money.deps, report: (event: BusinessEvent) => void reported.push(event) };
    const answers = await Promise.all([1, 2, 3].map(() => subscribeToPro(deps, customerId, null)));
    expect(answers.map(({ created }) => created).toSorted()).toEqual([false, false, true]);
    expect(reported.filter(({ kind }) => kind === 'pro_subscribed')).toHaveLength(1);
  });
});

describe('the default card', () => {
  const defaultCard = (customer: string, default_payment_method: string) =>
    money.stripe.customers.update(customer, { invoice_settings: { default_payment_method } });
  const newCardOf = async (customer: string) => {
    const { id } = await money.stripe.paymentMethods.attach(await money.newCard(), { customer });
    return id;
  };

  it('a default card changed at Stripe is charged once customer.updated arrived', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0, await money.newCard());
    const card = await newCardOf(stripeCustomerId);
    await defaultCard(stripeCustomerId, card);
    await money.deliver();
    expect((await headOf(money.deps, customerId)).paymentMethodId).toBe(card);
    expect(await chargeAt(customerId, laterBy(0))).toBe(2_900);
    expect(money.double.state.paymentIntents.newestFirst[0]?.payment_method).toBe(card);
  });

  it('a default card changed at Stripe is charged even before any event reports it', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0, await money.newCard());
    const card = await newCardOf(stripeCustomerId);
    await defaultCard(stripeCustomerId, card);
    const fixId = await recordedFix(money.deps, customerId, 1);
    expect(await billFixAttempt(money.deps, customerId, fixId)).toMatchObject({ kind: 'billed' });
    const [intent] = money.double.state.paymentIntents.newestFirst;
    expect(intent).toMatchObject({ status: 'succeeded', payment_method: card });
    expect(await headOf(money.deps, customerId)).toMatchObject({ paymentMethodId: card });
  });

  it('a default card removed at Stripe is no longer charged, and a new one from the portal is used', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0, await money.newCard());
    await defaultCard(stripeCustomerId, '');
    await money.deliver();
    expect(await chargeAt(customerId, laterBy(0))).toBe('blocked');
    await defaultCard(stripeCustomerId, await newCardOf(stripeCustomerId));
    await money.deliver();
    expect(await chargeAt(customerId, laterBy(0))).toBe(2_900);
  });

  it.each(['pm_usBankAccount_success', 'pm_link'])(
    '%s is not accepted as a card: it is neither put on file nor charged',
    async (id) => {
      const { head } = await customerWith(money.deps, 0);
      const refused = addPaymentMethod(money.deps, head, id);
      await expect(refused).rejects.toMatchObject({
        code: 'payment_method_invalid',
        facts: { errors: [{ field: 'payment_method_id', message: 'is not a card' }] },
      });
      await expect(refused).rejects.toThrow(/Only cards can be put on file/);
      const { stripeCustomerId } = await headOf(money.deps, head.customerId);
      expect((await money.stripe.customers.listPaymentMethods(stripeCustomerId ?? '')).data).toEqual([]);
      // Made the default in Stripe's dashboard.
      const method = await money.stripe.paymentMethods.attach(id, { customer: stripeCustomerId ?? '' });
      await defaultCard(stripeCustomerId ?? '', method.id);
      expect((await syncAccount(money.deps, head.customerId)).head.paymentMethodId).toBeNull();
    },
  );

  it.each(['clears', 'refused'] as const)(
    "the default card replaces a subscription's own card once customer.updated arrived, whether Stripe lets it be cleared: %s",
    async (empty) => {
      money.double.state.switches.empty_subscription_default = empty;
      const { stripeCustomerId, subscriptionId } = await onPro();
      const own = await newCardOf(stripeCustomerId);
      await money.stripe.subscriptions.update(subscriptionId, { default_payment_method: own });
      const card = await newCardOf(stripeCustomerId);
      await defaultCard(stripeCustomerId, card);
      await money.deliver();
      const { default_payment_method: now } = await money.stripe.subscriptions.retrieve(subscriptionId);
      expect(now).toBe(empty === 'clears' ? null : card);
    },
  );
});

describe('a card that is added at Stripe and whose event is lost', () => {
  it('a card added at Stripe whose event is lost pays for the next fix, which is not blocked', async () => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    const { stripeCustomerId, paymentMethodId } = await headOf(money.deps, customerId);
    await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
    await syncAccount(money.deps, customerId);
    expect((await headOf(money.deps, customerId)).paymentMethodId).toBeNull();
    const fix = await recordedFix(money.deps, customerId, 1);
    expect(await billFixAttempt(money.deps, customerId, fix)).toMatchObject({ kind: 'blocked' });

    const card = await money.stripe.paymentMethods.attach(await money.newCard(), {
      customer: stripeCustomerId ?? '',
    });
    await money.stripe.customers.update(stripeCustomerId ?? '', {
      invoice_settings: { default_payment_method: card.id },
    });
    expect(await billFixAttempt(money.deps, customerId, fix)).toMatchObject({ kind: 'billed' });
  });

  it('a card added at Stripe whose event is lost pays for no fix of a closed account', async () => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    await setHead(table, customerId, 'payment_method_id', null);
    await markClosed(money.deps, customerId);
    const fix = await recordedFix(money.deps, customerId, 1);
    const before = money.double.state.paymentIntents.newestFirst.length;
    expect(await billFixAttempt(money.deps, customerId, fix)).toMatchObject({
      kind: 'blocked',
      code: 'no_billing_info',
    });
    expect(money.double.state.paymentIntents.newestFirst).toHaveLength(before);
    expect((await headOf(money.deps, customerId)).paymentMethodId).toBeNull();
  });

  it('a fix stays blocked with 402 while Stripe cannot be asked about a new card', async () => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    const { paymentMethodId } = await headOf(money.deps, customerId);
    await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
    await syncAccount(money.deps, customerId);
    const deps = await answering(money.deps, () => ({ readDefaultCard: failing('transient') }));
    const fix = await recordedFix(deps, customerId, 1);
    expect(await billFixAttempt(deps, customerId, fix)).toMatchObject({
      kind: 'blocked',
      code: 'no_billing_info',
    });
  });
});

describe('events of another product on the same Stripe account', () => {
  it('events of another product are ignored, and those of a customer that our metadata names are parked', async () => {
    await customerWithCard(money, 0, await money.newCard());
    await money.deliver();
    const before = new Set(money.events().map(({ id }) => id));
    const foreign = await money.stripe.customers.create({ email: 'other@product.example' });
    await money.stripe.customers.update(foreign.id, { name: 'Other' });
    const ours = await money.stripe.customers.create({ metadata: { customer_id: 'c1' } });
    await money.stripe.customers.update(ours.id, { name: 'Ours' });
    const updates = money.events().filter(({ id, type }) => !before.has(id) && type === 'customer.updated');
    expect(await money.deliver(updates)).toMatchObject([
      { outcome: 'ignored', reason: `${foreign.id} is not a customer of this service` },
      { outcome: 'parked', reason: `no customer is known for ${ours.id}` },
    ]);
  });
});

describe('a paused subscription', () => {
  it('a paused subscription has no letter about its end until it ends', async () => {
    const { customerId, subscriptionId } = await onPro();
    Object.assign(money.double.state.subscriptions.get(subscriptionId, 'path'), { status: 'paused' });
    await syncAccount(money.deps, customerId);
    expect(await noticeContentsOf(money.deps, customerId, 'subscription_ended')).toEqual([]);
    await cancelSubscription(money.deps, customerId, false);
    expect(await noticeContentsOf(money.deps, customerId, 'subscription_ended')).toHaveLength(1);
  });

  it('a paused subscription that a new one replaces has no letter about its end, whichever event comes first', async () => {
    const { customerId, subscriptionId } = await onPro();
    Object.assign(money.double.state.subscriptions.get(subscriptionId, 'path'), { status: 'paused' });
    await syncAccount(money.deps, customerId);
    const before = new Set(money.events().map(({ id }) => id));
    await subscribeToPro(money.deps, customerId, null);
    await money.deliver(money.events().filter(({ id }) => !before.has(id)));
    expect(await headOf(money.deps, customerId)).toMatchObject({ subscription: { state: 'active' } });
    expect(await noticeContentsOf(money.deps, customerId, 'subscription_ended')).toEqual([]);
  });
});

describe('an e-mail address that Stripe refuses', () => {
  it('an address that Stripe refuses does not prevent adding a card: the Stripe customer has no address, and it is counted', async () => {
    const { head } = await customerWith(money.deps, 0);
    const reported: BusinessEvent[] = [];
    const deps = { ...money.deps, report: (event: BusinessEvent) => void reported.push(event) };
    // The stand-in rejects an address without an @. Stripe also rejects some valid addresses.
    const refused = { ...head, email: 'refused by Stripe' };
    const added = await addPaymentMethod(deps, refused, await money.newCard());
    expect(added.head.paymentMethodId).not.toBeNull();
    const customer = money.double.state.customers.find(added.head.stripeCustomerId);
    expect(customer).toMatchObject({ email: null, metadata: { customer_id: head.customerId } });
    expect(reported.map(({ kind }) => kind)).toContain('stripe_email_refused');
  });
});
