import { beforeAll, describe, expect, it } from 'vitest';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { type ProSubscribed, subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readOrder } from '../../../lib/store/orders.ts';
import type { Table } from '../../../lib/store/table.ts';
import type { StripePort } from '../../../lib/stripe/port.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWithCard, expectSoundMoney, type Money, openMoneyForFile } from '../../support/money.ts';
import { attachedCard, putDefault } from '../../support/past-due.ts';
import { PRESENT } from '../../support/pro-orders.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';
import { anotherClientOf } from '../../support/table.ts';

/* Subscriptions that wait for their first payment, and are paid while another call decides about them. */

let table: Table;
let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(money.deps, answers);

const stateOf = async (customerId: string) => (await readOrder(table, customerId))?.state;

const atStripe = (stripeCustomerId: string) => {
  const { subscriptions, invoices, paymentIntents } = money.double.state;
  const own = ({ customer }: { readonly customer: unknown }) => customer === stripeCustomerId;
  return {
    subscriptions: subscriptions.newestFirst.filter(own).map(({ status }) => status),
    invoices: invoices.newestFirst.filter(own).map(({ status }) => status),
    payments: paymentIntents.newestFirst.filter(own).map(({ status }) => status),
  };
};

const inDashboard = (customer: string, metadata: Record<string, string> = {}) =>
  money.stripe.subscriptions.create({
    customer,
    items: [{ price: money.priceId }],
    payment_behavior: 'default_incomplete',
    metadata,
  });

/** A call that has read the account at Stripe and waits before it reads the order. */
interface Late<T> {
  release(): Promise<T>;
}

async function beforeOrderRead<T>(
  customerId: string,
  call: (deps: PaymentDeps) => Promise<T>,
): Promise<Late<T>> {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const own = anotherClientOf(table);
  const [order, head] = [keys.order(customerId), keys.head(customerId)].map(({ sk }) => `"${sk}"`);
  middlewareOf(own).add(
    (next, { commandName }) =>
      async (args) => {
        const asked = JSON.stringify(args.input);
        const readsOrder = asked.includes(order ?? '') && !asked.includes(head ?? '');
        if (commandName === 'BatchGetItemCommand' && readsOrder) {
          reached.resolve();
          await gate.promise;
        }
        return next(args);
      },
    { step: 'initialize', priority: 'high', name: 'late' },
  );
  const late = call({ ...money.deps, table: own });
  await Promise.race([
    reached.promise,
    late.then(() => Promise.reject(new Error('the call never read the order'))),
  ]);
  return {
    release: () => {
      gate.resolve();
      return late;
    },
  };
}

/** Orders Pro on a page. Just before the payment, another call reads the account with its subscription. */
async function orderedBeside<T>(call: (deps: PaymentDeps, customerId: string) => Promise<T>) {
  const who = await customerWithCard(money, 5);
  const { customerId, stripeCustomerId } = who;
  const reading: Late<T>[] = [];
  const deps = await answering((port) => ({
    confirmOnSession: async (asked) => {
      expect(atStripe(stripeCustomerId).subscriptions).toEqual(['incomplete']);
      reading.push(await beforeOrderRead(customerId, (own) => call(own, customerId)));
      return port.confirmOnSession(asked);
    },
  }));
  expect(await subscribeToPro(deps, customerId, null, 'pro', PRESENT)).toMatchObject({ created: true });
  expect(await stateOf(customerId)).toBe('done');
  const [late] = reading;
  if (late === undefined) throw new Error('no other call');
  return { ...who, late };
}

describe('an order that is paid after another call read its subscription as incomplete', () => {
  it.each(['API', 'page'] as const)(
    'a call by %s that read a subscription before its payment does not end it, and orders nothing',
    async (way) => {
      const present = way === 'page' ? PRESENT : null;
      const { customerId, stripeCustomerId, late } = await orderedBeside((deps, id) =>
        subscribeToPro(deps, id, null, 'pro', present),
      );
      expect(await late.release()).toMatchObject({
        created: false,
        head: { balance: 65, subscription: { state: 'active' } },
      });
      expect(atStripe(stripeCustomerId)).toEqual({
        subscriptions: ['active'],
        invoices: ['paid'],
        payments: ['succeeded'],
      });
      expect(await readOrder(table, customerId)).toMatchObject({ attempt: 1, state: 'done' });
      await expectSoundMoney(money, customerId);
    },
  );

  it('a cancellation at period end that read a subscription before its payment keeps the paid period', async () => {
    const { customerId, stripeCustomerId, late } = await orderedBeside((deps, id) =>
      cancelSubscription(deps, id, true),
    );
    expect(await late.release()).toMatchObject({
      subscriptionType: 'pro',
      subscription: { state: 'active', cancelAtPeriodEnd: true },
    });
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['active']);
    await expectSoundMoney(money, customerId);
  });

  it('a cancellation at once that read a subscription before its payment ends it', async () => {
    const { stripeCustomerId, late } = await orderedBeside((deps, id) => cancelSubscription(deps, id, false));
    expect(await late.release()).toMatchObject({ balance: 65, subscription: { state: 'canceled' } });
    expect(atStripe(stripeCustomerId)).toMatchObject({ subscriptions: ['canceled'], invoices: ['paid'] });
  });
});

describe('an order whose subscription is not paid yet', () => {
  it('a second call that has not seen the order finishes it, and does not end its subscription', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const second: ProSubscribed[] = [];
    const deps = await answering((port) => ({
      confirmOnSession: async (asked) => {
        expect(atStripe(stripeCustomerId).subscriptions).toEqual(['incomplete']);
        second.push(await subscribeToPro(money.deps, customerId, null, 'pro', PRESENT));
        return port.confirmOnSession(asked);
      },
    }));
    expect(await subscribeToPro(deps, customerId, null, 'pro', PRESENT)).toMatchObject({ created: false });
    expect(second).toMatchObject([{ created: true, head: { balance: 65 } }]);
    expect(atStripe(stripeCustomerId)).toEqual({
      subscriptions: ['active'],
      invoices: ['paid'],
      payments: ['succeeded'],
    });
    await expectSoundMoney(money, customerId);
  });

  it('a cancellation leaves an order in flight to the call that sends it', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const lost = await answering(() => ({ subscribe: failing('transient') }));
    const pending = { code: 'payment_pending' };
    await expect(subscribeToPro(lost, customerId, null)).rejects.toMatchObject(pending);
    await expect(cancelSubscription(money.deps, customerId, true)).rejects.toMatchObject({
      code: 'subscription_not_found',
    });
    expect(await stateOf(customerId)).toBe('ordering');
  });
});

describe('an incomplete subscription without an open order', () => {
  it('a cancellation ends an incomplete subscription that no order made', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    await inDashboard(stripeCustomerId);
    expect(await cancelSubscription(money.deps, customerId, true)).toMatchObject({
      subscription: { state: 'canceled' },
    });
    expect(atStripe(stripeCustomerId)).toMatchObject({ subscriptions: ['canceled'], invoices: ['void'] });
  });

  it('an incomplete subscription that a refused order left behind ends, and can no longer be paid', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, 'pm_card_chargeCustomerFail');
    const refused = subscribeToPro(money.deps, customerId, null, 'pro', PRESENT);
    await expect(refused).rejects.toMatchObject({ code: 'card_declined' });
    expect(await stateOf(customerId)).toBe('refused');
    const left = await inDashboard(stripeCustomerId, {
      purpose: 'pro',
      customer_id: customerId,
      attempt: '1',
    });
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    expect(await subscribeToPro(money.deps, customerId, await readOrder(table, customerId))).toMatchObject({
      created: true,
      head: { balance: 65 },
    });
    expect(money.double.state.subscriptions.find(left.id)?.status).toBe('canceled');
    expect(atStripe(stripeCustomerId).invoices).toEqual(['paid', 'void', 'void']);
    await expectSoundMoney(money, customerId);
  });

  it("an incomplete subscription that is paid on Stripe's page meanwhile is not ended, and nothing is ordered", async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const { latest_invoice: invoice } = await inDashboard(stripeCustomerId);
    const late = await beforeOrderRead(customerId, (deps) => subscribeToPro(deps, customerId, null));
    await money.stripe.invoices.pay(String(invoice));
    expect(await late.release()).toMatchObject({
      created: false,
      head: { subscription: { state: 'active' } },
    });
    expect(atStripe(stripeCustomerId)).toMatchObject({ subscriptions: ['active'], invoices: ['paid'] });
    expect(await readOrder(table, customerId)).toBeNull();
  });
});

describe('a paid subscription that Stripe still shows as incomplete', () => {
  /** Stripe's account as it may be for a moment after a payment. */
  const lagging = () =>
    answering((port) => ({
      readAccount: async (stripeCustomerId) => {
        const account = await port.readAccount(stripeCustomerId);
        if (account.kind !== 'account') return account;
        const subscriptions = account.subscriptions.map((one) =>
          one.state === 'active' ? { ...one, state: 'incomplete' as const } : one,
        );
        return { ...account, subscriptions };
      },
    }));

  it.each(['API', 'page'] as const)(
    'a paid order by %s is not ordered again while Stripe shows its subscription as incomplete',
    async (way) => {
      const present = way === 'page' ? PRESENT : null;
      const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
      const deps = await lagging();
      const order = async (by: PaymentDeps) =>
        subscribeToPro(by, customerId, await readOrder(table, customerId), 'pro', present);
      const pending = { code: 'payment_pending' };
      // The first call pays the order, and the second one finds it done.
      await expect(order(deps)).rejects.toMatchObject(pending);
      await expect(order(deps)).rejects.toMatchObject(pending);
      await expect(cancelSubscription(deps, customerId, true)).rejects.toMatchObject(pending);
      expect(await order(money.deps)).toMatchObject({
        created: false,
        head: { balance: 65, subscription: { state: 'active' } },
      });
      expect(atStripe(stripeCustomerId)).toEqual({
        subscriptions: ['active'],
        invoices: ['paid'],
        payments: ['succeeded'],
      });
      expect(await readOrder(table, customerId)).toMatchObject({ attempt: 1, state: 'done' });
      await expectSoundMoney(money, customerId);
    },
  );
});
