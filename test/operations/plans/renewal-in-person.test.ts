import { beforeEach, describe, expect, it } from 'vitest';
import { NO_TRIES } from '../../../lib/domain/payments/card-tries.ts';
import {
  hasOpenRenewal,
  openRenewalCents,
  payRenewalInPerson,
} from '../../../lib/operations/plans/pay-renewal-in-person.ts';
import { renewPastDue } from '../../../lib/operations/plans/renew-past-due.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../../lib/operations/plans/sync-account.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keepCardTries, readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { type Table, writeTogether } from '../../../lib/store/table.ts';
import type { StripePort } from '../../../lib/stripe/port.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money, openMoneyForFile } from '../../support/money.ts';
import { attachedCard, pastDueCustomer, putDefault } from '../../support/past-due.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';

/* A person pays the open renewal on the page: what is paid, and what the page says otherwise. */

let table: Table;
let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(money.deps, answers);
const notAsked = failing('misconfigured');

const pay = (customerId: string, deps: PaymentDeps = money.deps, mostCents = 59_900) =>
  payRenewalInPerson(deps, customerId, mostCents);
const payments = () => money.double.calls.all.filter(({ path }) => path.endsWith('/pay')).length;
const statusOf = (invoiceId: string) => money.double.state.invoices.find(invoiceId)?.status;
const pageOf = (invoiceId: string) => expect.stringContaining(`/invoice_pages/${invoiceId}`);

/** A past-due customer whose default card is good by now. */
async function withGoodCard() {
  const who = await pastDueCustomer(money);
  await putDefault(money, who.stripeCustomerId, await attachedCard(money, who.stripeCustomerId));
  await syncAccount(money.deps, who.customerId);
  return who;
}

describe('the open renewal', () => {
  it('the open renewal is named with its amount only while it can be paid', async () => {
    const { head, subscriptionId, invoiceId } = await pastDueCustomer(money);
    expect([hasOpenRenewal(head), await openRenewalCents(money.deps, head)]).toEqual([true, 59_900]);
    await money.stripe.invoices.markUncollectible(invoiceId);
    expect(await openRenewalCents(money.deps, head)).toBe(59_900);
    await money.stripe.invoices.voidInvoice(invoiceId);
    expect(await openRenewalCents(money.deps, head)).toBeNull();
    await money.stripe.subscriptions.update(subscriptionId, { cancel_at_period_end: true });
    const { head: ending } = await syncAccount(money.deps, head.customerId);
    const silent = await answering(() => ({ findOpenRenewal: notAsked }));
    expect([hasOpenRenewal(ending), await openRenewalCents(silent, ending)]).toEqual([false, null]);
  });

  it('a customer without a failed renewal has none, and Stripe is not asked', async () => {
    const silent = await answering(() => ({ findOpenRenewal: notAsked }));
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0, await money.newCard());
    const never = await headOf(money.deps, customerId);
    expect([hasOpenRenewal(never), await openRenewalCents(silent, never)]).toEqual([false, null]);
    await subscribeToPro(money.deps, customerId, null);
    const paid = await headOf(money.deps, customerId);
    expect([hasOpenRenewal(paid), await openRenewalCents(silent, paid)]).toEqual([false, null]);
    expect(stripeCustomerId).toBe(paid.stripeCustomerId);
  });

  it('a failure of Stripe while the amount is read says that payments are unavailable', async () => {
    const { head } = await pastDueCustomer(money);
    const down = await answering(() => ({ findOpenRenewal: failing('transient') }));
    await expect(openRenewalCents(down, head)).rejects.toMatchObject({ code: 'payments_unavailable' });
  });
});

describe('paying the renewal in person', () => {
  it('paying the renewal in person pays it once and grants its credits, for at most the agreed amount', async () => {
    const { customerId, head, invoiceId } = await withGoodCard();
    expect(await pay(customerId, money.deps, 59_899)).toEqual({
      problem: 'The renewal costs $599.00 now. Nothing was charged.',
      invoiceUrl: pageOf(invoiceId),
    });
    expect([payments(), statusOf(invoiceId)]).toEqual([0, 'open']);
    expect(await pay(customerId)).toEqual({ problem: null, invoiceUrl: null });
    expect(statusOf(invoiceId)).toBe('paid');
    expect((await headOf(money.deps, customerId)).balance).toBe(head.balance + 60);
    expect(await pay(customerId)).toMatchObject({ problem: expect.stringContaining('no renewal is due') });
    expect(payments()).toBe(1);
  });

  it('a declined renewal says why and leads to its invoice, and the same card can be tried again in person', async () => {
    const { customerId, invoiceId } = await pastDueCustomer(money);
    for (const tries of [1, 2]) {
      expect(await pay(customerId)).toEqual({
        problem: 'The card was declined. The bank did not say why. Nothing was charged.',
        invoiceUrl: pageOf(invoiceId),
      });
      expect(payments()).toBe(tries);
    }
  });

  it('a renewal that the bank asks about leads to its invoice', async () => {
    const { customerId, stripeCustomerId, invoiceId } = await pastDueCustomer(money);
    const asking = await attachedCard(money, stripeCustomerId, 'pm_card_authenticationRequired');
    await putDefault(money, stripeCustomerId, asking);
    await syncAccount(money.deps, customerId);
    expect(await pay(customerId)).toEqual({
      problem: expect.stringContaining('Your bank asks you to approve this payment.'),
      invoiceUrl: pageOf(invoiceId),
    });
  });

  it('a renewal is not paid if the card changed at Stripe since the page was shown, and leads to its invoice', async () => {
    const { customerId, stripeCustomerId, invoiceId } = await pastDueCustomer(money);
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    expect(await pay(customerId)).toEqual({
      problem: expect.stringContaining('your card has just changed'),
      invoiceUrl: pageOf(invoiceId),
    });
    expect(payments()).toBe(0);
  });

  it('a card that is not tried again leads to the invoice, where another one can pay', async () => {
    const { customerId, invoiceId } = await pastDueCustomer(money);
    const stolen = await answering(() => ({
      payInvoice: failing('declined', { declineCode: 'stolen_card' }),
    }));
    await pay(customerId, stolen);
    const before = payments();
    expect(await pay(customerId)).toEqual({
      problem: expect.stringContaining('will not accept it again'),
      invoiceUrl: pageOf(invoiceId),
    });
    expect(payments()).toBe(before);
  });

  it('an outcome that is not known yet, or a busy card, is no refusal: the person sends the form again', async () => {
    const { customerId, head } = await pastDueCustomer(money);
    const read = await readCardTries(table, customerId);
    const startedAt = money.deps.now().toISOString();
    const underWay = range(1, 15).map((n) => ({ id: `fix_${n}:1`, startedAt }));
    const busy = { [head.cardKey ?? '']: { ...NO_TRIES, underWay } };
    await writeTogether(table, [keepCardTries(customerId, read, busy)]);
    await expect(pay(customerId)).rejects.toMatchObject({ code: 'ledger_busy' });
    const stored = await readCardTries(table, customerId);
    await writeTogether(table, [keepCardTries(customerId, stored, { [head.cardKey ?? '']: NO_TRIES })]);
    const silent = await answering(() => ({ payInvoice: failing('transient') }));
    await expect(pay(customerId, silent)).rejects.toMatchObject({ code: 'payment_pending' });
  });

  it('without a subscription nothing is due and no invoice is named, also for a customer without a card', async () => {
    const { head } = await customerWith(money.deps, 0);
    const nothing = { problem: expect.stringContaining('no renewal is due'), invoiceUrl: null };
    expect(await pay(head.customerId)).toEqual(nothing);
    const { customerId } = await customerWithCard(money, 0, await money.newCard());
    expect(await pay(customerId)).toEqual(nothing);
    await expect(pay('0'.repeat(32))).rejects.toMatchObject({ code: 'customer_not_found' });
  });

  it('a renewal that was paid or voided meanwhile names no invoice', async () => {
    const { customerId, invoiceId } = await withGoodCard();
    await money.stripe.invoices.voidInvoice(invoiceId);
    expect(await pay(customerId)).toEqual({
      problem: expect.stringContaining('no renewal is due'),
      invoiceUrl: null,
    });
  });

  it('the page of a renewal that Stripe has given up collecting is still named', async () => {
    const { customerId, invoiceId } = await pastDueCustomer(money);
    await money.stripe.invoices.markUncollectible(invoiceId);
    expect(await pay(customerId)).toEqual({
      problem: expect.stringContaining('The card was declined.'),
      invoiceUrl: pageOf(invoiceId),
    });
  });
});

describe('subscribing again while a renewal is open', () => {
  it('subscribing again pays the open renewal', async () => {
    const { customerId, invoiceId } = await withGoodCard();
    const head = await headOf(money.deps, customerId);
    expect(await renewPastDue(money.deps, head, 59_900)).toMatchObject({
      balance: head.balance + 60,
      subscription: { state: 'active' },
    });
    expect(statusOf(invoiceId)).toBe('paid');
  });

  it('a renewal that the bank asks about is refused with the reason and what to do', async () => {
    const { customerId, stripeCustomerId } = await pastDueCustomer(money);
    const asking = await attachedCard(money, stripeCustomerId, 'pm_card_authenticationRequired');
    await putDefault(money, stripeCustomerId, asking);
    const { head } = await syncAccount(money.deps, customerId);
    await expect(renewPastDue(money.deps, head, null)).rejects.toMatchObject({
      code: 'authentication_required',
      message: expect.stringMatching(
        /cannot be done from here. Nothing was charged. Pay it on the billing page/,
      ),
      facts: { reasons: ['authentication_required'] },
    });
  });

  it('after a change of the card nothing is paid, and the person may send the form again at the agreed price', async () => {
    const { head, stripeCustomerId } = await pastDueCustomer(money);
    await putDefault(money, stripeCustomerId, await attachedCard(money, stripeCustomerId));
    const refused = renewPastDue(money.deps, head, 59_900);
    await expect(refused).rejects.toMatchObject({
      code: 'payments_unavailable',
      message: expect.stringContaining('has just changed'),
    });
    expect(payments()).toBe(0);
  });

  it('an account that was deleted at Stripe meanwhile pays nothing, and the next call says why', async () => {
    const { head } = await pastDueCustomer(money);
    const deleted = await answering(() => ({ readAccount: async () => ({ kind: 'deleted' }) }));
    await expect(renewPastDue(deleted, head, 59_900)).rejects.toMatchObject({ code: 'payments_unavailable' });
    const after = await headOf(money.deps, head.customerId);
    await expect(renewPastDue(money.deps, after, null)).rejects.toMatchObject({ code: 'no_billing_info' });
    expect(payments()).toBe(0);
  });
});
