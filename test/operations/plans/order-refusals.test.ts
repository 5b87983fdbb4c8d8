import { beforeAll, describe, expect, it } from 'vitest';
import { NO_TRIES } from '../../../lib/domain/payments/card-tries.ts';
import { cancelSubscription, resumeSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { finishOrder } from '../../../lib/operations/plans/finish-order.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../../lib/operations/plans/sync-account.ts';
import { readOrder } from '../../../lib/store/orders.ts';
import { keepCardTries, readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { type Table, writeTogether } from '../../../lib/store/table.ts';
import type { StripePort } from '../../../lib/stripe/port.ts';
import { markClosed } from '../../support/customers.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { attachedCard, putDefault } from '../../support/past-due.ts';
import { orderByApi } from '../../support/pro-orders.ts';
import { setHead } from '../../support/set-head.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';

/* Why an order for Pro is not placed or not sent, what a refused one leaves, and cancelling and resuming. */

let table: Table;
let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(money.deps, answers);
const notAsked = failing('misconfigured');

const order = (customerId: string, deps = money.deps) => orderByApi(deps, customerId);

const ofCustomer = (stripeCustomerId: string) =>
  money.double.state.subscriptions.newestFirst.filter(({ customer }) => customer === stripeCustomerId);

/** Stores the tries of the customer's card on file. */
async function withTries(customerId: string, tries: Partial<typeof NO_TRIES>): Promise<void> {
  const { cardKey } = await headOf(money.deps, customerId);
  const read = await readCardTries(table, customerId);
  const cards = { [cardKey ?? '']: { ...NO_TRIES, ...tries } };
  await writeTogether(table, [keepCardTries(customerId, read, cards)]);
}

const triesOf = async (customerId: string) => Object.values((await readCardTries(table, customerId)).cards);

/** An order whose answer was lost. Stripe created nothing. */
async function unanswered() {
  const who = await customerWithCard(money, 5, await money.newCard());
  const deps = await answering(() => ({ subscribe: failing('transient') }));
  await expect(order(who.customerId, deps)).rejects.toMatchObject({ code: 'payment_pending' });
  const stored = await readOrder(table, who.customerId);
  if (stored === null) throw new Error('no order');
  return { ...who, stored };
}

describe('an order that is not placed', () => {
  it('an order without a card, or while a payment is disputed, names every reason', async () => {
    const { head } = await customerWith(money.deps, 3);
    await expect(order(head.customerId)).rejects.toMatchObject({
      code: 'no_billing_info',
      message: expect.stringContaining('Add a payment method, then subscribe again.'),
      facts: { credit_balance: 3, reasons: ['no_billing_info'] },
    });
    const { customerId } = await customerWithCard(money, 5, await money.newCard());
    await setHead(table, customerId, 'open_disputes', ['du_1']);
    await expect(order(customerId)).rejects.toMatchObject({
      code: 'account_disputed',
      message: expect.stringContaining('while a payment is disputed. Ask support.'),
      facts: { credit_balance: 5, reasons: ['account_disputed'] },
    });
    // A person subscribes, so a card that only waits after a decline is no reason; one without tries left is.
    const declines = [money.deps.now().toISOString()];
    await withTries(customerId, { declines, lastCode: 'generic_decline' });
    await expect(order(customerId)).rejects.toMatchObject({ facts: { reasons: ['account_disputed'] } });
    await withTries(customerId, { declines, lastCode: 'stolen_card', isHard: true });
    await expect(order(customerId)).rejects.toMatchObject({
      facts: { reasons: ['account_disputed', 'card_declined'] },
    });
    expect(await readOrder(table, customerId)).toBeNull();
  });

  it('an order from a page is not placed if Pro costs more than the person agreed to', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, await money.newCard());
    const returnUrl = 'https://billing.test/billing/plan/return?customer=c1';
    const orderFor = async (mostCents: number) =>
      subscribeToPro(money.deps, customerId, null, 'pro', { returnUrl, mostCents });
    await expect(orderFor(59_899)).rejects.toMatchObject({ code: 'form_outdated' });
    expect([await readOrder(table, customerId), ofCustomer(stripeCustomerId)]).toEqual([null, []]);
    expect(await orderFor(59_900)).toMatchObject({ created: true });
  });

  it('an order is not placed while its card has its maximum of tries in flight, and can be sent again', async () => {
    const { customerId } = await customerWithCard(money, 5, await money.newCard());
    const startedAt = money.deps.now().toISOString();
    await withTries(customerId, { underWay: range(1, 15).map((n) => ({ id: `fix_${n}:1`, startedAt })) });
    await expect(order(customerId)).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(await readOrder(table, customerId)).toBeNull();
    await withTries(customerId, {});
    expect(await order(customerId)).toMatchObject({ created: true });
  });

  it('an order is not placed with a card that its bank will not accept again', async () => {
    const { customerId } = await customerWithCard(money, 5, await money.newCard());
    const declines = [money.deps.now().toISOString()];
    await withTries(customerId, { declines, lastCode: 'stolen_card', isHard: true });
    await expect(order(customerId)).rejects.toMatchObject({ code: 'card_declined' });
    expect(await readOrder(table, customerId)).toBeNull();
  });

  it('an order is not placed if the default card changes, or is removed, between two reads', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, await money.newCard());
    for (const card of [{ paymentMethodId: 'pm_other', fingerprint: 'fp_other' }, null]) {
      const deps = await answering(() => ({ readDefaultCard: async () => card, subscribe: notAsked }));
      await expect(order(customerId, deps)).rejects.toMatchObject({ code: 'payments_unavailable' });
    }
    expect([await readOrder(table, customerId), ofCustomer(stripeCustomerId)]).toEqual([null, []]);
  });

  it('an order is not placed for a closed account', async () => {
    const { customerId } = await customerWithCard(money, 5, await money.newCard());
    await markClosed(money.deps, customerId);
    await expect(order(customerId)).rejects.toMatchObject({ code: 'account_closed' });
    expect(await readOrder(table, customerId)).toBeNull();
  });

  it('subscribing is not counted as new if Pro starts at Stripe while the card is removed', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, await money.newCard());
    const deps = await answering(() => ({
      readDefaultCard: async (customer) => {
        await money.stripe.subscriptions.create({ customer, items: [{ price: money.priceId }] });
        return null;
      },
      subscribe: notAsked,
    }));
    expect(await order(customerId, deps)).toMatchObject({
      created: false,
      approval: null,
      head: { subscription: { state: 'active' } },
    });
    expect(ofCustomer(stripeCustomerId)).toHaveLength(1);
  });

  it('subscribing is not counted as new, and changes nothing, if Pro starts at Stripe while the order is placed', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, await money.newCard());
    const deps = await answering((port) => ({
      readDefaultCard: async (id) => {
        const card = await port.readDefaultCard(id);
        if (ofCustomer(id).length > 0) return card;
        await money.stripe.subscriptions.create({ customer: id, items: [{ price: money.priceId }] });
        await syncAccount(money.deps, customerId);
        return card;
      },
      subscribe: notAsked,
    }));
    expect(await order(customerId, deps)).toMatchObject({
      created: false,
      approval: null,
      head: { subscription: { state: 'active' } },
    });
    expect(ofCustomer(stripeCustomerId)).toHaveLength(1);
    expect(await readOrder(table, customerId)).toBeNull();
  });
});

describe('an order that is not sent again', () => {
  it('a paid order whose answer was lost is finished first, even if its subscription is past due by now', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, await money.newCard());
    const lost = await answering((port) => ({
      subscribe: async (asked) => {
        await port.subscribe(asked);
        return failing('indeterminate')();
      },
    }));
    await expect(order(customerId, lost)).rejects.toMatchObject({ code: 'payment_pending' });
    Object.assign(ofCustomer(stripeCustomerId)[0] ?? {}, { status: 'past_due' });
    const unpaid = await answering(() => ({ findOpenRenewal: notAsked, payInvoice: notAsked }));
    expect(await order(customerId, unpaid)).toMatchObject({
      created: true,
      head: { balance: 65, subscription: { state: 'past_due' } },
    });
  });

  it('an order in flight whose card has changed is not sent, also by a caller that read before it was placed', async () => {
    const { customerId, stripeCustomerId, stored } = await unanswered();
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    const attempts: number[] = [];
    const later = await answering((port) => ({
      subscribe: async (asked) => {
        attempts.push(asked.attempt);
        return port.subscribe(asked);
      },
    }));
    const now = () => new Date(Date.parse(stored.startedAt) + 3 * 60_000);
    expect(await subscribeToPro({ ...later, now }, customerId, null)).toMatchObject({ created: true });
    expect(attempts).toEqual([2]);
    expect(ofCustomer(stripeCustomerId)).toHaveLength(1);
  });

  it('an order in flight is a try of its card under its own id, and none once it is paid', async () => {
    const { customerId } = await unanswered();
    expect(await triesOf(customerId)).toMatchObject([{ underWay: [{ id: 'order:1' }] }]);
    await order(customerId);
    expect(await triesOf(customerId)).toMatchObject([{ underWay: [], declines: [] }]);
  });
});

describe('an order that Stripe refused', () => {
  it.each([
    [{}, 'card_declined'],
    [{ code: 'expired_card' }, 'expired_card'],
    [{ code: 'card_declined', declineCode: 'lost_card' }, 'lost_card'],
  ])(
    'an order declined with %j is counted by its most exact code, and needs no letter',
    async (facts, code) => {
      const { customerId } = await customerWithCard(money, 5, await money.newCard());
      const deps = await answering(() => ({ subscribe: failing('declined', facts) }));
      await expect(order(customerId, deps)).rejects.toMatchObject({
        code: 'card_declined',
        facts: { decline_code: code },
      });
      expect(await triesOf(customerId)).toMatchObject([
        { declines: [expect.any(String)], lastCode: code, letterDay: null },
      ]);
    },
  );

  it('an order by API whose bank asks the cardholder says so as its only reason', async () => {
    const { customerId } = await customerWithCard(money, 5, await money.newCard());
    const deps = await answering(() => ({ subscribe: failing('authentication_required') }));
    await expect(order(customerId, deps)).rejects.toMatchObject({
      code: 'authentication_required',
      facts: { reasons: ['authentication_required'] },
    });
    expect(await triesOf(customerId)).toMatchObject([{ declines: [], underWay: [] }]);
  });

  it.each([
    ['Stripe customer', { stripeCustomerId: 'cus_former' }],
    ['card', { paymentMethodId: 'pm_former' }],
  ])(
    'an order refused for a former %s is no error: the account as it is now is returned',
    async (_, former) => {
      const { customerId, stored } = await unanswered();
      const deps = await answering(() => ({ subscribe: failing('refused') }));
      expect(await finishOrder(deps, customerId, { ...stored, ...former }, 'announced_now')).toMatchObject({
        created: false,
        approval: null,
        head: { balance: 5, subscription: null },
      });
      expect(await readOrder(table, customerId)).toMatchObject({ state: 'refused' });
    },
  );

  it('the end of a replaced subscription has no letter if the order that replaces it reports it first', async () => {
    const { customerId, stripeCustomerId, stored } = await unanswered();
    const old = await money.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
    });
    await syncAccount(money.deps, customerId);
    await (await money.deps.stripe()).cancelSubscription(old.id, true);
    const deps = await answering((port) => ({
      subscribe: async (asked) => {
        const made = await port.subscribe(asked);
        Object.assign(money.double.state.subscriptions.get(made.subscription.id, 'path'), {
          status: 'unpaid',
        });
        return made;
      },
    }));
    await finishOrder(deps, customerId, stored, 'announced_now');
    expect((await headOf(money.deps, customerId)).subscription).toMatchObject({ state: 'unpaid' });
    expect(await noticeContentsOf(money.deps, customerId, 'subscription_ended')).toEqual([]);
  });
});

describe('subscribing to a plan that goes on', () => {
  it("subscribing clears a subscription's own card, so that the card on file pays for it", async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, await money.newCard());
    const { head } = await order(customerId);
    const id = head.subscription?.id ?? '';
    const own = await attachedCard(money, stripeCustomerId);
    await money.stripe.subscriptions.update(id, { default_payment_method: own });
    await order(customerId);
    expect((await money.stripe.subscriptions.retrieve(id)).default_payment_method).not.toBe(own);
  });

  it('subscribing again after Pro has ended does not end it again', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, await money.newCard());
    await order(customerId);
    await cancelSubscription(money.deps, customerId, false);
    const deps = await answering(() => ({ cancelSubscription: notAsked, setCancelAtPeriodEnd: notAsked }));
    expect(await order(customerId, deps)).toMatchObject({ created: true, head: { balance: 125 } });
    expect(ofCustomer(stripeCustomerId).map(({ status }) => status)).toEqual(['active', 'canceled']);
  });
});

describe('resuming Pro', () => {
  it('resuming Pro withdraws the cancellation at Stripe, and buys nothing', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, await money.newCard());
    await order(customerId);
    await cancelSubscription(money.deps, customerId, true);
    expect(await resumeSubscription(money.deps, customerId)).toMatchObject({
      balance: 65,
      subscription: { state: 'active', cancelAtPeriodEnd: false },
    });
    expect(ofCustomer(stripeCustomerId)).toMatchObject([{ cancel_at_period_end: false, status: 'active' }]);
    const silent = await answering(() => ({ setCancelAtPeriodEnd: notAsked }));
    expect((await resumeSubscription(silent, customerId)).subscription?.cancelAtPeriodEnd).toBe(false);
  });

  it('resuming Pro withdraws a cancellation that a person made at Stripe and whose event is lost', async () => {
    const { customerId } = await customerWithCard(money, 5, await money.newCard());
    const { head } = await order(customerId);
    const id = head.subscription?.id ?? '';
    await money.stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect((await resumeSubscription(money.deps, customerId)).subscription?.cancelAtPeriodEnd).toBe(false);
    expect((await money.stripe.subscriptions.retrieve(id)).cancel_at_period_end).toBe(false);
  });

  it('resuming Pro that has ended, or never began, is refused and asks Stripe for nothing', async () => {
    const { customerId } = await customerWithCard(money, 5, await money.newCard());
    const silent = await answering(() => ({ setCancelAtPeriodEnd: notAsked, subscribe: notAsked }));
    const refused = { code: 'subscription_not_found' };
    await expect(resumeSubscription(silent, customerId)).rejects.toMatchObject(refused);
    await order(customerId);
    await cancelSubscription(money.deps, customerId, false);
    await expect(resumeSubscription(silent, customerId)).rejects.toMatchObject(refused);
  });

  it('a failure of Stripe while Pro is cancelled or resumed says that payments are unavailable', async () => {
    const { customerId } = await customerWithCard(money, 5, await money.newCard());
    await order(customerId);
    const unavailable = { code: 'payments_unavailable' };
    const blind = await answering(() => ({ readAccount: failing('transient') }));
    await expect(cancelSubscription(blind, customerId, true)).rejects.toMatchObject(unavailable);
    await expect(resumeSubscription(blind, customerId)).rejects.toMatchObject(unavailable);
    const down = await answering(() => ({ setCancelAtPeriodEnd: failing('transient') }));
    await expect(cancelSubscription(down, customerId, true)).rejects.toMatchObject(unavailable);
    await cancelSubscription(money.deps, customerId, true);
    await expect(resumeSubscription(down, customerId)).rejects.toMatchObject(unavailable);
    expect((await headOf(money.deps, customerId)).subscription?.cancelAtPeriodEnd).toBe(true);
  });
});
