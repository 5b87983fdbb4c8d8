import { describe, expect, it } from 'vitest';
import { differingDays } from '../../../lib/domain/books/day-totals.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWithCard } from '../../support/money.ts';
import { openBooks, reconciled, soundTown } from '../../support/reconciliation.ts';

const total = (days: Readonly<Record<string, { readonly charges: number }>>) =>
  Object.values(days).reduce((sum, { charges }) => sum + charges, 0);

describe('money by day', () => {
  it('the totals by day add up the money at Stripe, and match the ledgers when the books are in order', async () => {
    const books = await openBooks();
    const { pro } = await soundTown(books);
    const { data } = await books.stripe.charges.list({ customer: pro.stripeCustomerId });
    await books.stripe.refunds.create({ charge: data[0]?.id ?? '', amount: 10_000 });
    await books.deliver();
    const { report } = await reconciled(books, { upToNow: true });
    expect(differingDays(report.days)).toEqual([]);
    const [[, day] = ['', null]] = Object.entries(report.days);
    expect(day).toMatchObject({ charges: 2_900 + 59_900, refunds: -10_000, ledger: 62_800 });
    expect(day?.fees).toBeGreaterThan(0);
    expect(report.money).toMatchObject({ cash: 62_800, returned: 10_000 });
  });

  it('a day with a charge that no ledger has is reported in cents, and stays the same when it is added up again', async () => {
    const books = await openBooks();
    await soundTown(books);
    const { stripeCustomerId } = await customerWithCard(books, 0);
    await books.stripe.paymentIntents.create({
      amount: 1_234,
      currency: 'usd',
      customer: stripeCustomerId,
      payment_method: 'pm_card_visa',
      confirm: true,
      off_session: true,
      allowed_payment_method_types: ['card'],
    });
    const { report } = await reconciled(books, { upToNow: true });
    expect(differingDays(report.days).map(({ cents }) => cents)).toEqual([1_234]);
    const { report: again } = await reconciled(books, { upToNow: true });
    expect(again.days).toEqual(report.days);
  });

  it('older days are stored as sums: after 35 days they are read from the table, not from Stripe', async () => {
    const books = await openBooks();
    await soundTown(books);
    const { report: first } = await reconciled(books, { upToNow: true });
    await books.later(60);
    await books.deliver();
    const { customerId } = await customerWithCard(books, 0);
    await billFixAttempt(books.deps, customerId, await recordedFix(books.deps, customerId, 5));
    const { report } = await reconciled(books, { upToNow: true });
    expect(report.daysBefore).toMatchObject({ days: 1, sums: { charges: total(first.days) } });
    expect(Object.keys(report.days)).not.toContain(Object.keys(first.days)[0]);
  });
});
