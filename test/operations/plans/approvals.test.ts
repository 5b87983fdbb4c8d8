import { beforeAll, describe, expect, it } from 'vitest';
import { closeCustomer } from '../../../lib/operations/accounts/close-customer.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { followOrder } from '../../../lib/operations/plans/finish-order.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { readOrder } from '../../../lib/store/orders.ts';
import { readCardTries } from '../../../lib/store/payments/card-tries.ts';
import type { Table } from '../../../lib/store/table.ts';
import { KEY_IS_SAFE_MS, type StripePort } from '../../../lib/stripe/port.ts';
import { eventsNaming } from '../../support/http-money.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';
import { attachedCard, putDefault } from '../../support/past-due.ts';
import { ASKS, orderByApi as byApi, orderOnPage } from '../../support/pro-orders.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';

/* Orders for Pro from a page: the cardholder is present and may have to approve the first payment. */

let table: Table;
let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(money.deps, answers);

const order = (customerId: string, deps = money.deps) => orderOnPage(deps, customerId);

const orderByApi = (customerId: string, deps = money.deps) => byApi(deps, customerId);

const stateOf = async (customerId: string) => (await readOrder(table, customerId))?.state;
const balanceOf = async (customerId: string) => (await headOf(money.deps, customerId)).balance;

/** A customer whose order waits for the approval of its first payment. */
async function waiting() {
  const who = await customerWithCard(money, 5, ASKS);
  const { approval } = await order(who.customerId);
  if (approval?.state !== 'waiting') throw new Error('nothing waits for approval');
  return { ...who, paymentIntentId: approval.paymentIntentId };
}

/** The subscription of the first order. */
async function orderedOf(port: StripePort, stripeCustomerId: string) {
  const ordered = await port.findOrdered(stripeCustomerId, 1);
  if (ordered === null) throw new Error('nothing is ordered');
  return ordered;
}

const answer = (paymentIntentId: string, succeeds: boolean) =>
  money.control(`payment_intents/${paymentIntentId}/authenticate`, { succeeds });

const atStripe = (stripeCustomerId: string) => {
  const { subscriptions, invoices, paymentIntents } = money.double.state;
  const own = ({ customer }: { readonly customer: unknown }) => customer === stripeCustomerId;
  return {
    subscriptions: subscriptions.newestFirst.filter(own).map(({ status }) => status),
    invoices: invoices.newestFirst.filter(own).map(({ status }) => status),
    payments: paymentIntents.newestFirst.filter(own).map(({ status }) => status),
  };
};

/** A clock after which an approval has ended. */
const later = (deps: PaymentDeps): PaymentDeps => ({
  ...deps,
  now: () => new Date(Date.now() + KEY_IS_SAFE_MS + 60_000),
});

const deliver = (stripeCustomerId: string) => money.deliver(eventsNaming(money, [stripeCustomerId]));

describe('an order with the cardholder present', () => {
  it('a card whose bank asks nothing buys Pro at once', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    expect(await order(customerId)).toMatchObject({
      created: true,
      approval: null,
      head: { balance: 65, subscriptionType: 'pro', subscription: { state: 'active' } },
    });
    expect(await stateOf(customerId)).toBe('done');
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['active']);
    await expectSoundMoney(money, customerId);
  });

  it.each(['use_stripe_sdk', 'redirect_to_url'] as const)(
    'a card whose bank asks leads to the bank (%s), and after the approval the order is done once',
    async (next_action_with_return_url) => {
      await money.control('switches', { next_action_with_return_url });
      const { customerId, stripeCustomerId } = await customerWithCard(money, 5, ASKS);
      const { approval } = await order(customerId);
      const isRedirect = next_action_with_return_url === 'redirect_to_url';
      expect(approval).toMatchObject({
        state: 'waiting',
        next: { kind: isRedirect ? 'redirect' : 'script' },
      });
      expect(await stateOf(customerId)).toBe('awaiting_approval');
      expect(await balanceOf(customerId)).toBe(5);
      await answer(approval?.paymentIntentId ?? '', true);
      // The cardholder returns twice.
      await followOrder(money.deps, customerId);
      await followOrder(money.deps, customerId);
      await deliver(stripeCustomerId);
      expect(await stateOf(customerId)).toBe('done');
      expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 65, subscriptionType: 'pro' });
      await money.control('switches/reset');
      await expectSoundMoney(money, customerId);
    },
  );

  it('an event settles an approved order before the cardholder returns', async () => {
    const { customerId, stripeCustomerId, paymentIntentId } = await waiting();
    await answer(paymentIntentId, true);
    await deliver(stripeCustomerId);
    expect(await stateOf(customerId)).toBe('done');
    expect(await balanceOf(customerId)).toBe(65);
    await followOrder(money.deps, customerId);
    expect(await balanceOf(customerId)).toBe(65);
  });

  it.each(['invoice.paid', 'customer.subscription.updated'])(
    'the event %s alone settles an approved order',
    async (type) => {
      const { customerId, stripeCustomerId, paymentIntentId } = await waiting();
      await answer(paymentIntentId, true);
      const events = eventsNaming(money, [stripeCustomerId]).filter((event) => event.type === type);
      await money.deliver(events.slice(-1));
      expect([await stateOf(customerId), await balanceOf(customerId)]).toEqual(['done', 65]);
    },
  );

  it('the sweeper settles an approved order if neither an event nor the cardholder comes', async () => {
    const { customerId, paymentIntentId } = await waiting();
    await answer(paymentIntentId, true);
    await settlePendingCharges(money.deps, 0);
    expect([await stateOf(customerId), await balanceOf(customerId)]).toEqual(['done', 65]);
  });

  it('a second click, also a concurrent one, continues the same order', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, ASKS);
    const clicks = await Promise.allSettled([order(customerId), order(customerId), order(customerId)]);
    expect(clicks.some(({ status }) => status === 'fulfilled')).toBe(true);
    const again = await order(customerId);
    expect(again.approval).toMatchObject({ state: 'waiting' });
    expect(atStripe(stripeCustomerId)).toEqual({
      subscriptions: ['incomplete'],
      invoices: ['open'],
      payments: ['requires_action'],
    });
    await answer(again.approval?.paymentIntentId ?? '', true);
    const bought = await order(customerId);
    expect(bought).toMatchObject({ created: true, approval: null, head: { balance: 65 } });
    expect(atStripe(stripeCustomerId).payments).toEqual(['succeeded']);
  });

  it('two concurrent clicks with a card whose bank asks nothing buy Pro once', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const clicks = await Promise.allSettled([order(customerId), order(customerId)]);
    expect(clicks.some(({ status }) => status === 'fulfilled')).toBe(true);
    await order(customerId);
    expect(atStripe(stripeCustomerId)).toMatchObject({ subscriptions: ['active'], payments: ['succeeded'] });
    expect(await balanceOf(customerId)).toBe(65);
  });

  it('a call by API does not end an order that waits, and says where to approve it', async () => {
    const { customerId, stripeCustomerId } = await waiting();
    await expect(orderByApi(customerId)).rejects.toMatchObject({
      code: 'authentication_required',
      message: expect.stringMatching(
        /waits for .* approval.* on the billing page, or .*, then subscribe again/,
      ),
      facts: { reasons: ['authentication_required'] },
    });
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['incomplete']);
    expect(await stateOf(customerId)).toBe('awaiting_approval');
  });
});

describe('an order that is not approved', () => {
  const ended = { subscriptions: ['canceled'], invoices: ['void'], payments: ['canceled'] };

  it.each(['the return page', 'an event', 'the sweeper', 'another click'])(
    'after a refusal, %s ends the order, and its payment can no longer be made',
    async (by) => {
      const { customerId, stripeCustomerId, paymentIntentId } = await waiting();
      await answer(paymentIntentId, false);
      if (by === 'the return page') await followOrder(money.deps, customerId);
      if (by === 'an event') await deliver(stripeCustomerId);
      if (by === 'the sweeper') await settlePendingCharges(money.deps, 0);
      if (by === 'another click')
        await expect(order(customerId)).rejects.toMatchObject({ code: 'authentication_required' });
      expect(await stateOf(customerId)).toBe('refused');
      expect(atStripe(stripeCustomerId)).toEqual(ended);
      expect(await balanceOf(customerId)).toBe(5);
      // The bank declined nothing.
      const { cards } = await readCardTries(table, customerId);
      expect(Object.values(cards)).toMatchObject([{ declines: [], underWay: [] }]);
      expect((await order(customerId)).approval).toMatchObject({ state: 'waiting' });
    },
  );

  it('the sweeper ends an order that was not approved for 23 hours', async () => {
    const { customerId, stripeCustomerId } = await waiting();
    expect((await settlePendingCharges(money.deps, 0)).waiting).not.toHaveLength(0);
    expect(await stateOf(customerId)).toBe('awaiting_approval');
    await settlePendingCharges(later(money.deps));
    expect(await stateOf(customerId)).toBe('refused');
    expect(atStripe(stripeCustomerId)).toEqual(ended);
  });

  it('a payment approved in the last moment is settled, not lost', async () => {
    const { customerId, stripeCustomerId, paymentIntentId } = await waiting();
    const deps = await answering((port) => ({
      endUnpaid: async (ordered) => {
        await answer(paymentIntentId, true);
        return port.endUnpaid(ordered);
      },
    }));
    await followOrder(later(deps), customerId);
    expect([await stateOf(customerId), await balanceOf(customerId)]).toEqual(['done', 65]);
    expect(atStripe(stripeCustomerId)).toMatchObject({ subscriptions: ['active'], invoices: ['paid'] });
  });

  it('a decline with the cardholder present ends the order and counts for the card', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, 'pm_card_chargeCustomerFail');
    await expect(order(customerId)).rejects.toMatchObject({ code: 'card_declined' });
    expect(await stateOf(customerId)).toBe('refused');
    expect(atStripe(stripeCustomerId)).toEqual(ended);
    const { cards } = await readCardTries(table, customerId);
    expect(Object.values(cards).map(({ declines }) => declines.length)).toEqual([1]);
  });

  it('another default card ends the order, and the next click orders with that card', async () => {
    const { customerId, stripeCustomerId } = await waiting();
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    expect(await order(customerId)).toMatchObject({ created: true, head: { balance: 65 } });
    expect(atStripe(stripeCustomerId)).toEqual({
      subscriptions: ['active', 'canceled'],
      invoices: ['paid', 'void'],
      payments: ['succeeded', 'canceled'],
    });
  });

  it('a cancellation ends the order, so that it cannot be approved afterwards', async () => {
    const { customerId, stripeCustomerId, paymentIntentId } = await waiting();
    await cancelSubscription(money.deps, customerId, true);
    expect(await stateOf(customerId)).toBe('refused');
    expect(atStripe(stripeCustomerId)).toEqual(ended);
    await expect(answer(paymentIntentId, true)).rejects.toThrow('400');
  });

  it('a cancellation while the first payment is being confirmed leads to another order, not to an error', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    let isCancelled = false;
    const cancelling = await answering((port) => ({
      confirmOnSession: async (asked) => {
        if (!isCancelled) await port.endUnpaid(await orderedOf(port, stripeCustomerId));
        isCancelled = true;
        return port.confirmOnSession(asked);
      },
    }));
    expect(await order(customerId, cancelling)).toMatchObject({ created: true, head: { balance: 65 } });
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['active', 'canceled']);
    await expectSoundMoney(money, customerId);
  });

  it('closing the account ends the order', async () => {
    const { customerId, stripeCustomerId } = await waiting();
    await closeCustomer(money.deps, customerId);
    expect(await stateOf(customerId)).toBe('refused');
    expect(atStripe(stripeCustomerId)).toEqual(ended);
  });
});

describe('an order whose answer was lost', () => {
  it.each(['orderOnSession', 'confirmOnSession'] as const)(
    'after a lost answer to %s the next click continues the same order',
    async (call) => {
      const { customerId, stripeCustomerId } = await customerWithCard(money, 5, ASKS);
      const lost = await answering((port) => ({
        orderOnSession: async (asked) => {
          const made = await port.orderOnSession(asked);
          return call === 'orderOnSession' ? failing('indeterminate')() : made;
        },
        confirmOnSession: async (asked) => {
          const made = await port.confirmOnSession(asked);
          return call === 'confirmOnSession' ? failing('indeterminate')() : made;
        },
      }));
      await expect(order(customerId, lost)).rejects.toMatchObject({ code: 'payment_pending' });
      expect(await stateOf(customerId)).toBe('ordering');
      expect((await order(customerId)).approval).toMatchObject({ state: 'waiting' });
      expect(atStripe(stripeCustomerId).subscriptions).toEqual(['incomplete']);
    },
  );

  it.each(['page', 'API'] as const)(
    'an order by %s that is paid is done, also if its subscription was paused and cancelled before the answer',
    async (way) => {
      const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
      const lost = await answering((port) => ({
        subscribe: async (asked) => {
          await port.subscribe(asked);
          return failing('indeterminate')();
        },
        confirmOnSession: async (asked) => {
          await port.confirmOnSession(asked);
          return failing('indeterminate')();
        },
      }));
      const click = way === 'page' ? order(customerId, lost) : orderByApi(customerId, lost);
      await expect(click).rejects.toMatchObject({ code: 'payment_pending' });
      const { data } = await money.stripe.subscriptions.list({ customer: stripeCustomerId });
      const id = data[0]?.id ?? '';
      // The last invoice is then a draft, which cannot be voided.
      await money.stripe.subscriptions.update(id, { pause_collection: { behavior: 'keep_as_draft' } });
      await money.stripe.subscriptions.cancel(id, { prorate: true, invoice_now: true });
      expect(atStripe(stripeCustomerId).invoices).toEqual(['draft', 'paid']);
      await settlePendingCharges(later(money.deps));
      expect(await stateOf(customerId)).toBe('done');
      expect(await balanceOf(customerId)).toBe(65);
    },
  );

  it('an answer that Stripe repeats as a failure ends the order without a payment', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, ASKS);
    const failed = await answering(() => ({
      confirmOnSession: failing('indeterminate', { answered: true, replayed: true }),
    }));
    expect(await order(customerId, failed).catch(({ code }) => code)).toBe('payments_unavailable');
    expect(atStripe(stripeCustomerId).subscriptions).not.toContain('incomplete');
    expect(await stateOf(customerId)).toBe('refused');
  });

  it('a subscription that cannot be ended keeps the order open', async () => {
    const { customerId, paymentIntentId } = await waiting();
    await answer(paymentIntentId, false);
    const down = await answering(() => ({ endUnpaid: failing('transient') }));
    await expect(order(customerId, down)).rejects.toMatchObject({ code: 'payments_unavailable' });
    expect(await stateOf(customerId)).toBe('awaiting_approval');
    await followOrder(money.deps, customerId);
    expect(await stateOf(customerId)).toBe('refused');
  });
});
