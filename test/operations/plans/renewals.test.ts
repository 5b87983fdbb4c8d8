import { beforeEach, describe, expect, it } from 'vitest';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { announceRenewal, finishRenewal, payRenewal } from '../../../lib/operations/plans/pay-renewal.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../../lib/operations/plans/sync-account.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readOrder } from '../../../lib/store/orders.ts';
import { readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { decodeRenewal, type Renewal } from '../../../lib/store/renewals.ts';
import { readTogether, type Table } from '../../../lib/store/table.ts';
import { StripeFault } from '../../../lib/stripe/fault.ts';
import { KEY_IS_SAFE_MS, type StripePort } from '../../../lib/stripe/port.ts';
import { markClosed } from '../../support/customers.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';
import { attachedCard, pastDueCustomer, putDefault as putDefaultCard } from '../../support/past-due.ts';
import { setHead } from '../../support/set-head.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';

/* Open renewals: a new default card and subscribing both pay the newest one. */

let table: Table;
let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(money.deps, answers);

const pastDue = () => pastDueCustomer(money);
const attached = (customer: string, method?: string) => attachedCard(money, customer, method);
const putDefault = (customer: string, method: string) => putDefaultCard(money, customer, method);

const statusOf = (invoiceId: string) => money.double.state.invoices.find(invoiceId)?.status;

async function renewalOf(customerId: string): Promise<Renewal | null> {
  const [item] = await readTogether(table, [keys.renewal(customerId)]);
  return item === undefined ? null : decodeRenewal(item);
}

const subscribe = async (customerId: string, deps: PaymentDeps = money.deps) =>
  subscribeToPro(deps, customerId, await readOrder(table, customerId));

const payments = () => money.double.calls.all.filter(({ path }) => path.endsWith('/pay')).length;

describe('the budget of a card', () => {
  it('the budget of a card includes renewals: after a hard decline none is tried, even when a person subscribes', async () => {
    const { customerId, invoiceId } = await pastDue();
    const stolen = await answering(() => ({
      payInvoice: failing('declined', { declineCode: 'stolen_card' }),
    }));
    await expect(subscribe(customerId, stolen)).rejects.toMatchObject({ code: 'card_declined' });
    const before = payments();
    await expect(subscribe(customerId)).rejects.toThrow(/will not accept it again/);
    expect([payments(), statusOf(invoiceId)]).toEqual([before, 'open']);
  });

  it('the budget of a card counts a renewal as in flight while its outcome is unknown', async () => {
    const { customerId } = await pastDue();
    const silent = await answering(() => ({ payInvoice: failing('transient') }));
    await expect(subscribe(customerId, silent)).rejects.toMatchObject({ code: 'payment_pending' });
    const underWay = async () =>
      Object.values((await readCardTries(table, customerId)).cards).flatMap((card) => card.underWay);
    expect((await underWay()).map(({ id }) => id)).toEqual(['renewal:1']);
    await settlePendingCharges(money.deps, 0);
    expect(await underWay()).toEqual([]);
  });

  it('the budget of a card counts a declined renewal, and forgets it once another one is paid', async () => {
    const { customerId, head } = await pastDue();
    const declines = async () =>
      Object.values((await readCardTries(table, customerId)).cards).map((card) => card.declines.length);
    await expect(subscribe(customerId)).rejects.toMatchObject({ code: 'card_declined' });
    const counted = (await declines()).reduce((sum, count) => sum + count, 0);
    expect(counted).toBeGreaterThanOrEqual(1);
    expect(await addPaymentMethod(money.deps, head, await money.newCard())).toMatchObject({
      renewal: 'paid',
    });
    // The table does not keep the order of the cards.
    const { cardKey } = await headOf(money.deps, customerId);
    expect((await readCardTries(table, customerId)).cards[cardKey ?? '']?.declines).toEqual([]);
  });
});

describe('a new card', () => {
  it('a new card pays the open renewal, with its credits and its paid period', async () => {
    const { customerId, head, invoiceId } = await pastDue();
    const added = await addPaymentMethod(money.deps, head, await money.newCard());
    expect(added).toMatchObject({ renewal: 'paid', head: { balance: head.balance + 60 } });
    expect(added.head.subscription).toMatchObject({ state: 'active' });
    expect(Date.parse(added.head.subscription?.coveredUntil ?? '')).toBeGreaterThan(
      Date.parse(head.subscription?.coveredUntil ?? ''),
    );
    expect(statusOf(invoiceId)).toBe('paid');
    expect(await renewalOf(customerId)).toMatchObject({ state: 'paid', invoiceId, amountCents: 59_900 });
    await money.deliver();
    await expectSoundMoney(money, customerId);
  });

  it('a new card is on file even if the renewal is declined', async () => {
    const { head, invoiceId } = await pastDue();
    const added = await addPaymentMethod(money.deps, head, 'pm_card_chargeCustomerFail');
    expect(added).toMatchObject({ renewal: 'declined', head: { balance: head.balance } });
    expect(added.head.paymentMethodId).not.toBe(head.paymentMethodId);
    expect(statusOf(invoiceId)).toBe('open');
  });

  it('a new card returns `declined` even if its budget allows no further try', async () => {
    const { head, customerId } = await pastDue();
    const added = await addPaymentMethod(money.deps, head, 'pm_card_chargeCustomerFail');
    const cardId = added.head.paymentMethodId ?? '';
    const answers: string[] = [added.renewal];
    for (let tries = 0; tries < 16; tries++) {
      answers.push(
        (await addPaymentMethod(money.deps, await headOf(money.deps, customerId), cardId)).renewal,
      );
    }
    expect(new Set(answers)).toEqual(new Set(['declined']));
    expect(await renewalOf(customerId)).toMatchObject({ state: 'declined', attempt: 15 });
  });

  it.each(['authentication_required', 'invoice_payment_intent_requires_action'] as const)(
    'a new card is on file even if its bank asks the cardholder for the renewal, as %s',
    async (code) => {
      money.double.state.switches.invoice_pay_authentication_code = code;
      const { head, customerId } = await pastDue();
      const added = await addPaymentMethod(money.deps, head, 'pm_card_authenticationRequired');
      expect(added.renewal).toBe('needs_approval');
      expect(await renewalOf(customerId)).toMatchObject({ state: 'needs_approval' });
    },
  );

  it('a new card is on file even if Stripe does not answer, and the sweeper pays the renewal', async () => {
    const { head, customerId, invoiceId } = await pastDue();
    const deps = await answering(() => ({ payInvoice: failing('transient') }));
    const added = await addPaymentMethod(deps, head, await money.newCard());
    expect(added.renewal).toBe('none');
    expect(await renewalOf(customerId)).toMatchObject({ state: 'paying' });
    await settlePendingCharges(money.deps, 0);
    expect(statusOf(invoiceId)).toBe('paid');
    expect(await renewalOf(customerId)).toMatchObject({ state: 'paid' });
    expect((await headOf(money.deps, customerId)).balance).toBe(head.balance + 60);
  });

  it('a new card pays nothing if no renewal is open', async () => {
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    await subscribe(customerId);
    const added = await addPaymentMethod(
      money.deps,
      await headOf(money.deps, customerId),
      await money.newCard(),
    );
    expect(added.renewal).toBe('none');
    expect(payments()).toBe(0);
  });

  it("a new card replaces a subscription's own card, and pays the renewal", async () => {
    const { head, stripeCustomerId, subscriptionId } = await pastDue();
    const own = await attached(stripeCustomerId, 'pm_card_chargeCustomerFail');
    await money.stripe.subscriptions.update(subscriptionId, { default_payment_method: own });
    expect(await addPaymentMethod(money.deps, head, await money.newCard())).toMatchObject({
      renewal: 'paid',
    });
    const { default_payment_method: now } = await money.stripe.subscriptions.retrieve(subscriptionId);
    expect(now).not.toBe(own);
  });

  it('a new card pays a renewal that Stripe has given up collecting if a person adds it, but not by customer.updated alone', async () => {
    const { customerId, stripeCustomerId, invoiceId } = await pastDue();
    await money.stripe.invoices.markUncollectible(invoiceId);
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    await money.deliver();
    expect([statusOf(invoiceId), payments()]).toEqual(['uncollectible', 0]);
    const head = await headOf(money.deps, customerId);
    const added = await addPaymentMethod(money.deps, head, await money.newCard());
    expect(added).toMatchObject({ renewal: 'paid', head: { balance: head.balance + 60 } });
    expect(statusOf(invoiceId)).toBe('paid');
  });

  it('a new default card at Stripe pays the open renewal once customer.updated arrived', async () => {
    const { head, customerId, stripeCustomerId, invoiceId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    await money.deliver();
    await money.deliver();
    expect(statusOf(invoiceId)).toBe('paid');
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: head.balance + 60 });
    await expectSoundMoney(money, customerId);
  });

  it('a new card whose bank asks the cardholder is tried once per invoice, however often customer.updated is delivered', async () => {
    const { stripeCustomerId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId, 'pm_card_authenticationRequired'));
    const tries = payments();
    for (let n = 1; n <= 3; n++) {
      await money.stripe.customers.update(stripeCustomerId, { metadata: { n } });
      await money.deliver();
    }
    expect(payments() - tries).toBe(1);
  });

  it('a new card that declines is tried once per invoice, however often customer.updated is delivered', async () => {
    const { stripeCustomerId, customerId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId, 'pm_card_chargeCustomerFail'));
    await money.deliver();
    const before = payments();
    // Stripe may also create two events for one change.
    const changes = money.events().filter(({ type }) => type === 'customer.updated');
    await money.deliver(changes.map((event) => ({ ...event, id: `${event.id}again` })));
    expect(await announceRenewal(money.deps, customerId, false)).toBeNull();
    expect(payments()).toBe(before);
    expect(await announceRenewal(money.deps, customerId, true)).toMatchObject({ state: 'paying' });
  });
});

describe('subscribing while past due', () => {
  it('subscribing while past due pays the open renewal and creates no second subscription', async () => {
    const { customerId, head, stripeCustomerId, invoiceId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    expect(await subscribe(customerId)).toMatchObject({
      created: false,
      head: { balance: head.balance + 60, subscription: { state: 'active' } },
    });
    expect(statusOf(invoiceId)).toBe('paid');
    expect(money.double.state.subscriptions.newestFirst).toHaveLength(1);
  });

  it('subscribing again after a crash between the payment and its credits returns the granted credits', async () => {
    const { customerId, head, stripeCustomerId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    const dying = await answering((port) => ({
      payInvoice: async (order) => {
        await port.payInvoice(order);
        throw new Error('killed');
      },
    }));
    await expect(subscribe(customerId, dying)).rejects.toThrow('killed');
    expect(await subscribe(customerId)).toMatchObject({
      created: false,
      head: { balance: head.balance + 60, subscription: { state: 'active' } },
    });
    expect(await renewalOf(customerId)).toMatchObject({ state: 'paid' });
    expect(payments()).toBe(1);
  });

  it('subscribing while past due pays a renewal that Stripe has given up collecting', async () => {
    const { customerId, head, stripeCustomerId, invoiceId } = await pastDue();
    await money.stripe.invoices.markUncollectible(invoiceId);
    await expect(subscribe(customerId)).rejects.toMatchObject({ code: 'card_declined' });
    expect(statusOf(invoiceId)).toBe('uncollectible');
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    expect(await subscribe(customerId)).toMatchObject({
      created: false,
      head: { balance: head.balance + 60, subscription: { state: 'active' } },
    });
    expect(statusOf(invoiceId)).toBe('paid');
    await money.deliver();
    await expectSoundMoney(money, customerId);
  });

  it('subscribing while past due is refused if the card declines, or its bank asks the cardholder', async () => {
    const { customerId, stripeCustomerId } = await pastDue();
    await expect(subscribe(customerId)).rejects.toMatchObject({ code: 'card_declined' });
    await putDefault(stripeCustomerId, await attached(stripeCustomerId, 'pm_card_authenticationRequired'));
    await expect(subscribe(customerId)).rejects.toMatchObject({ code: 'authentication_required' });
  });
});

describe('subscribing while past due, if nothing is paid', () => {
  const NOTHING_TO_PAY = {
    code: 'payments_unavailable',
    message: expect.stringContaining('Cancel Pro now, not at the end of the period'),
    facts: { retryAfterSeconds: 3_600 },
  };

  it.each(['keep_as_draft', 'mark_uncollectible', 'void'] as const)(
    'subscribing while past due is refused if collection is paused with %s',
    async (behavior) => {
      const { customerId, subscriptionId, invoiceId } = await pastDue();
      await money.stripe.subscriptions.update(subscriptionId, { pause_collection: { behavior } });
      await expect(subscribe(customerId)).rejects.toMatchObject(NOTHING_TO_PAY);
      expect([payments(), statusOf(invoiceId)]).toEqual([0, 'open']);
    },
  );

  it('subscribing while past due is refused if no invoice can be paid, and creates a subscription after cancelling now', async () => {
    const { customerId, head, stripeCustomerId, invoiceId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    await money.stripe.invoices.voidInvoice(invoiceId);
    await expect(subscribe(customerId)).rejects.toMatchObject(NOTHING_TO_PAY);
    expect(payments()).toBe(0);
    await cancelSubscription(money.deps, customerId, false);
    expect(await subscribe(customerId)).toMatchObject({
      created: true,
      head: { balance: head.balance + 60, subscription: { state: 'active' } },
    });
    await money.deliver();
    await expectSoundMoney(money, customerId);
  });

  it('subscribing while past due is refused if Stripe does not accept the card for the invoice', async () => {
    const { customerId } = await pastDue();
    const refusing = await answering(() => ({ payInvoice: failing('refused') }));
    await expect(subscribe(customerId, refusing)).rejects.toMatchObject({
      code: 'card_declined',
      message: expect.stringContaining('Add another card'),
      facts: { decline_code: 'payment_method_unusable' },
    });
  });

  it('subscribing while past due can be repeated if the card has changed since the renewal was announced', async () => {
    const { customerId, head, stripeCustomerId } = await pastDue();
    await announceRenewal(money.deps, customerId, true);
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    await expect(subscribe(customerId)).rejects.toMatchObject({
      code: 'payments_unavailable',
      message: expect.stringContaining('Send the same request again.'),
      facts: {},
    });
    expect(payments()).toBe(0);
    expect(await subscribe(customerId)).toMatchObject({ head: { balance: head.balance + 60 } });
  });

  it('subscribing while past due is refused if the renewal costs more than the person agreed to', async () => {
    const { customerId, stripeCustomerId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    const subscribeFor = (mostCents: number) =>
      subscribeToPro(money.deps, customerId, null, 'pro', {
        returnUrl: 'https://billing.example',
        mostCents,
      });
    await expect(subscribeFor(59_899)).rejects.toMatchObject({
      code: 'form_outdated',
      message: 'The renewal costs $599.00 now. Nothing was charged.',
    });
    expect(payments()).toBe(0);
    expect(await subscribeFor(59_900)).toMatchObject({ head: { subscription: { state: 'active' } } });
  });

  it("subscribing while past due succeeds if Stripe's own retry has just paid the renewal", async () => {
    const { customerId, stripeCustomerId, invoiceId } = await pastDue();
    const good = await attached(stripeCustomerId);
    const deps = await answering((port) => ({
      findOpenRenewal: async (...asked) => {
        await money.stripe.invoices.pay(invoiceId, { payment_method: good });
        return port.findOpenRenewal(...asked);
      },
    }));
    const { created, head } = await subscribe(customerId, deps);
    expect([created, head.subscription?.state]).toEqual([false, 'active']);
  });

  it('subscribing while past due can be repeated if the subscription ends meanwhile', async () => {
    const { customerId, subscriptionId } = await pastDue();
    const deps = await answering(() => ({
      findOpenRenewal: async () => {
        await money.stripe.subscriptions.cancel(subscriptionId);
        return null;
      },
    }));
    const changed = {
      code: 'payments_unavailable',
      message: expect.stringContaining('Send the same request'),
    };
    await expect(subscribe(customerId, deps)).rejects.toMatchObject(changed);
  });

  it('subscribing while past due is refused if the account is closed meanwhile', async () => {
    const { customerId } = await pastDue();
    const deps = await answering(() => ({
      findOpenRenewal: async () => {
        await markClosed(money.deps, customerId);
        return null;
      },
    }));
    await expect(subscribe(customerId, deps)).rejects.toMatchObject({ code: 'account_closed' });
  });
});

describe('a renewal', () => {
  it('a renewal is not paid while a dispute is open, nor for a subscription that is set to end', async () => {
    const { customerId } = await pastDue();
    await setHead(table, customerId, 'open_disputes', ['du_1']);
    expect(await payRenewal(money.deps, customerId, true)).toEqual({ kind: 'none' });
    await setHead(table, customerId, 'open_disputes', []);
    await cancelSubscription(money.deps, customerId, true);
    expect(await payRenewal(money.deps, customerId, true)).toEqual({ kind: 'none' });
    // Not even announced.
    expect(await renewalOf(customerId)).toBeNull();
    expect(payments()).toBe(0);
  });

  it('an announced renewal is not sent after a dispute, or a change of the card or a cancellation', async () => {
    const { customerId, stripeCustomerId, invoiceId } = await pastDue();
    const announced = await announceRenewal(money.deps, customerId, true);
    if (announced === null) throw new Error('nothing to pay');
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    expect(await finishRenewal(money.deps, customerId, announced)).toEqual({ kind: 'none' });
    expect(await renewalOf(customerId)).toMatchObject({ state: 'closed' });
    const second = await announceRenewal(money.deps, customerId, true);
    if (second === null) throw new Error('nothing to pay');
    expect(second.attempt).toBe(2);
    await setHead(table, customerId, 'open_disputes', ['du_1']);
    expect(await finishRenewal(money.deps, customerId, second)).toEqual({ kind: 'none' });
    expect(payments()).toBe(0);
    expect(statusOf(invoiceId)).toBe('open');
  });

  it('a renewal is not sent after a dispute whose event is lost, and subscribing says that a payment is disputed', async () => {
    const { customerId, stripeCustomerId, invoiceId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    const charge = money.double.state.charges.newestFirst.find(({ status }) => status === 'succeeded');
    await money.control(`charges/${charge?.id ?? ''}/dispute`);
    await expect(subscribe(customerId)).rejects.toMatchObject({
      code: 'account_disputed',
      facts: { reasons: ['account_disputed'] },
    });
    expect(await renewalOf(customerId)).toMatchObject({ attempt: 1, state: 'closed' });
    expect((await headOf(money.deps, customerId)).openDisputes).toHaveLength(1);
    expect([payments(), statusOf(invoiceId)]).toEqual([0, 'open']);
  });

  it('an announced renewal is closed and not sent after its invoice was voided', async () => {
    const { customerId, invoiceId } = await pastDue();
    const renewal = await announceRenewal(money.deps, customerId, true);
    if (renewal === null) throw new Error('no renewal was announced');
    await money.stripe.invoices.voidInvoice(invoiceId);
    const before = payments();
    expect(await finishRenewal(money.deps, customerId, renewal)).toEqual({ kind: 'none' });
    expect(payments()).toBe(before);
    expect(await renewalOf(customerId)).toMatchObject({ state: 'closed' });
  });

  it('a renewal whose response was lost is found paid, and its credits are granted once', async () => {
    const { customerId, head, stripeCustomerId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    await syncAccount(money.deps, customerId);
    const deps = await answering((port) => ({
      payInvoice: async (asked) => {
        await port.payInvoice(asked);
        throw new StripeFault('indeterminate', { answered: false });
      },
    }));
    await expect(payRenewal(deps, customerId, true)).rejects.toMatchObject({ code: 'payment_pending' });
    await settlePendingCharges(money.deps, 0);
    await settlePendingCharges(money.deps, 0);
    await money.deliver();
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: head.balance + 60 });
    expect(await renewalOf(customerId)).toMatchObject({ state: 'paid' });
    await expectSoundMoney(money, customerId);
  });

  it('a renewal that Stripe is still processing stays announced, and grants its credits once it is paid', async () => {
    const { customerId, head, stripeCustomerId, invoiceId } = await pastDue();
    const good = await attached(stripeCustomerId);
    await putDefault(stripeCustomerId, good);
    const processing = await answering(() => ({ payInvoice: failing('indeterminate', { answered: true }) }));
    await expect(subscribe(customerId, processing)).rejects.toMatchObject({ code: 'payment_pending' });
    await settlePendingCharges(processing, 0);
    expect(await renewalOf(customerId)).toMatchObject({ attempt: 1, state: 'paying' });
    await money.stripe.invoices.pay(invoiceId, { payment_method: good });
    await settlePendingCharges(processing, 0);
    expect(await renewalOf(customerId)).toMatchObject({ attempt: 1, state: 'paid' });
    expect((await headOf(money.deps, customerId)).balance).toBe(head.balance + 60);
    await expectSoundMoney(money, customerId);
  });

  it('a day-old renewal is only looked up, because its key is no longer safe', async () => {
    const { customerId, stripeCustomerId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    await syncAccount(money.deps, customerId);
    const announced = await announceRenewal(money.deps, customerId, true);
    if (announced === null) throw new Error('nothing to pay');
    const now = () => new Date(Date.parse(announced.startedAt) + KEY_IS_SAFE_MS + 1);
    expect(await finishRenewal({ ...money.deps, now }, customerId, announced)).toEqual({ kind: 'none' });
    expect(payments()).toBe(0);
  });

  it('a renewal that costs more than a person agreed to is neither announced nor paid', async () => {
    const { customerId, stripeCustomerId, invoiceId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    await syncAccount(money.deps, customerId);
    const before = payments();
    expect(await payRenewal(money.deps, customerId, true, 59_899)).toEqual({ kind: 'none' });
    expect([payments(), statusOf(invoiceId), await renewalOf(customerId)]).toEqual([before, 'open', null]);
    expect(await payRenewal(money.deps, customerId, true, 59_900)).toEqual({ kind: 'paid' });
  });

  it('RENEWAL_UNMOVED: of concurrent callers one announces the payment, and it is paid once', async () => {
    const { customerId, head, stripeCustomerId } = await pastDue();
    await putDefault(stripeCustomerId, await attached(stripeCustomerId));
    await syncAccount(money.deps, customerId);
    const outcomes = await Promise.all([1, 2, 3].map(() => payRenewal(money.deps, customerId, true)));
    expect(outcomes.filter(({ kind }) => kind === 'paid').length).toBeGreaterThan(0);
    expect(await renewalOf(customerId)).toMatchObject({ attempt: 1, state: 'paid' });
    expect((await headOf(money.deps, customerId)).balance).toBe(head.balance + 60);
    await money.deliver();
    await expectSoundMoney(money, customerId);
  });
});
