import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { NOTHING_RETURNED, type ProInvoice } from '../../../lib/domain/grants.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { closeCustomer } from '../../../lib/operations/accounts/close-customer.ts';
import { withStripeCustomer } from '../../../lib/operations/accounts/stripe-customer.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { finishOrder } from '../../../lib/operations/plans/finish-order.ts';
import { settleInvoice } from '../../../lib/operations/plans/settle-invoice.ts';
import { orderOf } from '../../../lib/operations/plans/settle-order.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../../lib/operations/plans/sync-account.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { decodeFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readEntriesDown } from '../../../lib/store/ledger.ts';
import { readTogether, type Table } from '../../../lib/store/table.ts';
import {
  EMAIL_INVALID,
  StripeFault,
  type StripeFaultFacts,
  type StripeFaultKind,
} from '../../../lib/stripe/fault.ts';
import { KEY_IS_SAFE_MS, type StripePort } from '../../../lib/stripe/port.ts';
import { markClosed, recordedFix } from '../../support/customers.ts';
import { documents } from '../../support/documents.ts';
import { customerWith } from '../../support/fixtures.ts';
import { invoiceOf } from '../../support/invoices.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';

/* The answers, stored items and effects at each branch of what customers do with card, plan and credits. */

let table: Table;
let money: Money;
// Each test has a separate table and Stripe stand-in, because the sweeper would also take other tests' open
// work.
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(money.deps, answers);

const newest = async (customerId: string, count: number) =>
  (await readEntriesDown(table, customerId, null, count)).map(({ amount, source, metadata }) => ({
    amount,
    source,
    metadata,
  }));

const signedUp = async () => (await customerWith(money.deps, 5)).head;

async function setHead(customerId: string, attribute: string, value: unknown): Promise<void> {
  await documents(table).send(
    new UpdateCommand({
      TableName: table.name,
      Key: keys.head(customerId),
      UpdateExpression: 'SET #attribute = :value',
      ExpressionAttributeNames: { '#attribute': attribute },
      ExpressionAttributeValues: { ':value': value },
    }),
  );
}

describe('the first card', () => {
  it('the first card is put on file with its bonus, named in the entry, and ends the trial', async () => {
    const head = await signedUp();
    const card = await money.newCard();
    const fingerprint = money.double.state.paymentMethods.find(card)?.card?.fingerprint;
    const added = await addPaymentMethod(money.deps, head, card);
    expect(added).toMatchObject({
      bonusCredits: 5,
      head: { balance: 10, subscriptionType: 'pay_as_you_go', paymentMethodId: card },
    });
    expect(added.head).toEqual(await headOf(money.deps, head.customerId));
    expect(await newest(head.customerId, 1)).toEqual([
      { amount: 5, source: 'trial_billing_added', metadata: { card_fingerprint: fingerprint } },
    ]);
    const again = await addPaymentMethod(money.deps, added.head, await money.newCard());
    expect(again).toMatchObject({ bonusCredits: 0, head: { balance: 10 } });
  });

  it('a card earns its bonus for one customer only', async () => {
    const card = async () => {
      const id = await money.newCard();
      const made = money.double.state.paymentMethods.find(id)?.card;
      if (made) made.fingerprint = 'one_and_the_same';
      return id;
    };
    const [first, second] = [await signedUp(), await signedUp()];
    expect((await addPaymentMethod(money.deps, first, await card())).bonusCredits).toBe(5);
    expect(await addPaymentMethod(money.deps, second, await card())).toMatchObject({
      bonusCredits: 0,
      head: { balance: 5, subscriptionType: 'pay_as_you_go' },
    });
  });

  it('a payment method without a fingerprint is put on file but earns no bonus', async () => {
    const head = await signedUp();
    const deps = await answering((port) => ({
      attachCard: async (...asked) => ({ ...(await port.attachCard(...asked)), fingerprint: null }),
    }));
    const added = await addPaymentMethod(deps, head, await money.newCard());
    expect(added).toMatchObject({ bonusCredits: 0, head: { balance: 5 } });
    expect(added.head.paymentMethodId).not.toBeNull();
  });

  it('the bonus of a card pays owed credits first', async () => {
    const head = await signedUp();
    await setHead(head.customerId, 'debt', 2);
    const added = await addPaymentMethod(money.deps, head, await money.newCard());
    expect(added).toMatchObject({ bonusCredits: 5, head: { balance: 8, debt: 0 } });
  });
});

describe('a card that cannot be put on file', () => {
  it.each<[string, StripeFaultKind, StripeFaultFacts, object]>([
    [
      'is declined in the bank’s words',
      'declined',
      { code: 'card_declined', declineCode: 'insufficient_funds' },
      { code: 'card_declined', facts: { decline_code: 'insufficient_funds' } },
    ],
    [
      'is declined by its code without them',
      'authentication_required',
      { code: 'authentication_required' },
      { code: 'card_declined', facts: { decline_code: 'authentication_required' } },
    ],
    ['is declined', 'declined', {}, { code: 'card_declined', facts: { decline_code: 'card_declined' } }],
    [
      'is none that can be used',
      'refused',
      {},
      {
        code: 'payment_method_invalid',
        facts: {
          errors: [{ field: 'payment_method_id', message: 'is not a payment method that can be used here' }],
        },
      },
    ],
    ['is to be sent again', 'transient', {}, { code: 'payments_unavailable' }],
    ['is a fault of ours', 'misconfigured', {}, { code: 'payments_misconfigured' }],
  ])('%s', async (_name, kind, facts, said) => {
    const head = await signedUp();
    const deps = await answering(() => ({ attachCard: failing(kind, facts) }));
    await expect(addPaymentMethod(deps, head, 'pm_card_visa')).rejects.toMatchObject(said);
    expect(await headOf(deps, head.customerId)).toMatchObject({ balance: 5, paymentMethodId: null });
  });

  it('a rejected card says what to do about it', async () => {
    const deps = await answering(() => ({ attachCard: failing('declined', { code: 'expired_card' }) }));
    await expect(addPaymentMethod(deps, await signedUp(), 'pm_card_visa')).rejects.toThrow(
      'The card was declined. It has expired. Nothing was charged. Add another card.',
    );
  });
});

describe('a card that is taken away at Stripe while it is put on file', () => {
  it.each<[string, (ids: { customer: string; method: string }) => Promise<unknown>]>([
    ['by itself', ({ method }) => money.stripe.paymentMethods.detach(method)],
    ['with its customer', ({ customer }) => money.stripe.customers.del(customer)],
  ])(
    'a card removed at Stripe while it is added (%s) is not kept if its event arrives first',
    async (_, takeAway) => {
      const { customerId } = await customerWithCard(money, 5);
      const deps = await answering((port) => ({
        makeDefault: async (customer, method) => {
          await port.makeDefault(customer, method);
          await takeAway({ customer, method });
          await syncAccount(money.deps, customerId);
        },
      }));
      const adding = addPaymentMethod(deps, await headOf(deps, customerId), await money.newCard());
      await expect(adding).rejects.toMatchObject({ code: 'payment_method_invalid' });
      expect(await headOf(deps, customerId)).toMatchObject({ balance: 5, paymentMethodId: null });
    },
  );

  it('a card replaced at Stripe while it is added gives way to the card that Stripe charges now', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const deps = await answering((port) => ({
      makeDefault: async (customer, method) => {
        await port.makeDefault(customer, method);
        await addPaymentMethod(money.deps, await headOf(money.deps, customerId), await money.newCard());
      },
    }));
    const { head } = await addPaymentMethod(deps, await headOf(deps, customerId), await money.newCard());
    const atStripe = await (await money.deps.stripe()).readAccount(head.stripeCustomerId ?? '');
    expect(atStripe).toMatchObject({ card: { paymentMethodId: head.paymentMethodId } });
  });
});

describe('a customer who was deleted at Stripe', () => {
  it('a customer deleted at Stripe gets a new Stripe customer with the next card, even before the event arrives', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    await money.stripe.customers.del(stripeCustomerId);
    const head = await headOf(money.deps, customerId);
    const { head: now } = await addPaymentMethod(money.deps, head, await money.newCard());
    expect(now.formerStripeCustomerId).toBe(stripeCustomerId);
    expect(now.stripeCustomerId).not.toBe(stripeCustomerId);
    expect(now.paymentMethodId).not.toBeNull();
  });
});

describe('a Stripe customer', () => {
  it('concurrent calls create one Stripe customer', async () => {
    const head = await signedUp();
    const [a, b] = await Promise.all([
      withStripeCustomer(money.deps, head),
      withStripeCustomer(money.deps, head),
    ]);
    expect(a.stripeCustomerId).toBe(b.stripeCustomerId);
    expect((await headOf(money.deps, head.customerId)).stripeCustomerId).toBe(a.stripeCustomerId);
    const [bound] = await readTogether(table, [keys.stripe(a.stripeCustomerId ?? '')]);
    expect(bound).toMatchObject({ customer_id: head.customerId });
    expect(await withStripeCustomer(money.deps, a)).toBe(a);
  });

  it('no Stripe customer is created for a closed account', async () => {
    const head = await signedUp();
    await markClosed(money.deps, head.customerId);
    const closed = await headOf(money.deps, head.customerId);
    await expect(withStripeCustomer(money.deps, closed)).rejects.toMatchObject({ code: 'account_closed' });
  });

  it.each<[string, StripeFaultKind, StripeFaultFacts]>([
    ['another refusal', 'refused', { code: 'parameter_invalid_empty' }],
    ['an outage', 'transient', { code: EMAIL_INVALID }],
  ])('after %s, no Stripe customer without an e-mail address is created', async (_, kind, facts) => {
    const addresses: (string | null)[] = [];
    const reported: string[] = [];
    const answered = await answering(() => ({
      createCustomer: async ({ email }) => {
        addresses.push(email);
        return failing(kind, facts)();
      },
    }));
    const deps = { ...answered, report: (happened: BusinessEvent) => void reported.push(happened.kind) };
    const head = await signedUp();
    await expect(withStripeCustomer(deps, head)).rejects.toThrow();
    expect([addresses, reported]).toEqual([[head.email], []]);
  });

  it('a Stripe customer that cannot be created reports the fault of Stripe', async () => {
    const deps = await answering(() => ({ createCustomer: failing('transient') }));
    await expect(withStripeCustomer(deps, await signedUp())).rejects.toMatchObject({
      code: 'payments_unavailable',
    });
  });
});

describe('subscribing to Pro', () => {
  const order = async (customerId: string) => {
    const [item] = await readTogether(table, [keys.order(customerId)]);
    return orderOf(item);
  };
  const subscribe = async (customerId: string, deps = money.deps) =>
    subscribeToPro(deps, customerId, await order(customerId));

  it('subscribing to Pro pays the first month, grants its credits in an entry with the invoice, and happens once', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 3);
    const first = await subscribe(customerId);
    expect(first).toMatchObject({
      created: true,
      head: { balance: 63, subscriptionType: 'pro', subscription: { state: 'active' } },
    });
    expect(first.head).toEqual(await headOf(money.deps, customerId));
    const [invoice] = money.double.state.invoices.newestFirst;
    expect(await newest(customerId, 1)).toMatchObject([
      {
        amount: 60,
        source: 'pro_subscription_payment',
        metadata: { invoice_id: invoice?.id, price_id: money.priceId, total_cents: 59_900 },
      },
    ]);
    expect(await order(customerId)).toMatchObject({
      attempt: 1,
      state: 'done',
      stripeCustomerId,
      priceId: money.priceId,
    });
    expect(await subscribe(customerId)).toMatchObject({ created: false, head: { balance: 63 } });
    expect(
      money.double.state.subscriptions.newestFirst.filter((s) => s.customer === stripeCustomerId),
    ).toHaveLength(1);
  });

  it('subscribing to Pro needs a card and no open dispute', async () => {
    const head = await signedUp();
    await expect(subscribe(head.customerId)).rejects.toMatchObject({
      code: 'no_billing_info',
      facts: { credit_balance: 5 },
    });
    const { customerId } = await customerWithCard(money, 2);
    await setHead(customerId, 'open_disputes', ['dp_1']);
    await expect(subscribe(customerId)).rejects.toMatchObject({
      code: 'account_disputed',
      facts: { credit_balance: 2 },
    });
    expect(await order(customerId)).toBeNull();
  });

  it('a closed account cannot subscribe to Pro', async () => {
    const { customerId } = await customerWithCard(money, 2);
    await markClosed(money.deps, customerId);
    await expect(subscribe(customerId)).rejects.toMatchObject({ code: 'account_closed' });
  });

  it('subscribing to Pro withdraws a pending cancellation', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await subscribe(customerId);
    const ending = await cancelSubscription(money.deps, customerId, true);
    expect(ending.subscription?.cancelAtPeriodEnd).toBe(true);
    expect(await subscribe(customerId)).toMatchObject({
      created: false,
      head: { balance: 60, subscription: { cancelAtPeriodEnd: false } },
    });
  });

  it('subscribing again after the end is a new order', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await subscribe(customerId);
    await cancelSubscription(money.deps, customerId, false);
    expect(await subscribe(customerId)).toMatchObject({ created: true, head: { balance: 120 } });
    expect(await order(customerId)).toMatchObject({ attempt: 2, state: 'done' });
  });

  it('subscribing first ends a subscription that gives no Pro but could still be collected', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await subscribe(customerId);
    const { subscription } = await headOf(money.deps, customerId);
    const ended: string[] = [];
    const deps = await answering((port) => ({
      readAccount: async (id) => {
        const account = await port.readAccount(id);
        if (account.kind === 'deleted' || ended.length > 0) return account;
        return { ...account, subscriptions: account.subscriptions.map((s) => ({ ...s, state: 'unpaid' })) };
      },
      cancelSubscription: async (id) => {
        ended.push(id);
        await port.cancelSubscription(id);
      },
    }));
    expect(await subscribe(customerId, deps)).toMatchObject({ created: true });
    expect(ended).toEqual([subscription?.id]);
  });

  it.each<[string, StripeFaultKind, StripeFaultFacts]>([
    ['nothing happened', 'transient', { answered: true }],
    ['there was no response', 'indeterminate', { answered: false }],
    ['it may have happened', 'indeterminate', { answered: true }],
  ])(
    'an order stays open if Stripe says that %s, and the next call finishes it',
    async (_name, kind, facts) => {
      const { customerId } = await customerWithCard(money, 0);
      const deps = await answering(() => ({ subscribe: failing(kind, facts) }));
      await expect(subscribe(customerId, deps)).rejects.toMatchObject({ code: 'payment_pending' });
      expect(await order(customerId)).toMatchObject({ attempt: 1, state: 'ordering' });
      expect(await subscribe(customerId)).toMatchObject({ created: true, head: { balance: 60 } });
      expect(await order(customerId)).toMatchObject({ attempt: 1, state: 'done' });
    },
  );

  it('an order made at Stripe despite a lost response is found at once', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const deps = await answering((port) => ({
      subscribe: async (asked) => {
        await port.subscribe(asked);
        throw new StripeFault('indeterminate', { answered: true });
      },
    }));
    expect(await subscribe(customerId, deps)).toMatchObject({ created: true, head: { balance: 60 } });
  });

  it('an order is not looked up while Stripe is unreachable', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const deps = await answering(() => ({
      subscribe: failing('indeterminate', { answered: false }),
      findSubscribed: failing('misconfigured'),
    }));
    await expect(subscribe(customerId, deps)).rejects.toMatchObject({ code: 'payment_pending' });
    const busy = await answering(() => ({
      subscribe: failing('transient', { answered: true }),
      findSubscribed: failing('misconfigured'),
    }));
    await expect(subscribe(customerId, busy)).rejects.toMatchObject({ code: 'payment_pending' });
  });

  it.each<[StripeFaultKind, StripeFaultFacts, object]>([
    ['indeterminate', { answered: true, replayed: true }, { code: 'payment_pending' }],
    [
      'declined',
      { code: 'card_declined', declineCode: 'expired_card' },
      { code: 'card_declined', facts: { decline_code: 'expired_card' } },
    ],
    ['declined', {}, { code: 'card_declined', facts: { decline_code: 'card_declined' } }],
    ['authentication_required', {}, { code: 'authentication_required' }],
    ['refused', {}, { code: 'payments_misconfigured' }],
    ['misconfigured', {}, { code: 'payments_misconfigured' }],
  ])(
    'an order that Stripe answers with %s, %j has ended, and the next is a new order',
    async (kind, facts, said) => {
      const { customerId } = await customerWithCard(money, 0);
      const deps = await answering(() => ({ subscribe: failing(kind, facts) }));
      await expect(subscribe(customerId, deps)).rejects.toMatchObject(said);
      expect(await order(customerId)).toMatchObject({ attempt: 1, state: 'refused' });
      expect(await subscribe(customerId)).toMatchObject({ created: true });
      expect(await order(customerId)).toMatchObject({ attempt: 2, state: 'done' });
    },
  );

  it('an order with a declining card says that nothing was charged', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const deps = await answering(() => ({ subscribe: failing('declined', { code: 'expired_card' }) }));
    await expect(subscribe(customerId, deps)).rejects.toThrow(
      'It has expired. Nothing was charged. Add another card, then subscribe again.',
    );
  });

  it('an order with a card that is gone at Stripe syncs the account', async () => {
    const { customerId } = await customerWithCard(money, 0);
    const { paymentMethodId } = await headOf(money.deps, customerId);
    const deps = await answering(() => ({
      subscribe: async () => {
        await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
        throw new StripeFault('refused');
      },
    }));
    await expect(subscribe(customerId, deps)).rejects.toMatchObject({ code: 'no_billing_info' });
    expect((await headOf(money.deps, customerId)).paymentMethodId).toBeNull();
  });

  describe('an order of long ago', () => {
    async function ordered(made: boolean) {
      const { customerId } = await customerWithCard(money, 0);
      const deps = await answering((port) => ({
        subscribe: async (asked) => {
          if (made) await port.subscribe(asked);
          throw new StripeFault('transient');
        },
      }));
      await expect(subscribe(customerId, deps)).rejects.toMatchObject({ code: 'payment_pending' });
      const open = await order(customerId);
      if (open === null) throw new Error('no order');
      return { customerId, open };
    }
    const finishAfter = ({ customerId, open }: Awaited<ReturnType<typeof ordered>>, ms: number) => {
      const now = () => new Date(Date.parse(open.startedAt) + ms);
      return finishOrder({ ...money.deps, now }, customerId, open);
    };

    it('an old order is sent while its key is safe, and only looked up after that', async () => {
      const safe = await ordered(false);
      expect(await finishAfter(safe, KEY_IS_SAFE_MS)).toMatchObject({
        head: { balance: 60, subscriptionType: 'pro' },
      });
      const late = await ordered(false);
      expect(await finishAfter(late, KEY_IS_SAFE_MS + 1)).toMatchObject({
        head: { balance: 0, subscription: null },
      });
      expect(await order(late.customerId)).toMatchObject({ state: 'refused' });
    });

    it('an old order that was made is found and granted once', async () => {
      const late = await ordered(true);
      for (let times = 0; times < 2; times++) {
        expect(await finishAfter(late, KEY_IS_SAFE_MS + 1)).toMatchObject({
          created: times === 0,
          head: { balance: 60, subscriptionType: 'pro' },
        });
      }
      expect(await order(late.customerId)).toMatchObject({ state: 'done' });
    });
  });
});

describe('an order that nobody comes back for', () => {
  const HOUR_MS = 60 * 60 * 1000;

  async function ordered(): Promise<string> {
    const { customerId } = await customerWithCard(money, 0);
    // Old enough that its request cannot be in flight.
    const now = () => new Date(Date.now() - 3 * 60 * 1000);
    const deps = { ...(await answering(() => ({ subscribe: failing('transient') }))), now };
    await expect(subscribeToPro(deps, customerId, null)).rejects.toMatchObject({ code: 'payment_pending' });
    return customerId;
  }
  const sweep = (deps: PaymentDeps) => settlePendingCharges(deps, -HOUR_MS);
  const stateOf = async (customerId: string) => {
    const [item] = await readTogether(table, [keys.order(customerId)]);
    return orderOf(item)?.state;
  };

  it('an abandoned order is finished by the sweeper', async () => {
    const customerId = await ordered();
    expect(await sweep(money.deps)).toMatchObject({ failed: [] });
    expect(await stateOf(customerId)).toBe('done');
    expect((await headOf(money.deps, customerId)).balance).toBe(60);
  });

  it.each(['declined', 'authentication_required'] as const)(
    'an abandoned order that is refused (%s) has ended, and is no open work',
    async (kind) => {
      const customerId = await ordered();
      const deps = await answering(() => ({ subscribe: failing(kind) }));
      expect(await sweep(deps)).toMatchObject({ failed: [] });
      expect(await stateOf(customerId)).toBe('refused');
    },
  );

  it.each([
    ['no card', (id: string) => setHead(id, 'stripe_customer_id', null)],
    ['an open dispute', (id: string) => setHead(id, 'open_disputes', ['dp_1'])],
  ])('an abandoned order that is refused for %s has ended', async (_name, happen) => {
    const customerId = await ordered();
    await happen(customerId);
    const deps = await answering(() => ({ subscribe: failing('refused') }));
    expect(await sweep(deps)).toMatchObject({ failed: [] });
    expect(await stateOf(customerId)).toBe('refused');
  });

  it.each([
    ['transient', 'payment_pending', 'ordering'],
    ['misconfigured', 'payments_misconfigured', 'refused'],
  ] as const)('an abandoned order at which Stripe fails (%s) is reported: %s', async (kind, code, state) => {
    const customerId = await ordered();
    const deps = await answering(() => ({ subscribe: failing(kind) }));
    const { failed } = await sweep(deps);
    expect(failed).toMatchObject([{ work: { item: { kind: 'order', customerId } }, error: { code } }]);
    expect(await stateOf(customerId)).toBe(state);
    await sweep(money.deps);
  });
});

describe('cancelling', () => {
  it('cancelling needs a subscription', async () => {
    const { customerId } = await customerWithCard(money, 5);
    await expect(cancelSubscription(money.deps, customerId, true)).rejects.toMatchObject({
      code: 'subscription_not_found',
    });
  });

  it('cancelling at the period end keeps Pro until then, and now ends it; credits stay, and a repeat changes nothing', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await subscribeToPro(money.deps, customerId, null);
    const ending = { subscriptionType: 'pro', subscription: { state: 'active', cancelAtPeriodEnd: true } };
    for (let times = 0; times < 2; times++) {
      expect(await cancelSubscription(money.deps, customerId, true)).toMatchObject(ending);
    }
    const over = { balance: 60, subscriptionType: 'pay_as_you_go', subscription: { state: 'canceled' } };
    for (const atPeriodEnd of [false, false, true]) {
      expect(await cancelSubscription(money.deps, customerId, atPeriodEnd)).toMatchObject(over);
    }
    expect(await noticeContentsOf(money.deps, customerId, 'subscription_ended')).toHaveLength(1);
  });

  it('a cancellation without an answer from Stripe can be sent again', async () => {
    const { customerId } = await customerWithCard(money, 0);
    await subscribeToPro(money.deps, customerId, null);
    const deps = await answering(() => ({
      setCancelAtPeriodEnd: failing('transient'),
      cancelSubscription: failing('transient'),
    }));
    for (const atPeriodEnd of [true, false]) {
      await expect(cancelSubscription(deps, customerId, atPeriodEnd)).rejects.toMatchObject({
        code: 'payments_unavailable',
      });
    }
  });
});

describe('what Stripe says of an account', () => {
  it('the account is not read from Stripe without a customer, nor for a former customer', async () => {
    const head = await signedUp();
    expect(await syncAccount(money.deps, head.customerId)).toMatchObject({ wrote: false });
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    expect(await syncAccount(money.deps, customerId, { of: 'cus_former' })).toMatchObject({ wrote: false });
    expect(await syncAccount(money.deps, customerId, { of: stripeCustomerId })).toMatchObject({
      wrote: true,
    });
  });

  it('a card put on file elsewhere is bound, so that its events find their owner', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const card = await money.newCard();
    await money.stripe.paymentMethods.attach(card, { customer: stripeCustomerId });
    await money.stripe.customers.update(stripeCustomerId, {
      invoice_settings: { default_payment_method: card },
    });
    const { head } = await syncAccount(money.deps, customerId);
    expect(head.paymentMethodId).toBe(card);
    const [bound] = await readTogether(table, [keys.stripe(card)]);
    expect(bound).toMatchObject({ customer_id: customerId });
  });

  it('the account of a deleted Stripe customer is empty', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    await money.stripe.customers.del(stripeCustomerId);
    expect((await syncAccount(money.deps, customerId)).head).toMatchObject({
      paymentMethodId: null,
      subscription: null,
      subscriptionType: 'pay_as_you_go',
      stripeCustomerId: null,
      formerStripeCustomerId: stripeCustomerId,
    });
  });

  it('a failed renewal has one letter for each card and day, however often it is retried', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const renewal = { id: 'in_1', number: null, amountCents: 59_900, nextAttemptAt: null, declineCode: null };
    const failed = (attempt: number, cardKey: string | null, failedAt: string) =>
      syncAccount(money.deps, customerId, { failedRenewal: { ...renewal, attempt, cardKey, failedAt } });
    for (const attempt of [1, 1, 2, 3]) await failed(attempt, 'fp_1', '2026-11-24T00:00:00.000Z');
    await failed(4, 'fp_2', '2026-11-24T23:59:59.000Z');
    for (const attempt of [5, 6]) await failed(attempt, 'fp_1', '2026-11-25T00:00:00.000Z');
    for (const attempt of [7, 8]) await failed(attempt, null, '2026-11-25T00:00:00.000Z');
    const letters = await noticeContentsOf(money.deps, customerId, 'payment_failed');
    const attempts = letters.map((one) => (one.kind === 'payment_failed' ? one.attempt : 0));
    expect(attempts.sort()).toEqual([1, 4, 5, 7]);
  });
});

describe('a paid Pro invoice', () => {
  /** Settles the invoice with these facts from Stripe and nothing returned. */
  const settle = async (customerId: string, invoice: ProInvoice) => {
    const answers = { readInvoiceValue: async () => ({ invoice, returned: NOTHING_RETURNED }) };
    return settleInvoice(await answering(() => answers), customerId, invoice.id);
  };

  it('a paid Pro invoice is granted once, and pays owed credits first', async () => {
    const { customerId } = await signedUp();
    await setHead(customerId, 'debt', 7);
    const paid = invoiceOf({ id: `in_${customerId}` });
    expect(await settle(customerId, paid)).toBe(true);
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 58, debt: 0 });
    expect(await settle(customerId, paid)).toBe(false);
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 58, debt: 0 });
  });

  it('a paid Pro invoice without credits changes nothing', async () => {
    const head = await signedUp();
    expect(await settle(head.customerId, invoiceOf({ id: 'in_2', paid: false }))).toBe(false);
    expect(await headOf(money.deps, head.customerId)).toEqual(head);
  });

  it('a paid Pro invoice does not change the profile if nothing is owed', async () => {
    const head = await signedUp();
    await settle(head.customerId, invoiceOf({ id: 'in_3' }));
    expect((await headOf(money.deps, head.customerId)).revision).toBe(head.revision);
  });
});

describe('an operator’s adjustment', () => {
  const adjustment = { amount: -3, reason: 'a gift', actor: 'ada', idempotencyKey: 'k1' };

  it("an operator's adjustment stores reason, actor and key, and a repeat returns the same result", async () => {
    const { customerId } = await signedUp();
    expect(await adjustCredits(money.deps, customerId, adjustment)).toEqual({
      already: false,
      balance: 2,
      seq: 2,
    });
    expect(await newest(customerId, 1)).toEqual([
      {
        amount: -3,
        source: 'adjustment',
        metadata: { reason: 'a gift', actor: 'ada', idempotency_key: 'k1' },
      },
    ]);
    await adjustCredits(money.deps, customerId, { ...adjustment, amount: 1, idempotencyKey: 'k2' });
    expect(await adjustCredits(money.deps, customerId, adjustment)).toEqual({
      already: true,
      balance: 2,
      seq: 2,
    });
  });

  it.each([{ amount: -2 }, { reason: 'another' }, { actor: 'bob' }])(
    'an adjustment with %j under the same key is rejected',
    async (other) => {
      const { customerId } = await signedUp();
      await adjustCredits(money.deps, customerId, adjustment);
      const again = adjustCredits(money.deps, customerId, { ...adjustment, ...other });
      await expect(again).rejects.toMatchObject({ code: 'key_reused' });
      expect((await headOf(money.deps, customerId)).balance).toBe(2);
    },
  );

  it('an adjustment removes up to the balance, and no more', async () => {
    const { customerId } = await signedUp();
    const all = (amount: number) => adjustCredits(money.deps, customerId, { ...adjustment, amount });
    await expect(all(-6)).rejects.toMatchObject({
      code: 'insufficient_credits',
      facts: { credit_balance: 5 },
    });
    expect(await all(-5)).toMatchObject({ balance: 0 });
  });
});

describe('closing an account', () => {
  it('closing an account without a card only asks Stripe whether it knows the customer', async () => {
    const { customerId } = await signedUp();
    expect(await closeCustomer(money.deps, customerId)).toMatchObject({ already: false, balance: 5 });
    expect((await headOf(money.deps, customerId)).closedAt).not.toBeNull();
  });

  it('closing an account finishes an order in flight, and ends its subscription', async () => {
    const { customerId } = await customerWithCard(money, 0);
    money.double.faults.add({ method: 'POST', path: '/v1/subscriptions', kind: 'drop_after', times: 6 });
    const ordering = subscribeToPro(money.deps, customerId, null);
    await expect(ordering).rejects.toMatchObject({ code: 'payment_pending' });
    money.double.faults.clear();
    await closeCustomer(money.deps, customerId);
    expect(await headOf(money.deps, customerId)).toMatchObject({
      balance: 60,
      subscription: { state: 'canceled' },
    });
    const [item] = await readTogether(table, [keys.order(customerId)]);
    expect(orderOf(item)?.state).toBe('done');
  });

  async function waiting(): Promise<{ customerId: string; fixId: string; paymentIntentId: string }> {
    const { customerId } = await customerWithCard(money, 0, 'pm_card_authenticationRequired');
    const fixId = await recordedFix(money.deps, customerId, 1);
    const billing = await billFixAttempt(money.deps, customerId, fixId);
    if (billing.kind !== 'action_required') throw new Error(billing.kind);
    return { customerId, fixId, paymentIntentId: billing.payment.paymentIntentId };
  }
  const fixOf = async ({ customerId, fixId }: { customerId: string; fixId: string }) => {
    const [item] = await readTogether(table, [keys.fix(customerId, fixId)]);
    if (item === undefined) throw new Error('no fix');
    return decodeFix(item);
  };

  it('closing an account bills a payment that the cardholder just confirmed', async () => {
    const one = await waiting();
    await money.control(`payment_intents/${one.paymentIntentId}/authenticate`, { succeeds: true });
    await closeCustomer(money.deps, one.customerId);
    expect(await fixOf(one)).toMatchObject({ billed: { paymentIntentId: one.paymentIntentId } });
  });

  it('closing an account ends a charge that does not exist at Stripe', async () => {
    const one = await waiting();
    const deps = await answering(() => ({ cancelPayment: async () => null }));
    await closeCustomer(deps, one.customerId);
    expect(await fixOf(one)).toMatchObject({ billed: null, charge: { state: 'closed' } });
  });

  it('closing an account also anonymises a Stripe customer whose address was changed there', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    await money.stripe.customers.update(stripeCustomerId, { name: 'Ada', email: 'other@customer.example' });
    await closeCustomer(money.deps, customerId);
    const kept = await money.stripe.customers.retrieve(stripeCustomerId);
    expect(kept).not.toMatchObject({ name: 'Ada' });
    expect(kept).not.toMatchObject({ email: 'other@customer.example' });
  });
});
