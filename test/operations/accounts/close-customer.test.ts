import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { issueKey } from '../../../lib/operations/accounts/api-keys.ts';
import { closeCustomer, finishClosing } from '../../../lib/operations/accounts/close-customer.ts';
import { onboardCustomer } from '../../../lib/operations/accounts/onboard-customer.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordFixAttempt } from '../../../lib/operations/fixes/record-fix-attempt.ts';
import { IN_FLIGHT_MS } from '../../../lib/operations/payments/attempt.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { listApiKeys } from '../../../lib/store/api-keys.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readOrder } from '../../../lib/store/orders.ts';
import { UnreadableItem } from '../../../lib/store/record.ts';
import { readTogether, type Table } from '../../../lib/store/table.ts';
import { recordedFix } from '../../support/customers.ts';
import { documents } from '../../support/documents.ts';
import { customerWith, newFix, range } from '../../support/fixtures.ts';
import { writeFixes } from '../../support/large-history.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';
import { tamper } from '../../support/reconciliation.ts';
import { countingDone, dyingAfter } from '../../support/table.ts';

let table: Table;
let money: Money;
let deps: PaymentDeps;
// Each test has a separate table and Stripe stand-in, because the sweeper would also take other tests' open
// work.
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  deps = money.deps;
  return opened.stop;
});

const SECRET = 'Jane Doe';

/** Deps with a clock that is late enough for no current request to be in flight. */
const notInFlight = (): PaymentDeps => ({ ...deps, now: () => new Date(Date.now() + IN_FLIGHT_MS) });

/** A Pro customer with a charge, a fix paid by credit and an unbilled fix. All contain personal data. */
async function customer() {
  const who = await customerWithCard(money, 0);
  const { customerId } = who;
  const personal = {
    ...newFix(2),
    prTitle: `Fix by ${SECRET}`,
    issueTitle: SECRET,
    issueUrl: 'https://github.com/acme/webshop/issues/1',
    metadataJson: JSON.stringify({ author: SECRET }),
  };
  await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, 1));
  await subscribeToPro(deps, customerId, null);
  const { fix } = await recordFixAttempt(deps, customerId, personal);
  await billFixAttempt(deps, customerId, fix.id);
  await recordFixAttempt(deps, customerId, { ...personal, prNumber: 3 });
  const { email } = await headOf(deps, customerId);
  return { ...who, email };
}

async function everything(): Promise<string> {
  const { Items } = await documents(table).send(
    new ScanCommand({ TableName: table.name, ConsistentRead: true }),
  );
  return JSON.stringify(Items);
}

const subscriptionsOf = (stripeCustomerId: string) =>
  money.double.state.subscriptions.newestFirst.filter(({ customer: id }) => id === stripeCustomerId);

async function expectClosed({ customerId, stripeCustomerId, email }: Awaited<ReturnType<typeof customer>>) {
  expect(await headOf(deps, customerId)).toMatchObject({
    name: '',
    email: '',
    paymentMethodId: null,
    activeKeys: 0,
    subscriptionType: 'pay_as_you_go',
    closedAt: expect.any(String),
  });
  const apiKeys = await listApiKeys(table, customerId);
  expect(apiKeys.every(({ revokedAt }) => revokedAt !== null)).toBe(true);
  expect(subscriptionsOf(stripeCustomerId).map(({ status }) => status)).toEqual(['canceled']);
  const atStripe = money.double.state.customers.find(stripeCustomerId);
  expect(atStripe).toMatchObject({ name: null, email: null });
  expect(atStripe?.invoice_settings.default_payment_method).toBeNull();
  expect((await settlePendingCharges(deps, 0)).failed).toEqual([]);
  expect(await everything()).not.toContain(email);
  // The ledger and its money must still be correct.
  await money.deliver();
  await expectSoundMoney(money, customerId);
}

describe('closing a customer', () => {
  it('closing ends keys, card and subscription, removes personal data, and leaves a ledger that verifies', async () => {
    const who = await customer();
    await issueKey(deps, who.customerId);
    expect(await everything()).toContain(SECRET);
    expect(await closeCustomer(deps, who.customerId)).toMatchObject({ already: false, balance: 59 });
    await expectClosed(who);
    expect(await everything()).not.toContain(SECRET);
    const again = await closeCustomer(deps, who.customerId);
    expect(again).toMatchObject({ already: true, balance: 59 });
    expect(again.closedAt).toBe((await headOf(deps, who.customerId)).closedAt);
  });

  it.each(['listed', 'not_listed'] as const)(
    'closing removes cards and bank accounts of older integrations, whether Stripe lists them as methods: %s',
    async (listed) => {
      await money.control('switches', { card_source_listed: listed });
      const who = await customer();
      for (const source of ['tok_mastercard', 'btok_us_verified'])
        await money.stripe.customers.createSource(who.stripeCustomerId, { source });
      await closeCustomer(deps, who.customerId);
      await expectClosed(who);
      expect((await money.stripe.customers.listSources(who.stripeCustomerId)).data).toEqual([]);
      expect(money.double.state.customers.find(who.stripeCustomerId)?.default_source).toBeNull();
    },
  );

  it('closing frees the address for the next sign-up', async () => {
    const who = await customer();
    await closeCustomer(deps, who.customerId);
    const { head } = await onboardCustomer(deps, { name: 'New', email: who.email, source: 'direct' });
    expect(head.customerId).not.toBe(who.customerId);
    await closeCustomer(deps, who.customerId);
    expect(await headOf(deps, head.customerId)).toMatchObject({ email: who.email, closedAt: null });
  });

  it('closing finishes a charge whose response was lost, once, before it removes the card', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const fix = await recordedFix(deps, customerId, 1);
    const own = { path: '/v1/payment_intents', kind: 'drop_after', times: 2 } as const;
    money.double.faults.add(own);
    await expect(billFixAttempt(deps, customerId, fix)).rejects.toMatchObject({ code: 'payment_pending' });
    await closeCustomer(deps, customerId);
    const { entries } = await expectSoundMoney(money, customerId);
    expect(entries.filter(({ source }) => source === 'purchased')).toHaveLength(1);
  });

  it('closing makes an announced charge whose request was lost, while the card is still there', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const fix = await recordedFix(deps, customerId, 1);
    money.double.faults.add({ path: '/v1/payment_intents', kind: 'drop_before', times: 9 });
    await expect(billFixAttempt(deps, customerId, fix)).rejects.toMatchObject({ code: 'payment_pending' });
    money.double.faults.clear();
    await closeCustomer(deps, customerId);
    const { entries } = await expectSoundMoney(money, customerId);
    expect(entries.filter(({ source }) => source === 'purchased')).toHaveLength(1);
  });

  it('closing does not send a Pro order whose request was lost, and is refused while the order may be in flight', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    money.double.faults.add({ method: 'POST', path: '/v1/subscriptions', kind: 'drop_before', times: 6 });
    await expect(subscribeToPro(deps, customerId, null)).rejects.toMatchObject({ code: 'payment_pending' });
    money.double.faults.clear();
    await expect(closeCustomer(deps, customerId)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await closeCustomer(notInFlight(), customerId)).toMatchObject({ already: false });
    expect(subscriptionsOf(stripeCustomerId)).toEqual([]);
    expect(await readOrder(table, customerId)).toMatchObject({ state: 'refused' });
    await expectSoundMoney(money, customerId);
  });

  it('closing ends a payment that the cardholder could still confirm', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_authenticationRequired');
    await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, 1));
    await closeCustomer(deps, customerId);
    const intent = money.double.state.paymentIntents.newestFirst.find(
      ({ metadata }) => metadata['customer_id'] === customerId,
    );
    expect(intent?.status).toBe('canceled');
  });

  it('a payment that waits for its cardholder is canceled by the pass that reaches its fix', async () => {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_authenticationRequired');
    const recorded = [await recordedFix(deps, customerId, 1), await recordedFix(deps, customerId, 2)];
    const [first = '', fix = ''] = recorded.sort();
    await billFixAttempt(deps, customerId, fix);
    // As after closing an account with more fixes than one pass searches.
    const [stored] = await readTogether(table, [keys.fix(customerId, fix)]);
    await tamper({ table }, keys.fix(customerId, fix), 'charge', null);
    await closeCustomer(deps, customerId);
    await tamper({ table }, keys.fix(customerId, fix), 'charge', stored?.['charge']);
    await tamper({ table }, keys.closing(customerId), 'cleared_to', keys.fix(customerId, first).sk);
    await finishClosing(deps, customerId);
    const intent = money.double.state.paymentIntents.newestFirst.find(
      ({ metadata }) => metadata['customer_id'] === customerId,
    );
    expect(intent?.status).toBe('canceled');
  });

  it('closing waits for an unreadable fix, whose charge may be in flight', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const fix = keys.fix(customerId, await recordedFix(deps, customerId, 1));
    await tamper({ table }, fix, 'pr_number', 'many');
    await expect(closeCustomer(deps, customerId)).rejects.toBeInstanceOf(UnreadableItem);
    expect(await headOf(deps, customerId)).toMatchObject({ closedAt: null });
    await tamper({ table }, fix, 'pr_number', 1);
    expect(await closeCustomer(deps, customerId)).toMatchObject({ already: false });
  });

  it('closing continues where it was killed, whichever call was the last', async () => {
    for (const calls of range(0, 12).map((n) => 2 * n)) {
      const who = await customer();
      await dyingAfter(table, calls, '', () => closeCustomer(deps, who.customerId));
      await closeCustomer(deps, who.customerId);
      await expectClosed(who);
    }
  });

  it('closing prevents new keys, subscriptions and cards, also for calls in flight', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const head = await headOf(deps, customerId);
    await closeCustomer(deps, customerId);
    const closed = { code: 'account_closed' };
    await expect(issueKey(deps, customerId, 'operator')).rejects.toMatchObject(closed);
    await expect(subscribeToPro(deps, customerId, null)).rejects.toMatchObject(closed);
    await expect(addPaymentMethod(deps, head, await money.newCard())).rejects.toMatchObject(closed);
    expect(await headOf(deps, customerId)).toMatchObject({ activeKeys: 0, paymentMethodId: null });
  });

  it('closing ends a subscription that was ordered meanwhile, and tolerates a concurrent closing', async () => {
    for (let n = 0; n < 6; n++) {
      const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
      const [first, second, subscribed] = await Promise.allSettled([
        closeCustomer(deps, customerId),
        closeCustomer(deps, customerId),
        subscribeToPro(deps, customerId, null),
      ]);
      for (const closing of [first, second].filter(({ status }) => status === 'rejected'))
        expect(closing).toMatchObject({ reason: { code: 'payment_pending' } });
      await closeCustomer(notInFlight(), customerId);
      // Whatever the outcome, it is not reported as our misconfiguration.
      const reason: unknown = subscribed.status === 'rejected' ? subscribed.reason : {};
      expect(reason).not.toMatchObject({ code: 'payments_misconfigured' });
      const live = subscriptionsOf(stripeCustomerId).filter(({ status }) => status !== 'canceled');
      expect(live).toEqual([]);
      await money.deliver();
      await expectSoundMoney(money, customerId);
    }
  });

  it('a closing killed after the account was marked as closed is finished by the sweeper', async () => {
    for (const calls of range(0, 12).map((n) => 12 + n)) {
      const who = await customer();
      await dyingAfter(table, calls, '', () => closeCustomer(deps, who.customerId));
      if ((await headOf(deps, who.customerId)).closedAt === null) continue;
      await expectClosed(who);
      expect((await settlePendingCharges(deps, 0)).settled).toBe(0);
    }
  });

  it('closing leaves no name and no card at Stripe if a card is added meanwhile', async () => {
    for (let n = 0; n < 6; n++) {
      const { head } = await customerWith(deps, 5);
      const { customerId } = head;
      const card = await money.newCard();
      await Promise.allSettled([closeCustomer(deps, customerId), addPaymentMethod(deps, head, card)]);
      await settlePendingCharges(deps, 0);
      const theirs = money.double.state.customers.newestFirst.filter(
        ({ metadata }) => metadata['customer_id'] === customerId,
      );
      expect(theirs.filter(({ name, email }) => name !== null || email !== null)).toEqual([]);
      expect(money.double.state.paymentMethods.find(card)?.customer).toBeNull();
    }
  });

  it('closing anonymises an unbound Stripe customer that a crashed request created', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId, name, email } = head;
    const stripe = await deps.stripe();
    const stray = await stripe.createCustomer({ customerId, name, email, former: null });
    await closeCustomer(deps, customerId);
    expect(money.double.state.customers.find(stray)).toMatchObject({ name: null, email: null });
    // The same for a request that is still in flight when the account is closed.
    const late = await stripe.createCustomer({ customerId, name, email, former: 'late' });
    await settlePendingCharges(deps, 0);
    expect(money.double.state.customers.find(late)).toMatchObject({ name: null, email: null });
  });

  it('closing an account with more fixes than one call clears ends after several runs of the sweeper', async () => {
    const { head } = await customerWith(deps, 5);
    await writeFixes(deps, head.customerId, { recorded: 12_000, billed: 100 });
    await closeCustomer(deps, head.customerId);
    const written: number[] = [];
    let runs = 0;
    while ((await everything()).includes('"due":"charge"')) {
      runs += 1;
      expect(runs).toBeLessThan(10);
      written.push(await countingDone(table, 'TransactWrite', () => settlePendingCharges(deps, 0)));
    }
    // The call itself cleared 5,000. A second write of any fix would exceed the expected number.
    expect(runs).toBe(3);
    const [kept] = [12_000 - 5_000 + 3];
    expect(written.reduce((sum, count) => sum + count, 0)).toBe(kept);
    expect(await everything()).not.toContain('Fix 11999');
  });

  it('clearing the rest of a long history asks Stripe nothing', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const [first = '', second = ''] = [
      await recordedFix(deps, customerId, 1),
      await recordedFix(deps, customerId, 2),
    ].sort();
    await closeCustomer(deps, customerId);
    await tamper({ table }, keys.fix(customerId, second), 'pr_title', `Fix by ${SECRET}`);
    await tamper({ table }, keys.closing(customerId), 'cleared_to', keys.fix(customerId, first).sk);
    const notAsked = () => Promise.reject(new Error('Stripe is not needed'));
    await finishClosing({ ...deps, stripe: notAsked }, customerId);
    expect(await everything()).not.toContain(SECRET);
    expect((await settlePendingCharges(deps, 0)).settled).toBe(0);
  });

  it('closing an unknown customer is an error', async () => {
    await expect(closeCustomer(deps, 'a'.repeat(32))).rejects.toMatchObject({ code: 'customer_not_found' });
  });
});
