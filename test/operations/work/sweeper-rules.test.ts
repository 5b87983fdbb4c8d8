import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { decideFixBilling } from '../../../lib/domain/fix-billing.ts';
import { closeCustomer, finishClosing } from '../../../lib/operations/accounts/close-customer.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { requireFix } from '../../../lib/operations/ledger/require-item.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { announceCharge } from '../../../lib/store/fix-attempts.ts';
import { type Key, keys } from '../../../lib/store/keys.ts';
import { UnreadableItem } from '../../../lib/store/record.ts';
import { readTogether, type Table, writeTogether } from '../../../lib/store/table.ts';
import { recordedFix } from '../../support/customers.ts';
import { documents, middlewareOf } from '../../support/documents.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* What the sweeper does with stale entries of the index, which lags behind the table. */

let table: Table;
let money: Money;
/** Fails every call to Stripe about payments and orders. */
let idle: PaymentDeps;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  const notAsked = failing('misconfigured');
  idle = await answering(money.deps, () => ({
    chargeFix: notAsked,
    findFixPayments: notAsked,
    readFixPayment: notAsked,
    subscribe: notAsked,
    findSubscribed: notAsked,
    anonymiseCustomer: notAsked,
  }));
  return opened.stop;
});

/** Adds the item to the index, as a stale index still lists it. */
async function listAsDue(key: Key): Promise<void> {
  await documents(table).send(
    new UpdateCommand({
      TableName: table.name,
      Key: { ...key },
      UpdateExpression: 'SET due = :due, due_at = :at',
      ExpressionAttributeValues: { ':due': 'charge', ':at': '2026-01-02T03:04:05.678Z' },
    }),
  );
}

async function forget(key: Key): Promise<void> {
  await documents(table).send(new DeleteCommand({ TableName: table.name, Key: { ...key } }));
}

async function fixOf(customerId: string, id: string) {
  const [item] = await readTogether(table, [keys.fix(customerId, id)]);
  return requireFix(item);
}

describe('the sweeper leaves alone', () => {
  it('the sweeper leaves a fix without a charge, or with a finished charge', async () => {
    const { head } = await customerWith(money.deps, 5);
    const { customerId } = await customerWithCard(money, 0);
    const unbilledFix = keys.fix(head.customerId, await recordedFix(money.deps, head.customerId, 1));
    const id = await recordedFix(money.deps, customerId, 1);
    await billFixAttempt(money.deps, customerId, id);
    await listAsDue(unbilledFix);
    await listAsDue(keys.fix(customerId, id));
    expect(await settlePendingCharges(idle)).toEqual({ settled: 2, waiting: [], failed: [] });
    await forget(unbilledFix);
    await forget(keys.fix(customerId, id));
  });

  it('the sweeper leaves a refused order, even if the card would pay for it now', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const declining = await answering(money.deps, () => ({ subscribe: failing('declined') }));
    await expect(subscribeToPro(declining, customerId, null)).rejects.toMatchObject({
      code: 'card_declined',
    });
    await listAsDue(keys.order(customerId));
    expect(await settlePendingCharges(idle)).toEqual({ settled: 1, waiting: [], failed: [] });
    const { newestFirst } = money.double.state.subscriptions;
    expect(newestFirst.filter(({ customer }) => customer === stripeCustomerId)).toEqual([]);
    await forget(keys.order(customerId));
  });

  it('the sweeper leaves missing items', async () => {
    const key = keys.fix('c'.repeat(32), 'gone');
    await listAsDue(key);
    middlewareOf(table).add(
      (next, context) => async (args) => {
        if (context.commandName === 'BatchGetItemCommand') await forget(key);
        return next(args);
      },
      { step: 'initialize', priority: 'high', name: 'gone' },
    );
    const run = settlePendingCharges(idle).finally(() => middlewareOf(table).remove('gone'));
    expect(await run).toEqual({ settled: 1, waiting: [], failed: [] });
  });

  it('the sweeper leaves an account that is not closed, or is fully cleared', async () => {
    const { customerId } = await customerWithCard(money, 5);
    await finishClosing(idle, customerId);
    expect(await headOf(money.deps, customerId)).toMatchObject({ activeKeys: 1, closedAt: null });
    await closeCustomer(money.deps, customerId);
    await finishClosing(money.deps, customerId);
    await finishClosing(idle, customerId);
    const [closing] = await readTogether(table, [keys.closing(customerId)]);
    expect(closing).not.toHaveProperty('email');
  });
});

describe('payments that are processing', () => {
  it('processing payments stay open, count as neither settled nor failed, and do not block later work', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const head = await headOf(money.deps, customerId);
    const pastMs = Date.now() - 60 * 60 * 1000;
    const ids: string[] = [];
    for (const n of range(1, 201)) {
      const id = await recordedFix(money.deps, customerId, n);
      const decided = decideFixBilling(head, await fixOf(customerId, id), new Date(pastMs + n * 1_000));
      if (decided.kind !== 'charge') throw new Error(decided.kind);
      await writeTogether(table, [announceCharge(customerId, await fixOf(customerId, id), decided.charge)]);
      ids.push(id);
    }
    const last = ids.at(-1) ?? '';
    const asked: string[] = [];
    const deps = await answering(money.deps, (port) => ({
      chargeFix: async (order) => {
        asked.push(order.fixAttemptId);
        if (order.fixAttemptId === last) return port.chargeFix(order);
        const { customerId, fixAttemptId, attempt, stripeCustomerId, amountCents } = order;
        const paymentIntentId = `pi_${fixAttemptId}`;
        const payment = { customerId, fixAttemptId, attempt, stripeCustomerId, amountCents, paymentIntentId };
        return { ...payment, state: 'processing', decline: null, clientSecret: null };
      },
    }));
    const first = await settlePendingCharges(deps);
    expect(first).toMatchObject({ settled: 0, failed: [] });
    expect(first.waiting).toHaveLength(200);
    expect(asked).not.toContain(last);
    expect(await settlePendingCharges(deps)).toMatchObject({ settled: 1, failed: [], waiting: [] });
    expect(await fixOf(customerId, last)).toMatchObject({ billed: { outcome: 'charged_and_consumed' } });
    expect(await fixOf(customerId, ids[0] ?? '')).toMatchObject({
      billed: null,
      charge: { state: 'charging' },
    });
  });
});

describe('a run of the sweeper', () => {
  it('a run starts no work after three minutes, and leaves it to the next run', async () => {
    const { head } = await customerWith(money.deps, 5);
    const fix = keys.fix(head.customerId, await recordedFix(money.deps, head.customerId, 1));
    await listAsDue(fix);
    const startedMs = Date.now();
    let isFirst = true;
    const clockAfter = (ms: number) => () => {
      const nowMs = startedMs + (isFirst ? 0 : ms);
      isFirst = false;
      return new Date(nowMs);
    };
    const none = { settled: 0, waiting: [], failed: [] };
    expect(await settlePendingCharges({ ...idle, now: clockAfter(180_001) })).toEqual(none);
    isFirst = true;
    expect(await settlePendingCharges({ ...idle, now: clockAfter(180_000) })).toEqual({
      ...none,
      settled: 1,
    });
  });

  it('a run reports each failed piece of work with its error, and ends with the counts', async () => {
    const { head } = await customerWith(money.deps, 5);
    const done = keys.fix(head.customerId, await recordedFix(money.deps, head.customerId, 1));
    const unreadable = keys.order(head.customerId);
    for (const key of [done, unreadable]) await listAsDue(key);
    const reported: BusinessEvent[] = [];
    await settlePendingCharges({ ...idle, report: (event) => void reported.push(event) });
    expect(reported).toEqual([
      {
        kind: 'work_still_open',
        work: { kind: 'order', customerId: head.customerId, id: null },
        key: unreadable,
        error: expect.any(UnreadableItem),
      },
      { kind: 'work_settled', settled: 1, waiting: 0, failed: 1 },
    ]);
  });
});

describe('the sweeper names', () => {
  it('the sweeper reports due items that are no work, each time', async () => {
    const { head, keyId } = await customerWith(money.deps, 5);
    const wrong = [
      keys.head(head.customerId),
      keys.notice(head.customerId, 'key_issued', keyId),
      keys.event('evt_listed'),
    ];
    for (const key of wrong) await listAsDue(key);
    for (const _ of ['at first', 'and the next time']) {
      const { settled, failed } = await settlePendingCharges(idle, 0);
      expect(settled).toBe(0);
      expect(failed.map(({ error }) => String(error)).sort()).toEqual(
        wrong.map(({ pk, sk }) => `Error: ${pk} ${sk} is listed among the charges`).sort(),
      );
    }
    for (const key of wrong) await forget(key);
  });
});

describe('what cannot be read', () => {
  it('an unreadable item does not stop the sweeper, and is reported each time', async () => {
    const { head } = await customerWith(money.deps, 5);
    const newer = { pk: keys.customer(head.customerId), sk: 'NEWER#1' };
    const odd = [
      keys.fix(head.customerId, 'odd'),
      keys.order(head.customerId),
      keys.once(head.customerId, 'double_payment', 'pi_odd'),
    ];
    for (const key of [newer, ...odd]) await listAsDue(key);
    const { customerId } = await customerWithCard(money, 0);
    const silent = await answering(money.deps, () => ({ chargeFix: failing('indeterminate') }));
    const id = await recordedFix(money.deps, customerId, 2);
    await expect(billFixAttempt(silent, customerId, id)).rejects.toThrow();
    for (const settled of [1, 0]) {
      const run = await settlePendingCharges(money.deps, 0);
      expect(run.settled).toBe(settled);
      const said = run.failed.map(({ error }) => String(error)).sort();
      expect(said).toHaveLength(4);
      expect(said).toEqual(
        expect.arrayContaining([
          `Error: ${newer.pk} ${newer.sk} is listed among the charges`,
          ...odd.map(({ pk, sk }) => expect.stringContaining(`${pk} ${sk} is not readable`)),
        ]),
      );
    }
    for (const key of [newer, ...odd]) await forget(key);
  });
});

describe('closing an account', () => {
  it('closing an account asks Stripe to anonymise only known customers', async () => {
    const { head } = await customerWith(money.deps, 5);
    await closeCustomer(idle, head.customerId);
    expect(await headOf(money.deps, head.customerId)).toMatchObject({ stripeCustomerId: null, name: '' });
  });

  it('closing an account leaves no card on file that Stripe added meanwhile', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    await closeCustomer(money.deps, customerId);
    const card = await money.newCard();
    await money.stripe.paymentMethods.attach(card, { customer: stripeCustomerId });
    await money.stripe.customers.update(stripeCustomerId, {
      invoice_settings: { default_payment_method: card },
    });
    await finishClosing(money.deps, customerId);
    expect(await headOf(money.deps, customerId)).toMatchObject({ paymentMethodId: null });
  });
});
