import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { bindStripeCustomer } from '../../../lib/operations/accounts/stripe-customer.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { finishOrder } from '../../../lib/operations/plans/finish-order.ts';
import { orderOf } from '../../../lib/operations/plans/settle-order.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../../lib/operations/plans/sync-account.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { keepOrder, type ProOrder } from '../../../lib/store/orders.ts';
import { readTogether, type Table, writeTogether } from '../../../lib/store/table.ts';
import { KEY_IS_SAFE_MS, type StripePort } from '../../../lib/stripe/port.ts';
import { markClosed } from '../../support/customers.ts';
import { documents } from '../../support/documents.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { attachedCard, putDefault } from '../../support/past-due.ts';
import { ASKS, PRESENT } from '../../support/pro-orders.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';
import { beforeTableCall } from '../../support/table.ts';

/* Pro orders with concurrent or earlier changes by others, and the Stripe calls that are not repeated. */

let table: Table;
let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(money.deps, answers);
const notAsked = failing('misconfigured');

async function orderStored(customerId: string): Promise<ProOrder> {
  const [item] = await readTogether(table, [keys.order(customerId)]);
  const order = orderOf(item);
  if (order === null) throw new Error('no order');
  return order;
}

/** An order whose answer was lost. Stripe created nothing. */
async function unanswered() {
  const who = await customerWithCard(money, 5);
  const deps = await answering(() => ({ subscribe: failing('transient') }));
  await expect(subscribeToPro(deps, who.customerId, null)).rejects.toMatchObject({ code: 'payment_pending' });
  return { ...who, order: await orderStored(who.customerId) };
}

const subscriptionsOf = (stripeCustomerId: string) =>
  money.double.state.subscriptions.newestFirst.filter(({ customer }) => customer === stripeCustomerId);

describe('an order that is under way', () => {
  it('an order in flight is finished by the next caller, even one that read before it was placed', async () => {
    const { customerId, stripeCustomerId } = await unanswered();
    expect(await subscribeToPro(money.deps, customerId, null)).toMatchObject({
      created: true,
      head: { balance: 65, subscriptionType: 'pro' },
    });
    expect(subscriptionsOf(stripeCustomerId)).toHaveLength(1);
    expect(await orderStored(customerId)).toMatchObject({ attempt: 1, state: 'done' });
  });

  it('an order that ended long ago without a subscription gives way to a new one in the same call', async () => {
    const { customerId, order } = await unanswered();
    const now = () => new Date(Date.parse(order.startedAt) + KEY_IS_SAFE_MS + 1);
    expect(await subscribeToPro({ ...money.deps, now }, customerId, order)).toMatchObject({
      created: true,
      head: { balance: 65, subscriptionType: 'pro' },
    });
    expect(await orderStored(customerId)).toMatchObject({ attempt: 2, state: 'done' });
  });

  it("another product's subscription with the same attempt in its metadata is not found as the order", async () => {
    const { stripeCustomerId: customer } = await customerWithCard(money, 5);
    const subscription = (metadata: Record<string, string>) =>
      money.stripe.subscriptions.create({ customer, items: [{ price: money.priceId }], metadata });
    const port = await money.deps.stripe();
    await subscription({ attempt: '1' });
    await subscription({ attempt: '1', purpose: 'storage' });
    expect(await port.findSubscribed(customer, 1)).toBeNull();
    const { id } = await subscription({ attempt: '1', purpose: 'pro' });
    expect(await port.findSubscribed(customer, 1)).toMatchObject({ subscription: { id } });
  });

  it('a caller that finishes an older order does not change a newer one', async () => {
    const { customerId, order } = await unanswered();
    await subscribeToPro(money.deps, customerId, order);
    await cancelSubscription(money.deps, customerId, false);
    const deps = await answering(() => ({ subscribe: failing('transient') }));
    const again = subscribeToPro(deps, customerId, await orderStored(customerId));
    await expect(again).rejects.toMatchObject({ code: 'payment_pending' });
    const second = await orderStored(customerId);
    expect(second).toMatchObject({ attempt: 2, state: 'ordering' });
    const { balance, revision } = await headOf(money.deps, customerId);
    expect(await finishOrder(money.deps, customerId, order)).toMatchObject({ head: { balance } });
    expect(await orderStored(customerId)).toEqual(second);
    // Nothing was left to do, so nothing is written.
    expect((await headOf(money.deps, customerId)).revision).toBe(revision);
  });

  it('an order that another caller recorded as refused still grants what was paid for', async () => {
    const { customerId, order } = await unanswered();
    await documents(table).send(
      new UpdateCommand({
        TableName: table.name,
        Key: keys.order(customerId),
        UpdateExpression: 'SET attempt = :next, #state = :refused',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':next': 2, ':refused': 'refused' },
      }),
    );
    expect(await finishOrder(money.deps, customerId, order)).toMatchObject({
      created: false,
      head: { balance: 65, subscriptionType: 'pro' },
    });
    expect(await orderStored(customerId)).toMatchObject({ attempt: 2, state: 'refused' });
  });

  it('an order whose invoice Stripe does not name is done without credits, which come with the invoice', async () => {
    const { customerId, order } = await unanswered();
    const deps = await answering((port) => ({
      subscribe: async (asked) => ({ ...(await port.subscribe(asked)), invoice: null }),
    }));
    expect(await finishOrder(deps, customerId, order)).toMatchObject({
      created: true,
      head: { balance: 5, subscriptionType: 'pro' },
    });
    expect(await orderStored(customerId)).toMatchObject({ state: 'done' });
  });

  it('an order binds a card that became the default meanwhile, so that its later events find their owner', async () => {
    const { customerId, stripeCustomerId, order } = await unanswered();
    const { id } = await money.stripe.paymentMethods.attach(await money.newCard(), {
      customer: stripeCustomerId,
    });
    const deps = await answering((port) => ({
      subscribe: async (asked) => {
        const subscribed = await port.subscribe(asked);
        await port.makeDefault(stripeCustomerId, id);
        return subscribed;
      },
    }));
    await finishOrder(deps, customerId, order);
    expect((await headOf(money.deps, customerId)).paymentMethodId).toBe(id);
    const [owner] = await readTogether(table, [keys.stripe(id)]);
    expect(owner).toBeDefined();
  });

  it('an order of an account deleted at Stripe meanwhile still grants what was paid for', async () => {
    const { customerId, order } = await unanswered();
    const deps = await answering((port) => ({
      subscribe: async (asked) => {
        const subscribed = await port.subscribe(asked);
        await documents(table).send(
          new UpdateCommand({
            TableName: table.name,
            Key: keys.head(customerId),
            UpdateExpression: 'SET stripe_customer_id = :none',
            ExpressionAttributeValues: { ':none': null },
          }),
        );
        return subscribed;
      },
      readAccount: notAsked,
    }));
    expect(await finishOrder(deps, customerId, order)).toMatchObject({ head: { balance: 65 } });
  });

  it('Pro can be ordered again after its Stripe account was deleted and a card was added', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    await subscribeToPro(money.deps, customerId, null);
    await money.stripe.customers.del(stripeCustomerId);
    const { head } = await syncAccount(money.deps, customerId);
    expect(head.subscription).toBeNull();
    const { head: withCard } = await addPaymentMethod(money.deps, head, await money.newCard());
    expect(withCard.stripeCustomerId).not.toBe(stripeCustomerId);
    expect(await subscribeToPro(money.deps, customerId, await orderStored(customerId))).toMatchObject({
      created: true,
      head: { balance: withCard.balance + 60, subscription: { state: 'active' } },
    });
    expect(await orderStored(customerId)).toMatchObject({ attempt: 2, state: 'done' });
  });

  it('an order that was refused while a call looked at it does not stop that call from ordering', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, ASKS);
    await subscribeToPro(money.deps, customerId, null, 'pro', PRESENT);
    const waiting = await orderStored(customerId);
    expect(waiting.state).toBe('awaiting_approval');
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    const refuse = async () => {
      const [subscription] = subscriptionsOf(stripeCustomerId);
      await money.stripe.subscriptions.cancel(subscription?.id ?? '');
      await writeTogether(table, [keepOrder(customerId, { ...waiting, state: 'refused' }, waiting)]);
    };
    // Reads of the head, of the order, and of both together: the call has seen both as open by then.
    const own = beforeTableCall(table, 'BatchGet', (nth) => (nth === 3 ? refuse() : Promise.resolve()));
    expect(await subscribeToPro({ ...money.deps, table: own }, customerId, null)).toMatchObject({
      created: true,
    });
  });
});

describe('an order that Stripe refuses', () => {
  /** Adds another card between Stripe's answer and the read of the account. */
  const changingCard = (customerId: string, kind: 'refused' | 'misconfigured') =>
    answering(() => ({
      subscribe: async () => {
        await addPaymentMethod(money.deps, await headOf(money.deps, customerId), await money.newCard());
        return failing(kind)();
      },
    }));

  it('an order refused for a card that is replaced each time is given up after three orders, and can be sent again', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const deps = await changingCard(customerId, 'refused');
    await expect(subscribeToPro(deps, customerId, null)).rejects.toMatchObject({
      code: 'payments_unavailable',
    });
    const order = await orderStored(customerId);
    expect(order).toMatchObject({ attempt: 3, state: 'refused' });
    expect(await subscribeToPro(money.deps, customerId, order)).toMatchObject({ created: true });
  });

  it('an order refused for our settings says so, whatever happened to the account', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const deps = await changingCard(customerId, 'misconfigured');
    await expect(subscribeToPro(deps, customerId, null)).rejects.toMatchObject({
      code: 'payments_misconfigured',
    });
  });

  it("an order that needs the cardholder's confirmation says what to do", async () => {
    const { customerId } = await customerWithCard(money, 5);
    const deps = await answering(() => ({ subscribe: failing('authentication_required') }));
    const refused = subscribeToPro(deps, customerId, null);
    await expect(refused).rejects.toThrow(/asks the cardholder to confirm.*Nothing was charged/);
    await expect(refused).rejects.toThrow(/Subscribe on the billing page, or add another card/);
  });
});

describe('a call that would change nothing at Stripe', () => {
  it('a cancellation that Stripe already has is not sent again', async () => {
    const { customerId } = await customerWithCard(money, 5);
    await subscribeToPro(money.deps, customerId, null);
    const deps = await answering(() => ({
      subscribe: notAsked,
      setCancelAtPeriodEnd: notAsked,
      cancelSubscription: notAsked,
    }));
    const order = await orderStored(customerId);
    expect(await subscribeToPro(deps, customerId, order)).toMatchObject({ created: false });
    await cancelSubscription(money.deps, customerId, true);
    expect((await cancelSubscription(deps, customerId, true)).subscription?.cancelAtPeriodEnd).toBe(true);
    await cancelSubscription(money.deps, customerId, false);
    for (const atPeriodEnd of [true, false])
      expect((await cancelSubscription(deps, customerId, atPeriodEnd)).subscription?.state).toBe('canceled');
  });

  it('an account whose card was declined, or still exists, is not read again', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const head = await headOf(money.deps, customerId);
    const add = (deps: PaymentDeps) => addPaymentMethod(deps, head, 'pm_1');
    const declined = await answering(() => ({ attachCard: failing('declined'), readAccount: notAsked }));
    await expect(add(declined)).rejects.toMatchObject({ code: 'card_declined' });
    let tried = 0;
    const refused = await answering((port) => ({
      attachCard: async (stripeCustomerId) => {
        tried += 1;
        if (tried === 1) return failing('refused')();
        return port.attachCard(stripeCustomerId, await money.newCard());
      },
    }));
    await expect(add(refused)).rejects.toMatchObject({ code: 'payment_method_invalid' });
  });
});

describe('a card', () => {
  it('a card that reaches Stripe while its account is closed is not put on file', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const head = await headOf(money.deps, customerId);
    const deps = await answering((port) => ({
      attachCard: async (...asked) => {
        const card = await port.attachCard(...asked);
        await markClosed(money.deps, customerId);
        return card;
      },
    }));
    const card = await money.newCard();
    await expect(addPaymentMethod(deps, head, card)).rejects.toMatchObject({ code: 'account_closed' });
    expect((await headOf(money.deps, customerId)).paymentMethodId).not.toBe(card);
  });
});

describe('a Stripe customer', () => {
  it('a Stripe customer does not replace the known one', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    expect(await bindStripeCustomer(money.deps, customerId, 'cus_other')).toMatchObject({ stripeCustomerId });
    expect(await readTogether(table, [keys.stripe('cus_other')])).toEqual([undefined]);
  });
});
