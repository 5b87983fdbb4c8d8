import { beforeAll, describe, expect, it } from 'vitest';
import { issueKey } from '../../../lib/operations/accounts/api-keys.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { decodeFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether, type Table } from '../../../lib/store/table.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoney } from '../../support/money.ts';
import { allNoticesOf, noticeContentsOf } from '../../support/notices.ts';
import { countingDone, dyingAfter, openTestTable } from '../../support/table.ts';

/* A notice is written in the transaction of its cause, so neither exists without the other. */

const DAY_MS = 24 * 60 * 60 * 1000;
let table: Table;
let money: Money;
let deps: PaymentDeps;
let stop: () => Promise<void>;
beforeAll(async () => {
  table = await openTestTable();
  money = await openMoney(table, {
    endWith: (end) => {
      stop = end;
    },
  });
  deps = money.deps;
  return () => stop();
});

const REPO = 'acme/webshop';

async function onPro(credits = 0) {
  const customer = await customerWithCard(money, credits);
  await subscribeToPro(deps, customer.customerId, null);
  return customer;
}

describe('a fix that is blocked', () => {
  it('a blocked fix has one notice, however often billing is called', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    for (const pr of range(1, 5))
      await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, pr));
    const fix = await recordedFix(deps, customerId, 6);
    // A notice that is written twice would be sent twice.
    const written = await countingDone(table, 'TransactWrite', async () => {
      const asked = await Promise.all(range(1, 8).map(() => billFixAttempt(deps, customerId, fix)));
      for (const one of asked) expect(one).toMatchObject({ kind: 'blocked', code: 'no_billing_info' });
    });
    expect(written).toBe(1);
    await billFixAttempt(deps, customerId, fix);
    expect(await noticeContentsOf(deps, customerId)).toEqual([
      { kind: 'fix_blocked', reason: 'no_billing_info', repo: REPO, prNumber: 6 },
    ]);
  });

  it('a blocked fix has another notice after a grant that other fixes used', async () => {
    const { head } = await customerWith(deps, 1);
    const { customerId } = head;
    const fix = await recordedFix(deps, customerId, 1);
    for (const other of [2, 3]) {
      await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, other));
      await billFixAttempt(deps, customerId, fix);
      await billFixAttempt(deps, customerId, fix);
      const grant = { amount: 1, reason: 'test', actor: 'tests', idempotencyKey: `again-${other}` };
      if (other === 2) await adjustCredits(deps, customerId, grant);
    }
    expect(await noticeContentsOf(deps, customerId)).toHaveLength(2);
  });

  it('the notice of a fix blocked by a dispute says so', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_createDispute');
    await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, 1));
    await money.deliver();
    expect(await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, 2))).toMatchObject({
      code: 'account_disputed',
    });
    expect(await noticeContentsOf(deps, customerId, 'fix_blocked')).toMatchObject([
      { reason: 'account_disputed', prNumber: 2 },
    ]);
  });
});

describe('a card that is declined for a fix', () => {
  it('a declined card has one notice a day, with the amount and the reason', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_chargeCustomerFail');
    const fix = await recordedFix(deps, customerId, 1);
    await Promise.all(range(1, 4).map(() => billFixAttempt(deps, customerId, fix)));
    const first = await noticeContentsOf(deps, customerId, 'card_declined');
    expect(first[0]).toEqual({
      kind: 'card_declined',
      amountCents: 2_900,
      declineCode: 'generic_decline',
      fixId: fix,
      repo: REPO,
      prNumber: 1,
    });
    expect(first).toHaveLength(1);
    // The webhook reports the same failure, but there is no second notice.
    await money.deliver();
    expect(await noticeContentsOf(deps, customerId, 'card_declined')).toHaveLength(1);
  });

  it('the notice of a declined card says if the bank asks the cardholder', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_authenticationRequired');
    await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, 1));
    expect(await noticeContentsOf(deps, customerId, 'card_declined')).toMatchObject([
      { declineCode: 'authentication_required', fixId: expect.any(String) },
    ]);
  });

  it('a card that was detached at Stripe blocks the fix, with a notice', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const { paymentMethodId } = await headOf(deps, customerId);
    await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
    await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, 1));
    expect(await noticeContentsOf(deps, customerId, 'fix_blocked')).toMatchObject([
      { kind: 'fix_blocked', reason: 'no_billing_info' },
    ]);
  });
});

describe('a renewal that fails', () => {
  it('a failed renewal has one notice a day with the next attempt, and a last one about the end of the subscription', async () => {
    const own = await openMoney(table);
    const { customerId, stripeCustomerId: customer } = await customerWithCard(own, 0);
    await subscribeToPro(own.deps, customerId, null);
    const { id } = await own.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await own.stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
    await own.deliver();
    // Delivers the first attempt, an hour after the period ends, but not the second.
    const { subscription } = await headOf(own.deps, customerId);
    const leftMs = Date.parse(subscription?.currentPeriodEnd ?? '') - own.deps.now().getTime();
    await own.days(Math.ceil(leftMs / DAY_MS) + 1);
    await own.deliver();
    await own.deliver();
    const [first] = await noticeContentsOf(own.deps, customerId, 'payment_failed');
    expect(first).toMatchObject({
      ...{ amountCents: 59_900, attempt: 1, nextAttemptAt: expect.any(String), credits: 60 },
      ...{ declineCode: 'generic_decline', invoiceNumber: expect.any(String) },
    });
    for (let week = 0; week < 6; week++) {
      await own.days(7);
      await own.deliver();
    }
    const failures = await noticeContentsOf(own.deps, customerId, 'payment_failed');
    expect(failures.length).toBeGreaterThan(1);
    const attempts = failures.map((one) => (one.kind === 'payment_failed' ? one.attempt : 0));
    // Two attempts within a week without deliveries cause one notice.
    expect(attempts).toEqual([...new Set(attempts)].sort());
    expect(await noticeContentsOf(own.deps, customerId, 'subscription_ended')).toMatchObject([
      { unpaid: true, credits: 60 },
    ]);
  });

  it('a card that people retry again and again has one letter a day', async () => {
    const own = await openMoney(table);
    const { customerId, stripeCustomerId: customer } = await customerWithCard(own, 0);
    await subscribeToPro(own.deps, customerId, null);
    const { id } = await own.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
    await own.stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
    await own.days(32);
    await own.deliver();
    const before = await noticeContentsOf(own.deps, customerId, 'payment_failed');
    for (let tries = 0; tries < 5; tries++) {
      const declined = { code: 'card_declined' };
      await expect(subscribeToPro(own.deps, customerId, null)).rejects.toMatchObject(declined);
      await own.deliver();
    }
    const letters = await noticeContentsOf(own.deps, customerId, 'payment_failed');
    // Two notices if midnight falls between the tries.
    expect(letters.length - before.length).toBeLessThanOrEqual(2);
  });

  it.each(['subscription_cycle', 'subscription_update'] as const)(
    'the failed invoice after a trial has a notice under the billing reason %s',
    async (reason) => {
      const own = await openMoney(table);
      await own.control('switches', { trial_end_billing_reason: reason });
      const { customerId, stripeCustomerId: customer } = await customerWithCard(
        own,
        0,
        'pm_card_chargeCustomerFail',
      );
      await own.stripe.subscriptions.create({
        customer,
        items: [{ price: own.priceId }],
        trial_period_days: 7,
      });
      await own.deliver();
      await own.days(8);
      await own.deliver();
      expect(await noticeContentsOf(own.deps, customerId, 'payment_failed')).toMatchObject([
        { amountCents: 59_900, attempt: 1, declineCode: 'generic_decline' },
      ]);
    },
  );

  it("the failed invoice of another product's subscription has no notice", async () => {
    const own = await openMoney(table);
    const { customerId, stripeCustomerId: customer } = await customerWithCard(
      own,
      0,
      'pm_card_chargeCustomerFail',
    );
    const { id: product } = await own.stripe.products.create({ name: 'Another product' });
    const { id: price } = await own.stripe.prices.create({
      ...{ currency: 'usd', product, unit_amount: 900, recurring: { interval: 'month' } },
    });
    await own.stripe.subscriptions.create({
      customer,
      items: [{ price }],
      trial_period_days: 7,
    });
    await own.days(8);
    const applied = await own.deliver();
    expect(applied.every(({ outcome }) => outcome !== 'parked')).toBe(true);
    expect(await noticeContentsOf(own.deps, customerId, 'payment_failed')).toEqual([]);
  });

  it('a subscription that was declined when it was ordered has no notice of a failed renewal', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_chargeCustomerFail');
    await expect(subscribeToPro(deps, customerId, null)).rejects.toMatchObject({ code: 'card_declined' });
    const applied = await money.deliver();
    expect(applied.every(({ outcome }) => outcome !== 'parked')).toBe(true);
    expect(await noticeContentsOf(deps, customerId)).toEqual([]);
  });
});

describe('the end of Pro', () => {
  it('a cancellation now has one notice, whichever call or event comes first', async () => {
    const { customerId } = await onPro();
    await cancelSubscription(deps, customerId, false);
    await money.deliver();
    expect(await noticeContentsOf(deps, customerId, 'subscription_ended')).toMatchObject([
      { kind: 'subscription_ended', unpaid: false, atOnce: true, credits: 60 },
    ]);
  });

  it('another end of Pro has another notice', async () => {
    const { customerId } = await onPro();
    await cancelSubscription(deps, customerId, false);
    await subscribeToPro(deps, customerId, null);
    await cancelSubscription(deps, customerId, false);
    expect(await noticeContentsOf(deps, customerId, 'subscription_ended')).toHaveLength(2);
  });

  it('starting, cancelling and resuming Pro have one notice each, however often events repeat', async () => {
    const { customerId } = await onPro();
    await money.deliver();
    await cancelSubscription(deps, customerId, true);
    await money.deliver();
    await subscribeToPro(deps, customerId, null);
    await money.deliver();
    const told = await noticeContentsOf(deps, customerId);
    const { currentPeriodEnd: end } = (await headOf(deps, customerId)).subscription ?? {};
    expect(told.filter(({ kind }) => kind.startsWith('pro_'))).toEqual([
      {
        kind: 'pro_started',
        ...{ amountCents: 59_900, credits: 60, netted: 0, left: 60, renewsAt: end },
      },
      { kind: 'pro_cancelled', endsAt: end, credits: 60 },
      { kind: 'pro_resumed', renewsAt: end },
    ]);
  });
});

describe('the money of a fix', () => {
  const charged = async () => {
    const { customerId } = await customerWithCard(money, 0);
    const fixId = await recordedFix(deps, customerId, 1);
    await billFixAttempt(deps, customerId, fixId);
    const [item] = await readTogether(table, [keys.fix(customerId, fixId)]);
    return { customerId, payment_intent: decodeFix(item ?? {}).billed?.paymentIntentId ?? '' };
  };

  it('a charge has one receipt, and each refund of it one notice', async () => {
    const { customerId, payment_intent } = await charged();
    await money.deliver();
    for (const amount of [1_000, 1_900]) {
      await money.stripe.refunds.create({ payment_intent, amount });
      await money.deliver();
    }
    const pullRequest = { repo: REPO, prNumber: 1 };
    expect(await noticeContentsOf(deps, customerId, 'receipt', 'refund_made')).toEqual([
      { kind: 'receipt', amountCents: 2_900, ...pullRequest },
      { kind: 'refund_made', amountCents: 1_000, isDouble: false, pullRequest },
      { kind: 'refund_made', amountCents: 1_900, isDouble: false, pullRequest },
    ]);
  });
});

describe('a card', () => {
  it('a card that is added, replaced and removed has one notice each, by call or by event', async () => {
    const { customerId, stripeCustomerId: customer } = await customerWithCard(money, 0);
    await money.deliver();
    const { id } = await money.stripe.paymentMethods.attach('pm_card_mastercard', { customer });
    await money.stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
    await money.deliver();
    await money.stripe.paymentMethods.detach(id);
    await money.deliver();
    const told = await noticeContentsOf(deps, customerId, 'card_added', 'card_replaced', 'card_removed');
    expect(told.map(({ kind }) => kind)).toEqual(['card_added', 'card_replaced', 'card_removed']);
  });
});

describe('a dispute', () => {
  it('a dispute has one notice, and another one when it is closed', async () => {
    const own = await openMoney(table);
    const { customerId } = await customerWithCard(own, 0, 'pm_card_createDispute');
    await billFixAttempt(own.deps, customerId, await recordedFix(own.deps, customerId, 1));
    await own.deliver();
    await own.deliver();
    const dispute = own.double.state.disputes.newestFirst[0]?.id ?? '';
    await own.control(`disputes/${dispute}/close`, { status: 'won' });
    await own.deliver();
    const facts = { disputeId: dispute, amountCents: 2_900 };
    expect(await noticeContentsOf(own.deps, customerId, 'dispute', 'dispute_closed')).toEqual([
      { kind: 'dispute', ...facts },
      { kind: 'dispute_closed', ...facts, outcome: 'won' },
    ]);
  });
});

describe('a key that is issued', () => {
  it('an issued key has a notice, also at sign-up', async () => {
    const { head, keyId: first } = await customerWith(deps, 5);
    const { keyId } = await issueKey(deps, head.customerId);
    const all = await allNoticesOf(table, head.customerId);
    const told = new Map(all.map(({ id, content }) => [id, content]));
    const alone = { kind: 'key_issued', scope: 'account', replaced: null, ended: 0 };
    expect(told.get(first)).toEqual({ ...alone, keyId: first, by: 'sign_up' });
    expect(told.get(keyId)).toEqual({ ...alone, keyId, by: 'customer' });
    expect(all).toHaveLength(2);
  });
});

describe('a process that dies', () => {
  /* After each number of writes, either both the cause and its notice exist, or neither. */
  it('a process that dies leaves no refusal without its notice, and no notice without its refusal', async () => {
    for (const writes of range(0, 4)) {
      const { customerId } = await customerWithCard(money, 0, 'pm_card_chargeCustomerFail');
      const fix = await recordedFix(deps, customerId, 1);
      await dyingAfter(table, writes, 'TransactWrite', () => billFixAttempt(deps, customerId, fix));
      const notices = await noticeContentsOf(deps, customerId, 'card_declined');
      const [item] = await readTogether(table, [keys.fix(customerId, fix)]);
      const isDeclined = item !== undefined && decodeFix(item).charge?.state === 'declined';
      expect([writes, notices.length]).toEqual([writes, isDeclined ? 1 : 0]);
    }
  });
});
