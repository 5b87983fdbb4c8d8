import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { orderOf } from '../../../lib/operations/plans/settle-order.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../../lib/operations/plans/sync-account.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { listDueWork } from '../../../lib/store/due-work.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether, type Table } from '../../../lib/store/table.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWith } from '../../support/fixtures.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money, openMoney } from '../../support/money.ts';
import { openTestTable } from '../../support/table.ts';

/*
 * Stripe rejects, fails or stalls at each call of an operation, once or until the operation gives up. The
 * caller gets an error that says so and retries. The customer pays once. checks/faults covers stalls, because
 * they take real time.
 */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});
afterAll(async () => {
  expect(await listDueWork(table, 'charge', new Date(Date.now() + 60_000), 10)).toEqual([]);
});

const SHORT_FAULTS = ['409', '429', '500_before', '500_after', 'drop_before', 'drop_after'] as const;
/** Once: the SDK's own retry succeeds. Five times: the operation itself gives up. */
const TIMES = [1, 5] as const;
const MAX_SENT = 8;
const KNOWN = ['payment_pending', 'payments_unavailable'];

interface Case {
  readonly customerId: string;
  readonly run: (deps: PaymentDeps) => Promise<unknown>;
  readonly check: () => Promise<void>;
}

const stripeObjects = ({ double }: Money, customerId: string) => {
  const mine = new Set(
    double.state.customers.newestFirst
      .filter(({ metadata }) => metadata['customer_id'] === customerId)
      .map(({ id }) => id),
  );
  const isMine = ({ customer }: { customer: unknown }) => typeof customer === 'string' && mine.has(customer);
  return {
    customers: mine.size,
    paid: double.state.paymentIntents.newestFirst
      .filter((intent) => isMine(intent) && intent.status === 'succeeded')
      .map(({ amount }) => amount),
    subscriptions: double.state.subscriptions.newestFirst.filter(isMine).length,
  };
};

async function billing(money: Money): Promise<Case> {
  const { customerId } = await customerWithCard(money, 0);
  const fixId = await recordedFix(money.deps, customerId, 1);
  return {
    customerId,
    run: (deps) => billFixAttempt(deps, customerId, fixId),
    check: async () => {
      expect(stripeObjects(money, customerId).paid).toEqual([2_900]);
      expect((await headOf(money.deps, customerId)).balance).toBe(0);
    },
  };
}

async function subscribing(money: Money): Promise<Case> {
  const { customerId } = await customerWithCard(money, 5);
  return {
    customerId,
    run: async (deps) => {
      const [order] = await readTogether(deps.table, [keys.order(customerId)]);
      return subscribeToPro(deps, customerId, orderOf(order));
    },
    check: async () => {
      expect(stripeObjects(money, customerId)).toMatchObject({ paid: [59_900], subscriptions: 1 });
      expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 65, subscriptionType: 'pro' });
    },
  };
}

async function addingACard(money: Money): Promise<Case> {
  const { head } = await customerWith(money.deps, 5);
  const card = await money.newCard();
  return {
    customerId: head.customerId,
    run: async (deps) => addPaymentMethod(deps, await headOf(deps, head.customerId), card),
    check: async () => {
      expect(stripeObjects(money, head.customerId).customers).toBe(1);
      expect((await headOf(money.deps, head.customerId)).balance).toBe(10);
    },
  };
}

const OPERATIONS = [
  ['billing a fix by card', billing, ['/v1/payment_intents']],
  ['subscribing to Pro', subscribing, ['/v1/customers/*', '/v1/subscriptions']],
  ['adding a card', addingACard, ['/v1/customers', '/v1/payment_methods/*/attach', '/v1/customers/*']],
] as const;

/** Repeats the request until it succeeds. Each failure must ask for a retry. */
async function untilDone(money: Money, one: Case): Promise<void> {
  for (let sent = 1; sent <= MAX_SENT; sent++) {
    try {
      const result = await one.run(money.deps);
      expect(result).not.toMatchObject({ kind: 'declined' });
      return;
    } catch (error) {
      expect(KNOWN).toContain(error instanceof Error && 'code' in error ? error.code : error);
    }
  }
  throw new Error(`it did not succeed in ${MAX_SENT} tries`);
}

describe.each(OPERATIONS)('%s, when Stripe', (_name, prepare, paths) => {
  it.concurrent.for(SHORT_FAULTS.flatMap((kind) => TIMES.map((times) => [kind, times] as const)))(
    'a payment under %s × %i at any of its calls is paid once, with the right credits and nothing stuck',
    async ([kind, times], { onTestFinished }) => {
      const money = await openMoney(table, { endWith: onTestFinished });
      for (const path of paths) {
        const one = await prepare(money);
        await money.control('faults', { path, kind, times });
        await untilDone(money, one);
        await money.control('faults/clear');
        await one.check();
        await expectSoundMoney(money, one.customerId);
      }
    },
  );
});

describe('a charge that the client does not come back for', () => {
  it.each(['500_after', 'drop_after'] as const)(
    'after %s, the sweeper settles an abandoned charge, once',
    async (kind) => {
      const money = await openMoney(table);
      const one = await billing(money);
      await money.control('faults', { path: '/v1/payment_intents', method: 'POST', kind, times: 5 });
      await money.control('faults', {
        path: '/v1/payment_intents',
        method: 'GET',
        kind: '500_before',
        times: 9,
      });
      await expect(one.run(money.deps)).rejects.toMatchObject({ code: 'payment_pending' });
      await money.control('faults/clear');
      expect((await settlePendingCharges(money.deps)).settled).toBe(0); // too young: a request may still own it
      expect((await settlePendingCharges(money.deps, 0)).failed).toEqual([]);
      await one.check();
      await expectSoundMoney(money, one.customerId);
      expect((await settlePendingCharges(money.deps, 0)).settled).toBe(0);
    },
  );

  it('a day later, when its key is forgotten, an abandoned charge is found by its metadata and not made again', async () => {
    const money = await openMoney(table);
    const one = await billing(money);
    await money.control('faults', {
      path: '/v1/payment_intents',
      method: 'POST',
      kind: 'drop_after',
      times: 2,
    });
    await expect(one.run(money.deps)).rejects.toMatchObject({ code: 'payment_pending' });
    const tomorrow = { ...money.deps, now: () => new Date(Date.now() + 25 * 60 * 60 * 1000) };
    await money.days(2);
    expect(await settlePendingCharges(tomorrow)).toMatchObject({ settled: 1, failed: [] });
    await one.check();
    await expectSoundMoney(money, one.customerId);
  });

  it('a day later, if an abandoned charge was not made, the next call is a new attempt', async () => {
    const money = await openMoney(table);
    const one = await billing(money);
    await money.control('faults', {
      path: '/v1/payment_intents',
      method: 'POST',
      kind: 'drop_before',
      times: 2,
    });
    await expect(one.run(money.deps)).rejects.toMatchObject({ code: 'payment_pending' });
    const tomorrow = { ...money.deps, now: () => new Date(Date.now() + 25 * 60 * 60 * 1000) };
    expect(await settlePendingCharges(tomorrow)).toMatchObject({ settled: 1, failed: [] });
    expect(stripeObjects(money, one.customerId).paid).toEqual([]);
    await one.run(money.deps);
    await one.check();
    await expectSoundMoney(money, one.customerId);
  });
});

describe('an order that the client does not come back for', () => {
  async function orderUnanswered(money: Money, card?: string) {
    const { customerId } = await customerWithCard(money, 5, card);
    await money.control('faults', {
      path: '/v1/subscriptions',
      method: 'POST',
      kind: 'drop_before',
      times: 2,
    });
    // Old enough that its request cannot be in flight.
    const now = () => new Date(Date.now() - 3 * 60 * 1000);
    await expect(subscribeToPro({ ...money.deps, now }, customerId, null)).rejects.toMatchObject({
      code: 'payment_pending',
    });
    return customerId;
  }

  it('an abandoned order whose card declines has ended: nothing stays open, nothing is paid', async () => {
    const money = await openMoney(table);
    const customerId = await orderUnanswered(money, 'pm_card_chargeCustomerFail');
    expect(await settlePendingCharges(money.deps, 0)).toEqual({ settled: 1, waiting: [], failed: [] });
    expect(stripeObjects(money, customerId).paid).toEqual([]);
    expect(await settlePendingCharges(money.deps, 0)).toEqual({ settled: 0, waiting: [], failed: [] });
    await expectSoundMoney(money, customerId);
  });

  it('an abandoned order whose Stripe customer was deleted and replaced has ended', async () => {
    const money = await openMoney(table);
    const customerId = await orderUnanswered(money);
    const { stripeCustomerId } = await headOf(money.deps, customerId);
    await money.stripe.customers.del(stripeCustomerId ?? '');
    await syncAccount(money.deps, customerId);
    await addPaymentMethod(money.deps, await headOf(money.deps, customerId), await money.newCard());
    expect(await settlePendingCharges(money.deps, 0)).toEqual({ settled: 1, waiting: [], failed: [] });
    expect(stripeObjects(money, customerId).paid).toEqual([]);
    const [order] = await readTogether(table, [keys.order(customerId)]);
    expect(await subscribeToPro(money.deps, customerId, orderOf(order))).toMatchObject({ created: true });
    expect(stripeObjects(money, customerId).paid).toEqual([59_900]);
    await expectSoundMoney(money, customerId);
  });

  it('an abandoned order refused for a card that is replaced by now has ended', async () => {
    const money = await openMoney(table);
    const customerId = await orderUnanswered(money);
    const { paymentMethodId } = await headOf(money.deps, customerId);
    await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
    const card = await money.newCard();
    const stripe = await money.deps.stripe();
    // The new card is added between Stripe's decline and the read of the account.
    const subscribe: typeof stripe.subscribe = async (order) => {
      try {
        return await stripe.subscribe(order);
      } finally {
        await addPaymentMethod(money.deps, await headOf(money.deps, customerId), card);
      }
    };
    const deps = { ...money.deps, stripe: async () => ({ ...stripe, subscribe }) };
    expect(await settlePendingCharges(deps, 0)).toEqual({ settled: 1, waiting: [], failed: [] });
    expect(stripeObjects(money, customerId).paid).toEqual([]);
    await expectSoundMoney(money, customerId);
  });
});
