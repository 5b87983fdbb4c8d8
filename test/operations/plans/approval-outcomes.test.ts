import { beforeAll, describe, expect, it } from 'vitest';
import { approveFixPayment } from '../../../lib/operations/fixes/approve-fix.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { afterApproval, readApprovalStep } from '../../../lib/operations/plans/after-approval.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { followOrder } from '../../../lib/operations/plans/finish-order.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { readOrder } from '../../../lib/store/orders.ts';
import { readCardTries } from '../../../lib/store/payments/card-tries.ts';
import type { Table } from '../../../lib/store/table.ts';
import type { Approval, Ordered, StripePort } from '../../../lib/stripe/port.ts';
import { recordedFix } from '../../support/customers.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';
import { attachedCard, putDefault } from '../../support/past-due.ts';
import { ASKS, orderByApi as byApi, orderOnPage, PRESENT } from '../../support/pro-orders.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';
import { countingCalls } from '../../support/table.ts';

/* What each state of the first payment means for an order that its cardholder may have to approve. */

let table: Table;
let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(money.deps, answers);
const notAsked = failing('misconfigured');

const order = (customerId: string, deps = money.deps) => orderOnPage(deps, customerId);
const orderByApi = (customerId: string, deps = money.deps) => byApi(deps, customerId);

const stateOf = async (customerId: string) => (await readOrder(table, customerId))?.state;

async function waiting() {
  const who = await customerWithCard(money, 5, ASKS);
  const { approval } = await order(who.customerId);
  if (approval?.state !== 'waiting') throw new Error('nothing waits for approval');
  return { ...who, paymentIntentId: approval.paymentIntentId };
}

const atStripe = (stripeCustomerId: string) => {
  const { subscriptions, invoices, paymentIntents } = money.double.state;
  const own = ({ customer }: { readonly customer: unknown }) => customer === stripeCustomerId;
  return {
    subscriptions: subscriptions.newestFirst.filter(own).map(({ status }) => status),
    invoices: invoices.newestFirst.filter(own).map(({ status }) => status),
    payments: paymentIntents.newestFirst.filter(own).map(({ status }) => status),
  };
};

/** Stripe, where the first payment has this state and its invoice is not paid yet. */
function withPayment(state: Approval['state'], facts: Partial<StripePort> = {}) {
  const unpaid = (ordered: Ordered): Ordered => ({
    ...ordered,
    invoice: ordered.invoice && { ...ordered.invoice, paid: false },
    payment: ordered.payment && { ...ordered.payment, state, next: null },
  });
  return answering((port) => ({
    findOrdered: async (...asked) => {
      const ordered = await port.findOrdered(...asked);
      return ordered && unpaid(ordered);
    },
    readOrdered: async (id) => unpaid(await port.readOrdered(id)),
    ...facts,
  }));
}

describe('a first payment that is about to be paid', () => {
  it.each(['processing', 'succeeded'] as const)(
    'an order whose payment is %s before its invoice is paid waits, and is never ended',
    async (state) => {
      const { customerId, stripeCustomerId, paymentIntentId } = await waiting();
      const settling = await withPayment(state, { endUnpaid: notAsked, cancelSubscription: notAsked });
      expect(await order(customerId, settling)).toMatchObject({
        created: false,
        approval: { paymentIntentId, state },
        head: { balance: 5 },
      });
      // Without a page, there is nothing to approve: the outcome is only not known yet.
      await expect(orderByApi(customerId, settling)).rejects.toMatchObject({ code: 'payment_pending' });
      await expect(cancelSubscription(settling, customerId, true)).rejects.toMatchObject({
        code: 'payment_pending',
      });
      await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
      await followOrder(settling, customerId);
      expect(await stateOf(customerId)).toBe('awaiting_approval');
      expect(atStripe(stripeCustomerId).subscriptions).toEqual(['incomplete']);
    },
  );

  it('an order whose confirmed payment is still processing waits, and is done once its invoice is paid', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const processing = await withPayment('processing', {
      confirmOnSession: async (asked) => ({
        ...(await (await money.deps.stripe()).confirmOnSession(asked)),
        state: 'processing',
      }),
    });
    expect(await order(customerId, processing)).toMatchObject({
      created: false,
      approval: { state: 'processing' },
    });
    expect(await stateOf(customerId)).toBe('awaiting_approval');
    const { cards } = await readCardTries(table, customerId);
    expect(Object.values(cards)).toMatchObject([{ declines: [], underWay: [] }]);
    await settlePendingCharges(money.deps, 0);
    expect(await stateOf(customerId)).toBe('done');
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 65, subscriptionType: 'pro' });
    await expectSoundMoney(money, customerId);
  });

  it('an order on Pro whose invoice Stripe does not name is done, and its credits come with the invoice', async () => {
    const { customerId } = await waiting();
    const paid = await answering((port) => ({
      findOrdered: async (...asked) => {
        const ordered = await port.findOrdered(...asked);
        return (
          ordered && {
            ...ordered,
            invoice: null,
            subscription: { ...ordered.subscription, state: 'active' as const },
          }
        );
      },
    }));
    await followOrder(paid, customerId);
    expect(await stateOf(customerId)).toBe('done');
    expect((await headOf(money.deps, customerId)).balance).toBe(5);
  });

  it('an order that a balance at Stripe pays wholly needs no approval and is done at once', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, ASKS);
    await money.stripe.customers.createBalanceTransaction(stripeCustomerId, {
      amount: -60_000,
      currency: 'usd',
    });
    expect(await order(customerId)).toMatchObject({
      created: true,
      approval: null,
      head: { balance: 65, subscription: { state: 'active' } },
    });
    expect(atStripe(stripeCustomerId)).toMatchObject({ subscriptions: ['active'], invoices: ['paid'] });
  });
});

describe('a first payment that waits', () => {
  it('looking again at an order that waits writes nothing', async () => {
    const { customerId } = await waiting();
    const { calls } = await countingCalls(table, () => followOrder(money.deps, customerId));
    expect(calls.filter((name) => /Put|Update|Transact/.test(name))).toEqual([]);
    expect(await stateOf(customerId)).toBe('awaiting_approval');
  });

  it('an order that waits stays open while Stripe does not list its subscription', async () => {
    const { customerId } = await waiting();
    const behind = await answering(() => ({ findOrdered: async () => null, orderOnSession: notAsked }));
    await expect(order(customerId, behind)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await stateOf(customerId)).toBe('awaiting_approval');
    expect((await order(customerId)).approval).toMatchObject({ state: 'waiting' });
  });

  it('an order whose payment was cancelled at Stripe ends, and the same click orders again', async () => {
    const { customerId, stripeCustomerId, paymentIntentId } = await waiting();
    const cancelled = await withPayment('canceled');
    const { approval } = await order(customerId, cancelled);
    expect(approval?.paymentIntentId).not.toBe(paymentIntentId);
    expect(await readOrder(table, customerId)).toMatchObject({ attempt: 2, state: 'awaiting_approval' });
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['incomplete', 'canceled']);
  });

  it.each(['waiting', 'unconfirmed', 'failed'] as const)(
    'an order whose subscription has ended at Stripe is over, even if its payment is still %s',
    async (state) => {
      const { customerId, stripeCustomerId } = await waiting();
      const [subscription] = money.double.state.subscriptions.newestFirst.filter(
        ({ customer }) => customer === stripeCustomerId,
      );
      await money.stripe.subscriptions.cancel(subscription?.id ?? '');
      await followOrder(await withPayment(state), customerId);
      expect(await readOrder(table, customerId)).toMatchObject({ attempt: 1, state: 'refused' });
      const { cards } = await readCardTries(table, customerId);
      expect(Object.values(cards)).toMatchObject([{ declines: [] }]);
    },
  );

  it('an order of which Stripe names no payment ends, and the same click orders again', async () => {
    const { customerId, stripeCustomerId } = await waiting();
    const bare = (ordered: Ordered): Ordered => ({ ...ordered, payment: null });
    const deps = await answering((port) => ({
      findOrdered: async (...asked) => {
        const ordered = await port.findOrdered(...asked);
        return ordered && bare(ordered);
      },
    }));
    expect((await order(customerId, deps)).approval).toMatchObject({ state: 'waiting' });
    expect(await readOrder(table, customerId)).toMatchObject({ attempt: 2, state: 'awaiting_approval' });
    expect(atStripe(stripeCustomerId)).toMatchObject({
      subscriptions: ['incomplete', 'canceled'],
      invoices: ['open', 'void'],
    });
  });

  it('an order in flight whose subscription has ended at Stripe is over, even if its payment is not confirmed', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const ended = await answering((port) => ({
      orderOnSession: async (asked) => {
        const made = await port.orderOnSession(asked);
        await port.cancelSubscription(made.subscription.id);
        return failing('indeterminate', { answered: true })();
      },
      findOrdered: async (...asked) => {
        const ordered = await port.findOrdered(...asked);
        return (
          ordered && {
            ...ordered,
            payment: ordered.payment && { ...ordered.payment, state: 'unconfirmed' as const },
          }
        );
      },
    }));
    await expect(order(customerId, ended)).rejects.toMatchObject({ code: 'payments_unavailable' });
    expect(await readOrder(table, customerId)).toMatchObject({ attempt: 3, state: 'refused' });
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['canceled', 'canceled', 'canceled']);
  });

  it('an order whose payment Stripe no longer has as confirmed ends, so that it is not asked for twice', async () => {
    const { customerId, stripeCustomerId } = await waiting();
    await followOrder(await withPayment('unconfirmed'), customerId);
    expect(await stateOf(customerId)).toBe('refused');
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['canceled']);
  });
});

describe('a first payment that fails', () => {
  it.each([
    [
      { code: 'card_declined', declineCode: 'insufficient_funds' },
      'insufficient_funds',
      'insufficient_funds',
    ],
    [{ code: 'expired_card', declineCode: null }, 'expired_card', 'expired_card'],
    [null, 'card_declined', 'card_declined'],
  ] as const)(
    'a first payment that was declined as %j ends the order and counts by its most exact code',
    async (decline, decline_code, lastCode) => {
      const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
      const declining = await answering((port) => ({
        confirmOnSession: async ({ paymentIntentId }) => ({
          ...(await port.readApproval(paymentIntentId)),
          state: 'failed',
          decline,
        }),
      }));
      await expect(order(customerId, declining)).rejects.toMatchObject({
        code: 'card_declined',
        facts: { decline_code, reasons: ['card_declined'] },
      });
      expect(await stateOf(customerId)).toBe('refused');
      expect(atStripe(stripeCustomerId).subscriptions).toEqual(['canceled']);
      const { cards } = await readCardTries(table, customerId);
      expect(Object.values(cards)).toMatchObject([{ declines: [expect.any(String)], lastCode }]);
    },
  );

  it('a first payment that the cardholder refuses says so, and is no decline of the card', async () => {
    const { customerId, paymentIntentId } = await waiting();
    await money.control(`payment_intents/${paymentIntentId}/authenticate`, { succeeds: false });
    const refused = order(customerId);
    await expect(refused).rejects.toMatchObject({
      code: 'authentication_required',
      facts: { reasons: ['authentication_required'] },
    });
    await expect(refused).rejects.toThrow(
      /not approved with the bank, so nothing was charged\. Subscribe again, or add another card first/,
    );
    const { cards } = await readCardTries(table, customerId);
    expect(Object.values(cards)).toMatchObject([{ declines: [], lastCode: null }]);
  });

  it('a first payment whose card Stripe refuses ends the order, and its subscription', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const refusing = await answering(() => ({ confirmOnSession: failing('refused') }));
    await expect(order(customerId, refusing)).rejects.toMatchObject({ code: 'payments_misconfigured' });
    expect(await stateOf(customerId)).toBe('refused');
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['canceled']);
  });

  it('a first payment whose confirmation is refused because it is confirmed already is continued', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, ASKS);
    const again = await answering((port) => ({
      confirmOnSession: async (asked) => {
        await port.confirmOnSession(asked);
        return failing('refused')();
      },
    }));
    expect((await order(customerId, again)).approval).toMatchObject({ state: 'waiting' });
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['incomplete']);
    expect(await stateOf(customerId)).toBe('awaiting_approval');
  });

  it('a failed confirmation that Stripe repeats is continued if the payment was confirmed nevertheless', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5, ASKS);
    const lost = await answering((port) => ({
      confirmOnSession: async (asked) => {
        await port.confirmOnSession(asked);
        return failing('indeterminate', { answered: true, replayed: true })();
      },
    }));
    expect((await order(customerId, lost)).approval).toMatchObject({ state: 'waiting' });
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['incomplete']);
  });

  it('an order whose subscription was made but not confirmed stays in flight, because another call may confirm it', async () => {
    const { customerId, stripeCustomerId } = await customerWithCard(money, 5);
    const failed = await answering((port) => ({
      orderOnSession: async (asked) => {
        await port.orderOnSession(asked);
        return failing('indeterminate', { answered: true })();
      },
    }));
    await expect(order(customerId, failed)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await stateOf(customerId)).toBe('ordering');
    expect(atStripe(stripeCustomerId).subscriptions).toEqual(['incomplete']);
    expect(await order(customerId)).toMatchObject({ created: true, head: { balance: 65 } });
    expect(atStripe(stripeCustomerId).payments).toEqual(['succeeded']);
  });

  it('a first payment that Stripe already has as confirmed is not confirmed again', async () => {
    const { customerId } = await customerWithCard(money, 5, ASKS);
    const confirmed = await answering((port) => ({
      orderOnSession: async (asked) => {
        const made = await port.orderOnSession(asked);
        const { paymentMethodId } = await headOf(money.deps, customerId);
        if (made.payment === null || paymentMethodId === null) throw new Error('nothing to confirm');
        const payment = await port.confirmOnSession({
          paymentIntentId: made.payment.paymentIntentId,
          paymentMethodId,
          returnUrl: PRESENT.returnUrl,
          idempotencyKey: `${customerId}:elsewhere`,
        });
        return { ...made, payment };
      },
      confirmOnSession: notAsked,
      readApproval: notAsked,
    }));
    expect((await order(customerId, confirmed)).approval).toMatchObject({ state: 'waiting' });
    expect(await stateOf(customerId)).toBe('awaiting_approval');
  });

  it('the first payment is confirmed once, with its own card, key and return address', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const { paymentMethodId } = await headOf(money.deps, customerId);
    const sent: unknown[] = [];
    const deps = await answering((port) => ({
      confirmOnSession: async (asked) => {
        sent.push(asked);
        return port.confirmOnSession(asked);
      },
    }));
    await order(customerId, deps);
    await order(customerId, deps);
    expect(sent).toEqual([
      {
        paymentIntentId: expect.stringMatching(/^pi_/),
        paymentMethodId,
        returnUrl: PRESENT.returnUrl,
        idempotencyKey: `subscribe:${customerId}:1:confirm`,
      },
    ]);
  });
});

describe('the return from the bank', () => {
  const step = (customerId: string, deps: PaymentDeps = money.deps) =>
    readApprovalStep(deps, customerId, null);

  it("the next step of an order that waits leads to the bank and to Stripe's page of its invoice", async () => {
    await money.control('switches', { next_action_with_return_url: 'redirect_to_url' });
    const { customerId, paymentIntentId } = await waiting();
    expect(await step(customerId)).toEqual({
      next: { kind: 'redirect', url: expect.stringContaining(paymentIntentId) },
      invoiceUrl: expect.stringMatching(/\/invoice_pages\/in_/),
    });
    await money.control('switches/reset');
    // An answer without the subscription, or without its invoice or payment, has no next step.
    const none = await answering(() => ({ findOrdered: async () => null, readInvoicePage: notAsked }));
    expect(await step(customerId, none)).toEqual({ next: null, invoiceUrl: null });
    const bare = await answering((port) => ({
      findOrdered: async (...asked) => {
        const ordered = await port.findOrdered(...asked);
        return ordered && { ...ordered, invoice: null, payment: null };
      },
      readInvoicePage: notAsked,
    }));
    expect(await step(customerId, bare)).toEqual({ next: null, invoiceUrl: null });
  });

  it("the next step of a fix's payment leads to the bank, and a fix without one has no next step", async () => {
    await money.control('switches', { next_action_with_return_url: 'redirect_to_url' });
    const { customerId } = await customerWithCard(money, 0, ASKS);
    const fixId = await recordedFix(money.deps, customerId, 1);
    await billFixAttempt(money.deps, customerId, fixId);
    await approveFixPayment(money.deps, customerId, fixId, PRESENT.returnUrl);
    expect(await readApprovalStep(money.deps, customerId, fixId)).toEqual({
      next: { kind: 'redirect', url: expect.stringContaining('/authenticate/pi_') },
      invoiceUrl: null,
    });
    await money.control('switches/reset');
    const other = await recordedFix(money.deps, customerId, 2);
    expect(await readApprovalStep(money.deps, customerId, other)).toEqual({ next: null, invoiceUrl: null });
  });

  it('nothing is to be approved without an order that waits, and Stripe is not asked', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const deps = await answering(() => ({ findOrdered: notAsked, readInvoicePage: notAsked }));
    expect(await step(customerId, deps)).toEqual({ next: null, invoiceUrl: null });
    await order(customerId);
    expect(await stateOf(customerId)).toBe('done');
    expect(await step(customerId, deps)).toEqual({ next: null, invoiceUrl: null });
  });

  it('the return from the bank without an order that waits changes nothing, and Stripe is not asked', async () => {
    const { customerId } = await customerWithCard(money, 5);
    const silent = { ...money.deps, stripe: () => Promise.reject(new Error('asked Stripe')) };
    await afterApproval(silent, customerId, null);
    const lost = await answering(() => ({ orderOnSession: failing('transient') }));
    await expect(order(customerId, lost)).rejects.toMatchObject({ code: 'payment_pending' });
    await afterApproval(silent, customerId, null);
    expect(await stateOf(customerId)).toBe('ordering');
  });

  it('the return from the bank leaves the order open if Stripe fails, and does not hide a defect of ours', async () => {
    const { customerId } = await waiting();
    const down = await answering(() => ({ findOrdered: failing('transient') }));
    await afterApproval(down, customerId, null);
    expect(await stateOf(customerId)).toBe('awaiting_approval');
    const broken = await answering(() => ({ findOrdered: () => Promise.reject(new Error('a defect')) }));
    await expect(afterApproval(broken, customerId, null)).rejects.toThrow('a defect');
  });
});
