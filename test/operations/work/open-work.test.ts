import { beforeEach, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { payRenewal } from '../../../lib/operations/plans/pay-renewal.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../../lib/operations/plans/sync-account.ts';
import { listOpenWork } from '../../../lib/operations/work/list-open-work.ts';
import type { OpenWork } from '../../../lib/operations/work/work-kind.ts';
import type { DueKind } from '../../../lib/store/due-work.ts';
import { keys } from '../../../lib/store/keys.ts';
import { bindStripeId } from '../../../lib/store/owners.ts';
import { UnreadableItem } from '../../../lib/store/record.ts';
import { type Table, writeTogether } from '../../../lib/store/table.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWith } from '../../support/fixtures.ts';
import { customerWithCard, expectSoundMoney, type Money, openMoneyForFile } from '../../support/money.ts';
import { attachedCard, pastDueCustomer, putDefault } from '../../support/past-due.ts';
import { remove, tamper } from '../../support/reconciliation.ts';
import { answering, failing } from '../../support/stripe-answers.ts';

/* Open work as operators list it, and what finishing one piece of it returns. */

let table: Table;
let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

async function listed(due: DueKind = 'charge', until = new Date(Date.now() + 60_000)) {
  const all: (OpenWork | UnreadableItem)[] = [];
  for await (const work of listOpenWork(table, due, until)) all.push(work);
  return all;
}

/** The only piece of open work in an index. */
async function only(due: DueKind = 'charge'): Promise<OpenWork> {
  const [work, ...others] = await listed(due);
  if (work === undefined || work instanceof UnreadableItem || others.length > 0) {
    throw new Error('there is not exactly one piece of open work');
  }
  return work;
}

/** A customer with an announced charge, and no answer from Stripe about it. */
async function announced() {
  const { customerId } = await customerWithCard(money, 0);
  const fixId = await recordedFix(money.deps, customerId, 1);
  const silent = await answering(money.deps, () => ({ chargeFix: failing('transient') }));
  await expect(billFixAttempt(silent, customerId, fixId)).rejects.toMatchObject({ code: 'payment_pending' });
  return { customerId, fixId };
}

describe('a list of open work', () => {
  it('the list has unfinished and unreadable work, and leaves out work that is done or not yet due', async () => {
    const { customerId, fixId } = await announced();
    const { head } = await customerWith(money.deps, 5);
    const done = keys.fix(head.customerId, await recordedFix(money.deps, head.customerId, 1));
    const unreadable = keys.order(head.customerId);
    for (const key of [done, unreadable]) {
      await tamper({ table }, key, 'due', 'charge');
      await tamper({ table }, key, 'due_at', '2026-01-02T03:04:05.678Z');
    }
    const [first, second, ...others] = await listed();
    expect(first).toBeInstanceOf(UnreadableItem);
    expect(second).toMatchObject({ facts: { kind: 'fix', customerId, id: fixId } });
    expect(others).toEqual([]);
    expect(await listed('charge', new Date('2026-01-01T00:00:00.000Z'))).toEqual([]);
  });
});

describe('finishing open work', () => {
  it('a charge waits while its payment is processing, and is finished once the bank has refused it', async () => {
    const { customerId } = await announced();
    const processing = await answering(money.deps, () => ({
      chargeFix: async ({ customerId, fixAttemptId, attempt, stripeCustomerId, amountCents }) => ({
        ...{ customerId, fixAttemptId, attempt, stripeCustomerId, amountCents },
        ...{ paymentIntentId: 'pi_1', state: 'processing', decline: null, clientSecret: null },
      }),
    }));
    expect(await (await only()).finish(processing)).toBe('waiting');
    const declining = await answering(money.deps, () => ({ chargeFix: failing('declined') }));
    expect(await (await only()).finish(declining)).toBe('finished');
    expect(await listed()).toEqual([]);
    await expectSoundMoney(money, customerId);
  });

  it('an order waits until the cardholder has approved its payment, and is finished then', async () => {
    const { customerId } = await customerWithCard(money, 5, 'pm_card_authenticationRequired');
    const present = { returnUrl: 'https://billing.test/billing/plan/return', mostCents: 59_900 };
    const { approval } = await subscribeToPro(money.deps, customerId, null, 'pro', present);
    expect(await (await only()).finish(money.deps)).toBe('waiting');
    const path = `payment_intents/${approval?.paymentIntentId}/authenticate`;
    await money.control(path, { succeeds: true });
    expect(await (await only()).finish(money.deps)).toBe('finished');
    expect(await listed()).toEqual([]);
  });

  it('a renewal without an outcome is paid, and finished', async () => {
    const { customerId, stripeCustomerId, invoiceId } = await pastDueCustomer(money);
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    await syncAccount(money.deps, customerId);
    const silent = await answering(money.deps, () => ({ payInvoice: failing('transient') }));
    await expect(payRenewal(silent, customerId, true)).rejects.toMatchObject({ code: 'payment_pending' });
    const work = await only();
    expect(work.facts).toMatchObject({ kind: 'renewal', id: invoiceId });
    expect(await work.finish(money.deps)).toBe('finished');
    expect(money.double.state.invoices.find(invoiceId)?.status).toBe('paid');
    expect(await listed()).toEqual([]);
  });

  it('a parked event waits while its customer is unknown, and is finished once the customer is known', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    await remove({ table }, keys.stripe(stripeCustomerId));
    await money.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: money.priceId }],
    });
    const created = money.events().filter(({ type }) => type === 'customer.subscription.created');
    expect(await money.deliver(created)).toMatchObject([{ outcome: 'parked' }]);
    expect(await (await only('parked')).finish(money.deps)).toBe('waiting');
    await writeTogether(table, [bindStripeId(stripeCustomerId, customerId)]);
    expect(await (await only('parked')).finish(money.deps)).toBe('finished');
    expect(await listed('parked')).toEqual([]);
  });
});
