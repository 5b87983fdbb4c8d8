import { describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import { auditCustomer } from '../../../lib/operations/reconcile/audit-customer.ts';
import { keys } from '../../../lib/store/keys.ts';
import { recordedFix } from '../../support/customers.ts';
import { range } from '../../support/fixtures.ts';
import { customerWithCard, headOf, type Money } from '../../support/money.ts';
import { attachedCard, putDefault } from '../../support/past-due.ts';
import { type Books, openBooks, reconciled, tamper } from '../../support/reconciliation.ts';

/* What the auditor reads and returns. checks/auditor proves that it names each reported fault. */

const HOUR_MS = 60 * 60 * 1000;

async function subscriber(books: Books) {
  const person = await customerWithCard(books, 0);
  await subscribeToPro(books.deps, person.customerId, null);
  await books.deliver();
  return person;
}

const pay = ({ stripe }: Money, customer: string, metadata: Record<string, string>) =>
  stripe.paymentIntents.create({
    amount: 2_900,
    currency: 'usd',
    customer,
    payment_method: 'pm_card_visa',
    confirm: true,
    off_session: true,
    allowed_payment_method_types: ['card'],
    metadata,
  });

async function audited({ deps }: Books, customerId: string) {
  const audit = (await auditCustomer(deps, customerId))?.audit;
  if (audit === undefined || audit === null) throw new Error('not audited');
  return { ...audit, found: [...audit.money, ...audit.accountDrift].map(({ message }) => message) };
}

describe('the auditor', () => {
  it('the auditor reads every page of charges: it reports 120 of 120 unannounced charges', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await customerWithCard(books, 0);
    for (const n of range(1, 120)) {
      const reference = { purpose: 'fix', customer_id: customerId, fix_attempt_id: `f${n}`, attempt: '1' };
      await pay(books, stripeCustomerId, reference);
    }
    const { money, columns } = await audited(books, customerId);
    expect(money.filter(({ message }) => message.startsWith('money without credits'))).toHaveLength(120);
    expect(columns.cash).toBe(120 * 2_900);
  });

  it('the auditor lists a manual balance change in its own column, and it is no drift', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await subscriber(books);
    await books.stripe.customers.createBalanceTransaction(stripeCustomerId, {
      amount: -5_000,
      currency: 'usd',
    });
    const { report } = await reconciled(books, { upToNow: true });
    expect(report.drift.named).toEqual([]);
    expect(report.money).toMatchObject({ cash: 59_900, byHand: 5_000 });
    expect(report.byHand).toMatchObject({ count: 1, named: [{ customerId }] });
    expect(report.byHand.named[0]?.message).toContain('-5000 cents');
  });

  it('the auditor reports nothing while the event of a failed refund is still on its way', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await subscriber(books);
    await books.control('refunds/mode', { mode: 'pending' });
    const [charge] = (await books.stripe.charges.list({ customer: stripeCustomerId })).data;
    const refund = await books.stripe.refunds.create({ charge: charge?.id ?? '' });
    await books.deliver();
    expect((await headOf(books.deps, customerId)).balance).toBe(0);
    // By the run's clock the refund fails now, after the moment up to which events count as delivered.
    await books.later(1);
    books.wait(-HOUR_MS);
    await books.control(`refunds/${refund.id}/answer`, { status: 'failed' });
    const { report } = await reconciled(books);
    expect(report?.drift).toMatchObject({ count: 0 });
    await books.deliver();
    expect((await headOf(books.deps, customerId)).balance).toBe(60);
  });

  it('the auditor reports nothing while the event about a failed return of a second payment is still on its way', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await customerWithCard(books, 0);
    const fixId = await recordedFix(books.deps, customerId, 1);
    await billFixAttempt(books.deps, customerId, fixId);
    const reference = { purpose: 'fix', customer_id: customerId, fix_attempt_id: fixId, attempt: '1' };
    const { id } = await pay(books, stripeCustomerId, reference);
    // First the payment, then what Stripe says about its refund.
    await books.deliver();
    await books.deliver();
    const [refund] = (await books.stripe.refunds.list({ payment_intent: id })).data;
    await books.later(1);
    books.wait(-HOUR_MS);
    await books.control(`refunds/${refund?.id}/answer`, { status: 'failed' });
    const { report } = await reconciled(books);
    expect(report?.drift).toMatchObject({ count: 0 });
  });

  describe('a fix at the Pro price after the paid period', () => {
    const PAUSED = { behavior: 'mark_uncollectible' } as const;
    const setPause = (books: Books, id: string, pause: typeof PAUSED | '') =>
      books.stripe.subscriptions.update(id, { pause_collection: pause });

    /** Pro, with a pause across the end of the paid period if wanted. Now is 5 days later. */
    async function afterThePeriod(isPaused: boolean) {
      const books = await openBooks();
      const person = await subscriber(books);
      const { data } = await books.stripe.subscriptions.list({ customer: person.stripeCustomerId });
      const subscriptionId = data[0]?.id ?? '';
      if (isPaused) await setPause(books, subscriptionId, PAUSED);
      else {
        const declining = await attachedCard(books, person.stripeCustomerId, 'pm_card_chargeCustomerFail');
        await putDefault(books, person.stripeCustomerId, declining);
      }
      await books.later(36);
      const paying = await attachedCard(books, person.stripeCustomerId);
      await putDefault(books, person.stripeCustomerId, paying);
      await tamper(books, keys.head(person.customerId), 'payment_method_id', paying);
      return { books, subscriptionId, ...person };
    }

    /** No event about a pause or a renewal is delivered, so the service still charges the Pro price. */
    const proFix = async ({ deps, double }: Books, customerId: string) => {
      const none = { amount: -60, reason: 'test', actor: 'tests', idempotencyKey: 'none left' };
      await adjustCredits(deps, customerId, none);
      const fixId = await recordedFix(deps, customerId, 1);
      await billFixAttempt(deps, customerId, fixId);
      expect(double.state.charges.newestFirst[0]).toMatchObject({ status: 'succeeded', amount: 1_500 });
    };
    const priceFindings = async (books: Books, customerId: string) =>
      (await audited(books, customerId)).found.filter((text) => text.startsWith('the price of a fix'));

    it('the auditor names it if collection was paused all the time', async () => {
      const { books, customerId } = await afterThePeriod(true);
      await proFix(books, customerId);
      expect(await priceFindings(books, customerId)).toHaveLength(1);
    });

    it('the auditor says nothing if collection was paused only later', async () => {
      const { books, customerId, subscriptionId } = await afterThePeriod(false);
      await proFix(books, customerId);
      await books.later(1);
      await setPause(books, subscriptionId, PAUSED);
      expect(await priceFindings(books, customerId)).toEqual([]);
    });

    it('the auditor says nothing if collection was paused before and later, and not when the fix was charged', async () => {
      const { books, customerId, subscriptionId } = await afterThePeriod(true);
      await setPause(books, subscriptionId, '');
      await proFix(books, customerId);
      await books.later(4);
      await setPause(books, subscriptionId, PAUSED);
      expect(await priceFindings(books, customerId)).toEqual([]);
    });

    it('the auditor names it if the pause only changed its kind later', async () => {
      const { books, customerId, subscriptionId } = await afterThePeriod(true);
      await proFix(books, customerId);
      await books.later(1);
      await books.stripe.subscriptions.update(subscriptionId, { pause_collection: { behavior: 'void' } });
      expect(await priceFindings(books, customerId)).toHaveLength(1);
    });

    it('the auditor says nothing once Stripe no longer has the events that tell when the pause began', async () => {
      const { books, customerId } = await afterThePeriod(true);
      await proFix(books, customerId);
      await books.later(29);
      expect(await priceFindings(books, customerId)).toEqual([]);
    });
  });

  it('names a difference although an event about the same customer was ignored', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await customerWithCard(books, 0);
    await books.later(1);
    books.wait(-HOUR_MS);
    // Another product's payment: its event names the customer, and is never applied.
    await pay(books, stripeCustomerId, {});
    await books.deliver();
    await tamper(books, keys.head(customerId), 'open_disputes', ['du_1']);
    const { report } = await reconciled(books);
    expect(report?.drift.named.map(({ message }) => message)).toEqual([
      'dispute du_1 is open here, but not at Stripe',
    ]);
  });

  it('a payment of the last minute before the end of the run is not compared, because its event may be younger', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await customerWithCard(books, 0);
    const reference = { purpose: 'fix', customer_id: customerId, fix_attempt_id: 'f1', attempt: '1' };
    await pay(books, stripeCustomerId, reference);
    const [charge] = (await books.stripe.charges.list({ customer: stripeCustomerId })).data;
    const foundAt = async (secondsLater: number) => {
      const paidBefore = new Date(((charge?.created ?? 0) + secondsLater) * 1_000);
      return (await auditCustomer(books.deps, customerId, { paidBefore }))?.audit?.money.map(
        ({ message }) => message,
      );
    };
    expect(await foundAt(60)).toEqual([]);
    expect(await foundAt(61)).toContainEqual(expect.stringContaining('money without credits'));
  });

  it('the auditor counts a renewal paid outside of Stripe as out of band, and its credits as right', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await subscriber(books);
    const { id } = await books.stripe.paymentMethods.attach(await books.newCard('tok_chargeCustomerFail'), {
      customer: stripeCustomerId,
    });
    await books.stripe.customers.update(stripeCustomerId, {
      invoice_settings: { default_payment_method: id },
    });
    await books.deliver();
    await books.later(32);
    const { data } = await books.stripe.invoices.list({ customer: stripeCustomerId, status: 'open' });
    await books.stripe.invoices.pay(data[0]?.id ?? '', { paid_out_of_band: true });
    await books.deliver();
    const { found, columns, invoices } = await audited(books, customerId);
    expect(found).toEqual([]);
    expect(invoices).toBe(2);
    expect(columns).toMatchObject({ cash: 59_900, outOfBand: 59_900 });
  });

  it('the auditor agrees with the ledger on a credit note for the fee beside Pro: it takes no credits back', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await customerWithCard(books, 0);
    await books.stripe.invoiceItems.create({ customer: stripeCustomerId, amount: 5_000, currency: 'usd' });
    await books.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: books.priceId }],
      off_session: true,
    });
    await books.deliver();
    const [invoice] = (await books.stripe.invoices.list({ customer: stripeCustomerId })).data;
    const fee = invoice?.lines.data.find(({ amount }) => amount === 5_000);
    await books.stripe.creditNotes.create({
      invoice: invoice?.id ?? '',
      lines: [{ type: 'invoice_line_item', invoice_line_item: fee?.id ?? '', quantity: 1 }],
      refund_amount: 5_000,
    });
    await books.deliver();
    const { found, columns } = await audited(books, customerId);
    expect(found).toEqual([]);
    expect(columns).toMatchObject({ cash: 64_900, returned: 5_000 });
  });

  it('the auditor agrees with the ledger on a credit note for one of two plan lines: it takes the credits of that line', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await customerWithCard(books, 0);
    const { product } = await books.stripe.prices.retrieve(books.priceId);
    const large = await books.stripe.prices.create({
      product: String(product),
      unit_amount: 149_900,
      currency: 'usd',
      recurring: { interval: 'month' },
      metadata: { plan: 'pro', credits: '200' },
    });
    await books.stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: books.priceId }, { price: large.id }],
      off_session: true,
    });
    await books.deliver();
    const [invoice] = (await books.stripe.invoices.list({ customer: stripeCustomerId })).data;
    const line = invoice?.lines.data.find(({ amount }) => amount === 149_900);
    await books.stripe.creditNotes.create({
      invoice: invoice?.id ?? '',
      lines: [{ type: 'invoice_line_item', invoice_line_item: line?.id ?? '', quantity: 1 }],
      refund_amount: 149_900,
    });
    await books.deliver();
    expect((await audited(books, customerId)).found).toEqual([]);
    expect((await headOf(books.deps, customerId)).balance).toBe(60);
  });

  it('the auditor checks the price of a fix at the time it was asked for, even if the cardholder confirms after Pro has ended', async () => {
    const books = await openBooks();
    const { deps, stripe } = books;
    const { customerId, stripeCustomerId } = await customerWithCard(
      books,
      0,
      'pm_card_authenticationRequired',
    );
    const { id: card } = await stripe.paymentMethods.attach('pm_card_visa', { customer: stripeCustomerId });
    const { id } = await stripe.subscriptions.create({
      customer: stripeCustomerId,
      items: [{ price: books.priceId }],
      default_payment_method: card,
    });
    await books.deliver();
    const { balance } = await headOf(deps, customerId);
    const none = { amount: -balance, reason: 'test', actor: 'tests', idempotencyKey: 'none left' };
    await adjustCredits(deps, customerId, none);
    await books.later(1);
    const fixId = await recordedFix(deps, customerId, 1);
    expect(await billFixAttempt(deps, customerId, fixId)).toMatchObject({ kind: 'action_required' });
    await stripe.subscriptions.cancel(id);
    await books.later(70);
    await books.deliver();
    const [intent] = books.double.state.paymentIntents.newestFirst;
    await books.control(`payment_intents/${intent?.id}/authenticate`, { succeeds: true });
    await books.deliver();
    const { found, columns } = await audited(books, customerId);
    expect(columns).toMatchObject({ cash: 59_900 + 1_500 });
    expect(found).toEqual([]);
  });

  it('the auditor names a card by its id, whichever side has none', async () => {
    const books = await openBooks();
    const { customerId, stripeCustomerId } = await customerWithCard(books, 0);
    await books.deliver();
    await books.stripe.customers.update(stripeCustomerId, {
      invoice_settings: { default_payment_method: '' },
    });
    const { found } = await audited(books, customerId);
    expect(found).toEqual([expect.stringMatching(/^the card on file is pm_\w+, Stripe's default is none/)]);
  });
});
