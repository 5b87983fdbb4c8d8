import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { reconciliationLines } from '../../../cli/reports/reconciliation-text.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { closeCustomer } from '../../../lib/operations/accounts/close-customer.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import { readLedgerRecords } from '../../../lib/store/audit/audit.ts';
import { readEventRecord } from '../../../lib/store/events.ts';
import { keys } from '../../../lib/store/keys.ts';
import { bindStripeId } from '../../../lib/store/owners.ts';
import { readTogether, writeTogether } from '../../../lib/store/table.ts';
import { isHandled } from '../../../lib/stripe/event-types.ts';
import { StripeFault } from '../../../lib/stripe/fault.ts';
import { fixMetadata } from '../../../lib/stripe/readers/payments.ts';
import { recordedFix } from '../../support/customers.ts';
import { documents } from '../../support/documents.ts';
import { range } from '../../support/fixtures.ts';
import { customerWithCard, expectSoundMoney, headOf } from '../../support/money.ts';
import {
  type Books,
  beforeQuestion,
  openBooks,
  reconciled,
  remove,
  soundTown,
  tamper,
} from '../../support/reconciliation.ts';

/* Manual drift beside customers with correct books. Only the drift is found, named and counted. */

/** Days. After any month, long enough for one paid renewal and too short for a second one. */
const MONTH = 32;
const HOUR_MS = 60 * 60 * 1000;

/** All drift: the customer, the invariant, the entry and the message. */
async function driftIn(books: Books) {
  const { report } = await reconciled(books);
  expect(report.finishedAt).not.toBeNull();
  expect(report.drift.count).toBe(report.drift.named.length);
  return report.drift.named.map(({ customerId, invariant, seq, message }) => [
    customerId,
    invariant,
    seq,
    message,
  ]);
}

const judged = (invoiceId: unknown, dueBack: number, returnedCents: number) =>
  `invoice ${invoiceId} is worth 60 credits, and ${dueBack} of them are due back for ${returnedCents} of 59900 cents; ` +
  'the ledger granted 0 and took back 0';
const notGranted = (invoiceId: unknown) =>
  `money without credits: 60 credits (59900 cents); ${judged(invoiceId, 0, 0)}`;

/** A payment for a fix like our charges, made manually at Stripe. */
async function payForFix(
  { stripe }: Books,
  stripeCustomerId: string,
  fix: { customerId: string; fixAttemptId: string },
): Promise<string> {
  const { data } = await stripe.paymentMethods.list({ customer: stripeCustomerId });
  const intent = await stripe.paymentIntents.create({
    amount: 2_900,
    currency: 'usd',
    customer: stripeCustomerId,
    payment_method: data[0]?.id ?? '',
    off_session: true,
    confirm: true,
    allowed_payment_method_types: ['card'],
    metadata: fixMetadata({ ...fix, attempt: 1 }),
  });
  return intent.id;
}

/** The cardholder's bank withdraws a payment provisionally. */
async function dispute({ double, control }: Books, paymentIntentId: string): Promise<void> {
  const { latest_charge: charge } = double.state.paymentIntents.get(paymentIntentId, 'path');
  await control(`charges/${charge}/dispute`);
}

/** A Stripe customer with a card who is unknown to us. */
async function stranger({ stripe, newCard }: Books): Promise<string> {
  const { id } = await stripe.customers.create({ email: 'stranger@customer.example' });
  const { id: method } = await stripe.paymentMethods.attach(await newCard(), { customer: id });
  await stripe.customers.update(id, { invoice_settings: { default_payment_method: method } });
  return id;
}

describe('a clean reconciliation', () => {
  it('a clean reconciliation reports zero over its number of customers, entries, events, charges and invoices', async () => {
    const books = await openBooks();
    const town = await soundTown(books);
    const ledgers = await Promise.all(
      Object.values(town).map(({ customerId }) => readLedgerRecords(books.table, customerId)),
    );
    const entries = ledgers.reduce((sum, ledger) => sum + (ledger?.entries.length ?? 0), 0);
    const told = books.events().filter(({ type }) => isHandled(type)).length;

    const { state, report } = await reconciled(books);
    expect(state).toBe('finished');
    expect(report).toMatchObject({
      events: { listed: told, known: told, removed: 0, applied: 0, ignored: 0, parked: 0, failed: 0 },
      customers: { checked: 3, entries, charges: 1, invoices: 1, notCompared: 0 },
      listed: { payments: 1, invoices: 1 },
      drift: { count: 0, named: [] },
      missed: { count: 0, named: [] },
      open: { count: 0, named: [] },
    });
    const [verdict] = reconciliationLines(report, 80);
    expect(verdict).toBe(`0 drift in 3 customers, ${entries} entries; ${told} events, 0 missed`);
  });

  it('a clean reconciliation changes only its own item', async () => {
    const books = await openBooks();
    const { trial } = await soundTown(books);
    await tamper(books, keys.head(trial.customerId), 'balance', 99);
    const before = await readLedgerRecords(books.table, trial.customerId);
    await reconciled(books);
    expect(await readLedgerRecords(books.table, trial.customerId)).toEqual(before);
  });
});

describe('drift in a ledger', () => {
  it('a deleted entry is drift', async () => {
    const books = await openBooks();
    const { trial } = await soundTown(books);
    await remove(books, keys.entry(trial.customerId, 2));
    expect(await driftIn(books)).toEqual([
      [trial.customerId, 3, 2, 'entry 2 is missing'],
      [trial.customerId, 2, null, 'the balance is 4, the entries add up to 5'],
      [trial.customerId, 4, null, `fix ${trial.fixId} is billed without a ledger entry`],
    ]);
  });

  it('a changed balance is drift', async () => {
    const books = await openBooks();
    const { trial } = await soundTown(books);
    await tamper(books, keys.head(trial.customerId), 'balance', 1_000);
    expect(await driftIn(books)).toEqual([
      [trial.customerId, 2, null, 'the balance is 1000, the entries add up to 4'],
    ]);
  });

  it('an entry with a changed amount is drift', async () => {
    const books = await openBooks();
    const { trial } = await soundTown(books);
    await tamper(books, keys.entry(trial.customerId, 1), 'amount', 50);
    expect(await driftIn(books)).toEqual([
      [trial.customerId, 3, 1, 'entry 1 has balance_after 5, expected 50'],
      [trial.customerId, 3, 1, 'entry 1 was changed: its hash does not match'],
      [trial.customerId, 2, null, 'the balance is 4, the entries add up to 49'],
    ]);
  });

  it('a missing head is drift if its entries exist', async () => {
    const books = await openBooks();
    const { trial } = await soundTown(books);
    await remove(books, keys.head(trial.customerId));
    expect(await driftIn(books)).toEqual([
      [trial.customerId, 2, null, 'the head is missing, but other items of the customer exist'],
    ]);
  });

  it.each([
    ['a first entry', [1]],
    ['all entries', [1, 2]],
  ])('a missing head with %s missing is drift if other items of the customer exist', async (_, seqs) => {
    const books = await openBooks();
    const { trial } = await soundTown(books);
    await remove(books, keys.head(trial.customerId));
    for (const seq of seqs) await remove(books, keys.entry(trial.customerId, seq));
    expect(await driftIn(books)).toEqual([
      [trial.customerId, 2, null, 'the head is missing, but other items of the customer exist'],
    ]);
  });

  it('a missing guard is drift, because a grant, a bonus or an adjustment could be repeated', async () => {
    const books = await openBooks();
    const { payer, pro } = await soundTown(books);
    const guards = [
      [pro.customerId, 5, 'invoice', pro.invoiceId],
      [pro.customerId, 6, 'adjustment', 'start'],
      [payer.customerId, 6, 'card_bonus', 'first'],
    ] as const;
    for (const [customerId, , kind, id] of guards) await remove(books, keys.once(customerId, kind, id));
    const found = await driftIn(books);
    expect(found).toHaveLength(guards.length);
    expect(found).toEqual(
      expect.arrayContaining(
        guards.map(([customerId, invariant, kind, id]) => [
          customerId,
          invariant,
          expect.any(Number),
          expect.stringContaining(`its guard ${kind}#${id} is missing`),
        ]),
      ),
    );
  });

  it('an unreadable item is drift, named by its key and attribute without its value', async () => {
    const books = await openBooks();
    const { trial } = await soundTown(books);
    await tamper(books, keys.entry(trial.customerId, 2), 'source', 'by hand');
    expect(await driftIn(books)).toEqual([
      [
        trial.customerId,
        null,
        null,
        `could not be checked: The stored item CUSTOMER#${trial.customerId} LEDGER#000000000002 is not readable: source`,
      ],
    ]);
  });
});

describe('drift in whose a Stripe customer is', () => {
  it("a Stripe customer's binding that is missing or leads to another customer is drift", async () => {
    const books = await openBooks();
    const { payer, pro, trial } = await soundTown(books);
    await remove(books, keys.stripe(payer.stripeCustomerId));
    await tamper(books, keys.stripe(pro.stripeCustomerId), 'customer_id', trial.customerId);
    const found = await driftIn(books);
    const bound = (stripeCustomerId: string, owner: string) =>
      `Stripe customer ${stripeCustomerId} is bound to ${owner}, so its payments do not reach this customer`;
    expect(found).toContainEqual([payer.customerId, 5, null, bound(payer.stripeCustomerId, 'no customer')]);
    expect(found).toContainEqual([pro.customerId, 5, null, bound(pro.stripeCustomerId, trial.customerId)]);
  });

  it('a Stripe customer that never existed is drift, and is not mistaken for a deleted one', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    await tamper(books, keys.head(payer.customerId), 'stripe_customer_id', 'cus_nobody');
    expect(await driftIn(books)).toContainEqual([
      payer.customerId,
      5,
      null,
      'Stripe customer cus_nobody is bound to no customer, so its payments do not reach this customer',
    ]);
  });
});

describe('drift in what a head says that decides what a fix costs', () => {
  const messagesIn = async (books: Books) => (await driftIn(books)).map(([whose, , , text]) => [whose, text]);

  it('a subscription that is another one at Stripe is drift, even if the plan matches', async () => {
    const books = await openBooks();
    const { payer, pro } = await soundTown(books);
    const { subscription } = await headOf(books.deps, pro.customerId);
    const { id = '' } = subscription ?? {};
    const stored = { id, state: 'canceled', cancel_at_period_end: false, current_period_end: null };
    await tamper(books, keys.head(pro.customerId), 'subscription', stored);
    await tamper(books, keys.head(pro.customerId), 'subscription_type', 'pay_as_you_go');
    const own = {
      ...stored,
      id: 'sub_1',
      state: 'active',
      current_period_end: '2026-12-24T00:00:00.000Z',
    };
    await tamper(books, keys.head(payer.customerId), 'subscription', own);
    await tamper(books, keys.head(payer.customerId), 'subscription_type', 'pro');
    const found = await messagesIn(books);
    expect(found).toHaveLength(2);
    expect(found).toContainEqual([
      pro.customerId,
      `the subscription is ${id} (canceled) here and ${id} (active) at Stripe`,
    ]);
    expect(found).toContainEqual([
      payer.customerId,
      'the subscription is sub_1 (active) here and none at Stripe',
    ]);
  });

  it('a card that Stripe does not have, and a deleted Stripe customer, are drift', async () => {
    const books = await openBooks();
    const { payer, pro } = await soundTown(books);
    const { paymentMethodId } = await headOf(books.deps, payer.customerId);
    await books.stripe.paymentMethods.detach(paymentMethodId ?? '');
    await books.stripe.customers.del(pro.stripeCustomerId);
    await books.deliver();
    expect(await driftIn(books)).toEqual([]);
    await tamper(books, keys.head(payer.customerId), 'payment_method_id', paymentMethodId);
    await tamper(books, keys.head(pro.customerId), 'stripe_customer_id', pro.stripeCustomerId);
    const found = await messagesIn(books);
    expect(found).toHaveLength(2);
    expect(found).toContainEqual([
      payer.customerId,
      `the card on file is ${paymentMethodId}, Stripe's default is none that can be charged`,
    ]);
    expect(found).toContainEqual([
      pro.customerId,
      `Stripe customer ${pro.stripeCustomerId} was deleted at Stripe, but the head still names it`,
    ]);
  });

  it('a dispute that only Stripe or only the head has is drift', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    await dispute(books, payer.paymentIntentId);
    await books.deliver();
    expect(await driftIn(books)).toEqual([]);
    const [open] = (await headOf(books.deps, payer.customerId)).openDisputes;
    await tamper(books, keys.head(payer.customerId), 'open_disputes', []);
    expect(await messagesIn(books)).toEqual([
      [payer.customerId, `dispute ${open} is open at Stripe, but not here`],
    ]);
    await tamper(books, keys.head(payer.customerId), 'open_disputes', [open, 'du_1']);
    expect(await messagesIn(books)).toEqual([
      [payer.customerId, 'dispute du_1 is open here, but not at Stripe'],
    ]);
  });

  it('a change whose event is left to its own delivery is no drift', async () => {
    const books = await openBooks();
    const { payer, pro } = await soundTown(books);
    books.wait(-HOUR_MS);
    const told = books.events().length;
    const { subscription } = await headOf(books.deps, pro.customerId);
    const { paymentMethodId } = await headOf(books.deps, payer.customerId);
    await books.stripe.subscriptions.cancel(subscription?.id ?? '');
    await books.stripe.paymentMethods.detach(paymentMethodId ?? '');
    await dispute(books, payer.paymentIntentId);
    expect(await driftIn(books)).toEqual([]);
    // The events are delivered. Later, a manual edit overwrites their effect.
    await books.deliver(books.events().slice(told));
    expect(await driftIn(books)).toEqual([]);
    await tamper(books, keys.head(payer.customerId), 'payment_method_id', paymentMethodId);
    expect(await messagesIn(books)).toEqual([
      [
        payer.customerId,
        `the card on file is ${paymentMethodId}, Stripe's default is none that can be charged`,
      ],
    ]);
  });
});

describe('what has only just happened', () => {
  it("a recent change is left to Stripe's own delivery, and checked by a run up to now, whatever Stripe's clock says", async () => {
    const books = await openBooks();
    const { pro } = await soundTown(books);
    // A renewal a month ahead of our own clock, with webhooks off.
    await books.days(MONTH);
    const [invoice] = books.double.state.invoices.newestFirst;
    const left = (await reconciled(books)).report;
    expect([left.missed.count, left.drift.count, left.customers.invoices]).toEqual([0, 0, 1]);

    const { report } = await reconciled(books, { upToNow: true });
    expect(report.missed.named).toContainEqual(
      expect.objectContaining({ type: 'invoice.paid', outcome: 'processed', customerId: pro.customerId }),
    );
    expect(report.drift).toEqual({ count: 0, named: [] });
    expect([report.customers.invoices, report.listed.invoices]).toEqual([2, 2]);
    const ledger = await readLedgerRecords(books.table, pro.customerId);
    expect(ledger?.entries.at(-1)?.metadata['invoice_id']).toBe(invoice?.id);
  });

  it('a recent payment missing in the ledger is drift for a run up to now', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    books.wait(-HOUR_MS);
    const paid = await payForFix(books, payer.stripeCustomerId, {
      customerId: payer.customerId,
      fixAttemptId: 'f'.repeat(32),
    });
    const { report } = await reconciled(books, { upToNow: true });
    expect(report.drift.named.map(({ message }) => message)).toContain(
      `charge ${paid} was not announced by fix ${'f'.repeat(32)}`,
    );
  });
});

describe('drift between the ledger and Stripe', () => {
  it('an invoice paid with webhooks off, whose event Stripe no longer has, is drift', async () => {
    const books = await openBooks();
    const { pro } = await soundTown(books);
    // Two renewals. Stripe no longer keeps the event of the first. The event of the second is applied.
    await books.later(2 * MONTH);
    const invoices = books.double.state.invoices.newestFirst.map(({ id }) => id);
    expect(invoices).toHaveLength(3);
    expect(await driftIn(books)).toEqual([[pro.customerId, 5, null, notGranted(invoices[1])]]);
  });

  it('a fix charge without an entry and without an announcement is drift', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    const intent = await payForFix(books, payer.stripeCustomerId, { ...payer, fixAttemptId: 'f0' });
    // Until Stripe no longer keeps its event.
    await books.later(MONTH);
    expect(await driftIn(books)).toEqual([
      [
        payer.customerId,
        5,
        null,
        `money without credits: charge ${intent} of 2900 cents for fix f0 has no ledger entry`,
      ],
      [payer.customerId, 7, null, `charge ${intent} was not announced by fix f0`],
    ]);
  });

  it('a purchased entry without a charge is drift', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    const intent = books.double.state.paymentIntents.get(payer.paymentIntentId, 'path');
    books.double.state.charges.get(String(intent.latest_charge), 'path').status = 'failed';
    const { seq } = await headOf(books.deps, payer.customerId);
    expect(await driftIn(books)).toEqual([
      [
        payer.customerId,
        5,
        seq - 1,
        `credits without money: entry ${seq - 1} has no succeeded charge ${intent.id} of 2900 cents at Stripe`,
      ],
    ]);
  });

  it('money of an unknown Stripe customer is drift', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    const customer = await stranger(books);
    const { priceId, stripe } = books;
    await stripe.subscriptions.create({ customer, items: [{ price: priceId }], off_session: true });
    const intent = await payForFix(books, customer, { ...payer, fixAttemptId: payer.fixId });
    const invoice = books.double.state.invoices.newestFirst[0]?.id;
    expect(await driftIn(books)).toEqual([
      [
        null,
        5,
        null,
        `payment ${intent} of 2900 cents for fix ${payer.fixId} belongs to ${customer}, which is bound to no customer`,
      ],
      [
        null,
        5,
        null,
        `paid Pro invoice ${invoice} of 59900 cents belongs to ${customer}, which is bound to no customer`,
      ],
    ]);
  });

  it('money of a Stripe customer bound to a customer whose head names another one is drift', async () => {
    const books = await openBooks();
    const { table } = books;
    const { payer } = await soundTown(books);
    const former = await stranger(books);
    await writeTogether(table, [bindStripeId(former, payer.customerId)]);
    const intent = await payForFix(books, former, { ...payer, fixAttemptId: payer.fixId });
    // The event would show it as a second payment and cause its return.
    await books.later(MONTH);
    expect(await driftIn(books)).toEqual([
      [
        payer.customerId,
        5,
        null,
        `payment ${intent} of 2900 cents for fix ${payer.fixId} belongs to ${former}, but is not in the ledger of the customer bound to it`,
      ],
    ]);
    // A payment that the ledger knows, even only as one to return, is no drift.
    const double = {
      fix_attempt_id: payer.fixId,
      payment_intent_id: intent,
      amount_cents: 2_900,
      refund_id: 're_1',
    };
    for (const [name, value] of Object.entries(double)) {
      await tamper(books, keys.once(payer.customerId, 'double_payment', intent), name, value);
    }
    expect(await driftIn(books)).toEqual([]);
  });

  it('an unannounced charge that was refunded is no drift, whoever paid it', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    const fix = { customerId: payer.customerId, fixAttemptId: 'f'.repeat(32) };
    const paid = [
      await payForFix(books, payer.stripeCustomerId, fix),
      await payForFix(books, await stranger(books), fix),
    ];
    const found = (await reconciled(books)).report.drift.named.map(({ message }) => message).join();
    for (const intent of paid) expect(found).toContain(intent);
    for (const intent of paid) await books.stripe.refunds.create({ payment_intent: intent });
    expect(await driftIn(books)).toEqual([]);
  });

  it('an ungranted Pro invoice that was fully refunded is no drift, whoever paid it', async () => {
    const books = await openBooks();
    const { priceId, stripe } = books;
    const { payer } = await soundTown(books);
    /** A month of Pro that ends at once and is partly refunded. Returns the invoice. */
    const returned = async (customer: string, cents: number) => {
      const items = [{ price: priceId }];
      const { id } = await stripe.subscriptions.create({ customer, items, off_session: true });
      await stripe.subscriptions.cancel(id);
      const payment_intent = books.double.state.paymentIntents.newestFirst[0]?.id ?? '';
      await stripe.refunds.create({ payment_intent, amount: cents });
      return books.double.state.invoices.newestFirst[0]?.id;
    };
    await returned(payer.stripeCustomerId, 59_900);
    const kept = await returned(payer.stripeCustomerId, 59_899);
    const unowned = await stranger(books);
    await returned(unowned, 59_900);
    await books.deliver(books.events().filter(({ type }) => type.startsWith('customer.subscription.')));
    // Until Stripe no longer keeps the other events, but still lists the invoices.
    await books.later(MONTH);
    expect(await driftIn(books)).toEqual([
      [payer.customerId, 5, null, `money without credits: 1 credit (998 cents); ${judged(kept, 59, 59_899)}`],
    ]);
  });

  it('a report names the customers whose money Stripe no longer lists', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    await books.stripe.customers.del(payer.stripeCustomerId);
    await books.deliver();
    const { report } = await reconciled(books);
    expect(report.drift.count).toBe(0);
    expect(report.customers).toMatchObject({ checked: 3, notCompared: 1, charges: 0, invoices: 1 });
  });

  it('a charge of a customer deleted at Stripe, who has another Stripe customer now, is drift', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    await books.stripe.customers.del(payer.stripeCustomerId);
    await books.deliver();
    const deleted = await headOf(books.deps, payer.customerId);
    const { head } = await addPaymentMethod(books.deps, deleted, await books.newCard());
    const paid = await payForFix(books, head.stripeCustomerId ?? '', {
      customerId: payer.customerId,
      fixAttemptId: 'f'.repeat(32),
    });
    const { report } = await reconciled(books);
    // The missing charge of the deleted customer is no drift.
    expect(report.drift.named.map(({ message }) => message)).toEqual([
      `money without credits: charge ${paid} of 2900 cents for fix ${'f'.repeat(32)} has no ledger entry`,
      `charge ${paid} was not announced by fix ${'f'.repeat(32)}`,
    ]);
    expect(report.customers).toMatchObject({ checked: 3, notCompared: 1, charges: 1 });
  });
});

describe('events', () => {
  it('a lost event is applied and reported; the ledger is right afterwards, and another run finds nothing', async () => {
    const books = await openBooks();
    const { pro } = await soundTown(books);
    const { balance } = await headOf(books.deps, pro.customerId);
    await books.later(MONTH);

    const { report } = await reconciled(books);
    const told = books
      .events()
      .filter(({ type, id }) => isHandled(type) && report.missed.named.some((one) => one.eventId === id));
    expect(report.missed.named.map(({ type, outcome, customerId }) => [type, outcome, customerId])).toEqual([
      ['customer.subscription.updated', 'processed', pro.customerId],
      ['invoice.finalized', 'processed', pro.customerId],
      ['payment_intent.succeeded', 'ignored', null],
      ['invoice.paid', 'processed', pro.customerId],
    ]);
    expect(report.missed.named.map(({ eventId }) => eventId)).toEqual(told.map(({ id }) => id));
    expect(report.events).toEqual({
      listed: 4,
      known: 0,
      removed: 0,
      applied: 3,
      ignored: 1,
      parked: 0,
      failed: 0,
    });
    expect(report.drift.count).toBe(0);
    expect((await headOf(books.deps, pro.customerId)).balance).toBe(balance + 60);
    await expectSoundMoney(books, pro.customerId);

    const { report: second } = await reconciled(books);
    expect(second.events).toMatchObject({ listed: 4, known: 4, applied: 0 });
    expect(second.missed).toEqual({ count: 0, named: [] });
  });

  it('more lost events than fit on a page of Stripe are all applied and counted, and the first hundred reported', async () => {
    const books = await openBooks();
    await soundTown(books);
    const { listed } = (await reconciled(books)).report.events;
    const [subscription] = books.double.state.subscriptions.newestFirst;
    for (const n of range(1, 110)) {
      await books.stripe.subscriptions.update(subscription?.id ?? '', { metadata: { n } });
    }
    const { report } = await reconciled(books);
    expect(report.events).toMatchObject({ listed: listed + 110, known: listed, applied: 110 });
    expect(report.missed.count).toBe(110);
    expect(new Set(report.missed.named.map(({ eventId }) => eventId)).size).toBe(100);
    expect((await reconciled(books)).report.events).toMatchObject({ known: listed + 110, applied: 0 });
  });

  it('a parked event is reported as open, and is neither drift nor applied', async () => {
    const books = await openBooks();
    await soundTown(books);
    const { id: customer } = await books.stripe.customers.create({ metadata: { customer_id: 'c1' } });
    await books.stripe.customers.update(customer, { name: 'Acme' });
    await books.deliver();
    const parked = books.events().findLast(({ type }) => type === 'customer.updated')?.id ?? '';

    const { report } = await reconciled(books);
    expect(report).toMatchObject({ drift: { count: 0 }, missed: { count: 0 }, open: { count: 1 } });
    expect(report.open.named).toEqual([
      {
        customerId: null,
        since: expect.stringMatching(/^20/),
        message: `event ${parked} (customer.updated) is parked: no customer is known for ${customer}`,
      },
    ]);
    expect((await readEventRecord(books.table, parked))?.outcome).toBe('parked');
  });

  it('an event record without an outcome breaks the invariant of the events', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    const [event] = books.events().filter(({ type }) => type === 'payment_intent.succeeded');
    const id = event?.id ?? '';
    await tamper(books, keys.event(id), 'outcome', 'lost');
    expect(await driftIn(books)).toEqual([[payer.customerId, 8, null, `event ${id} has the outcome lost`]]);
  });

  it('an event whose applying meets an outage is no drift while Stripe delivers it again, and drift afterwards', async () => {
    const books = await openBooks();
    const { pro } = await soundTown(books);
    const customer = pro.stripeCustomerId;
    const card = await books.stripe.paymentMethods.attach('pm_card_mastercard', { customer });
    const subscription = books.double.state.subscriptions.newestFirst[0]?.id ?? '';
    // The subscription's own card is cleared when the customer's default card changes.
    const { paymentMethodId } = await headOf(books.deps, pro.customerId);
    await books.stripe.subscriptions.update(subscription, { default_payment_method: paymentMethodId ?? '' });
    await books.stripe.customers.update(customer, { invoice_settings: { default_payment_method: card.id } });
    const outage = () =>
      books.double.faults.add({ path: '/v1/subscriptions/*', kind: 'drop_before', times: 999 });
    const driftOfEvents = async () =>
      (await reconciled(books)).report?.drift.named.filter(({ invariant }) => invariant === 8);
    outage();
    await books.later(0.1);
    expect(await driftOfEvents()).toEqual([]);
    await books.later(4);
    expect(await driftOfEvents()).not.toEqual([]);
    books.double.faults.clear();
    expect(await driftOfEvents()).toEqual([]);
  });

  it('an event that cannot be applied is drift with a reason, and does not keep the others from being applied', async () => {
    const books = await openBooks();
    const { pro } = await soundTown(books);
    await books.later(MONTH);
    // The invoice's guard is unreadable, so its event cannot be applied.
    const invoice = books.double.state.invoices.newestFirst[0]?.id ?? '';
    await tamper(books, keys.once(pro.customerId, 'invoice', invoice), 'credits', 'many');
    const { report } = await reconciled(books);
    const failed = report.missed.named.find(({ type }) => type === 'invoice.paid');
    expect(failed).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('is not readable') });
    expect(report.events).toMatchObject({ applied: 1, ignored: 1, failed: 2 });
    expect(report.drift.named).toContainEqual({
      customerId: null,
      invariant: 8,
      seq: null,
      message: expect.stringContaining(
        `event ${failed?.eventId} has the outcome none; applying it failed: The stored item`,
      ),
    });
    expect(report.drift.named.filter(({ invariant }) => invariant !== 8)).toEqual([
      {
        customerId: pro.customerId,
        invariant: 5,
        seq: null,
        message: notGranted(invoice),
      },
    ]);
  });

  it('an event that Stripe does not return at first is still applied', async () => {
    const books = await openBooks();
    const { pro } = await soundTown(books);
    await books.later(MONTH);
    const deps = await beforeQuestion(books.deps, 'readInvoiceReach', async (nth) => {
      if (nth === 1) throw new StripeFault('indeterminate');
    });
    const { report } = await reconciled({ deps });
    expect(report).toMatchObject({ drift: { count: 0 }, events: { applied: 3, failed: 0 } });
    await expectSoundMoney(books, pro.customerId);
  });

  it('recent events and payments are left to their own delivery', async () => {
    const books = await openBooks();
    const { pro } = await soundTown(books);
    await books.later(MONTH);
    // Our clock runs an hour ahead of Stripe's. This makes them equal.
    books.wait(-60 * 60 * 1000);
    const [renewal] = books.double.state.invoices.newestFirst;
    const paidAt = (renewal?.status_transitions.paid_at ?? 0) * 1000;
    books.wait(paidAt + 9 * 60_000 - books.deps.now().getTime());

    const { report: early } = await reconciled(books);
    expect(early).toMatchObject({ drift: { count: 0 }, customers: { invoices: 1 } });
    // The period ended an hour before its payment.
    expect(early.missed.named.map(({ type }) => type)).toEqual(['customer.subscription.updated']);
    books.wait(2 * 60_000);
    const { report: due } = await reconciled(books);
    expect(due.drift.count).toBe(0);
    expect(due.missed.named.map(({ type }) => type)).toEqual([
      'invoice.finalized',
      'payment_intent.succeeded',
      'invoice.paid',
    ]);
    expect(due.customers.invoices).toBe(2);
    await expectSoundMoney(books, pro.customerId);
  });
});

describe('a customer of the smoke test who was removed', () => {
  /** Paid for Pro and for a fix, then removed here and at Stripe. The table has no record of the events. */
  async function removedCustomer(books: Books): Promise<void> {
    const { payer } = await soundTown(books);
    const customer = await stranger(books);
    const { priceId, stripe } = books;
    await stripe.subscriptions.create({ customer, items: [{ price: priceId }], off_session: true });
    await payForFix(books, customer, { ...payer, fixAttemptId: payer.fixId });
    await stripe.customers.del(customer);
  }

  it('a removed test customer is no drift on a test stage, and no event of that customer is applied', async () => {
    const books = await openBooks();
    await removedCustomer(books);
    const { report } = await reconciled(books);
    expect(report).toMatchObject({ drift: { count: 0 }, missed: { count: 0 }, open: { count: 0 } });
    expect(report.events.removed).toBeGreaterThan(3);
    expect(report.events.listed).toBe(report.events.known + report.events.removed);
  });

  it('a customer missing on a live stage is drift, even with a test address', async () => {
    const books = await openBooks();
    await removedCustomer(books);
    const { report } = await reconciled({ deps: { ...books.deps, stage: 'production' } });
    expect(report.drift.count).toBe(2);
    expect(report.events.removed).toBe(0);
    expect(report.events.ignored).toBeGreaterThan(3);
    expect(report.open.count).toBe(report.events.parked);
  });
});

describe('what is in the ledger at once', () => {
  it('what the ledger stores at once is compared with Stripe at any age', async () => {
    const books = await openBooks();
    // Our clock runs an hour ahead of Stripe's. This makes them equal.
    books.wait(-60 * 60 * 1000);
    await soundTown(books);
    const { report } = await reconciled(books);
    expect(report).toMatchObject({ drift: { count: 0 }, customers: { charges: 1, invoices: 1 } });
  });
});

describe('what is open', () => {
  it('a charge without an outcome is reported as open after an hour', async () => {
    const books = await openBooks();
    await soundTown(books);
    const { customerId } = await customerWithCard(books, 0);
    await books.deliver();
    const fixId = await recordedFix(books.deps, customerId, 7);
    await books.control('faults', {
      method: 'POST',
      path: '/v1/payment_intents',
      kind: '500_before',
      times: 9,
    });
    await expect(billFixAttempt(books.deps, customerId, fixId)).rejects.toMatchObject({
      code: 'payment_pending',
    });
    const [fix] = await readTogether(books.table, [keys.fix(customerId, fixId)]);
    expect(fix).toMatchObject({ due: 'charge' });

    books.wait(59 * 60_000);
    expect((await reconciled(books)).report).toMatchObject({ drift: { count: 0 }, open: { count: 0 } });
    books.wait(2 * 60_000);
    const { report } = await reconciled(books);
    expect(report).toMatchObject({ drift: { count: 0 }, open: { count: 1 } });
    expect(report.open.named).toEqual([
      {
        customerId,
        since: expect.stringMatching(/^20/),
        message: `the charge of fix ${fixId}, attempt 1, has no outcome`,
      },
    ]);
  });

  it('work of a newer release is reported as open by its key, and the rest is checked', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    await closeCustomer(books.deps, payer.customerId);
    await books.deliver();
    books.wait(61 * 60_000);
    const { table } = books.deps;
    const Item = { pk: 'NEWER#1', sk: 'NEWER', due: 'charge', due_at: '2000-01-01', says: 'secret' };
    await documents(table).send(new PutCommand({ TableName: table.name, Item }));
    expect((await reconciled(books)).report.open.named).toEqual([
      {
        customerId: null,
        since: null,
        message: 'The stored item NEWER#1 NEWER is not readable: sk',
      },
      expect.objectContaining({ customerId: payer.customerId }),
    ]);
  });

  it('an account that was closed over an hour ago and is not cleared is reported as open', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    const { customerId } = payer;
    await closeCustomer(books.deps, customerId);
    await books.deliver();
    books.wait(59 * 60_000);
    expect((await reconciled(books)).report).toMatchObject({ drift: { count: 0 }, open: { count: 0 } });
    books.wait(2 * 60_000);
    expect((await reconciled(books)).report.open.named).toEqual([
      {
        customerId,
        since: expect.stringMatching(/^20/),
        message: 'the account is closed, but its data is not fully removed yet',
      },
    ]);
    await settlePendingCharges(books.deps);
    expect((await reconciled(books)).report).toMatchObject({ drift: { count: 0 }, open: { count: 0 } });
  });
});

describe('what changes while it is being read', () => {
  it('a fix that is charged between the reads of ledger and Stripe is no drift', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    const fixId = await recordedFix(books.deps, payer.customerId, 2);
    let asked = 0;
    const deps = await beforeQuestion(books.deps, 'rawCharges', async (_, about) => {
      if (about !== payer.stripeCustomerId) return;
      asked += 1;
      if (asked === 1) await billFixAttempt(books.deps, payer.customerId, fixId);
    });
    const { report } = await reconciled({ deps });
    // The first read found the charge without an entry, the second found both.
    expect(asked).toBe(2);
    expect(report).toMatchObject({ drift: { count: 0 }, customers: { checked: 3, charges: 2 } });
  });
});
