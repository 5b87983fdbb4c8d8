import { type Drift, type ReconcileReport, withListed } from '../../domain/reconciliation.ts';
import { isInvoiceKept, isPaymentKept, readStripeOwners } from '../../store/audit/stripe.ts';
import type { ListWindow, OwnedInvoice, Page, PaidFix } from '../../stripe/port.ts';
import { CALLS_PER_RETURNED_INVOICE } from './audit-customer.ts';
import { removedAmong } from './removed-customers.ts';
import { asOf, DAY_MS, endOf, type Work } from './work.ts';

/**
 * More than the 30 days of Stripe's events, to find money that no event reported and no check saw in time.
 */
const WINDOW_DAYS = 35;

/** Money at Stripe, and how to tell that a ledger has it. */
interface Listed {
  readonly stripeCustomerId: string | null;
  readonly what: string;
  /** Whether the money was returned: returned money needs no owner. */
  isReturned(): Promise<boolean>;
  isKeptBy(customerId: string): Promise<boolean>;
}

/**
 * Finds money at Stripe that no customer's audit sees: of an unbound Stripe customer, or of one whose owner's
 * head names another Stripe customer and whose ledger does not have the money. Lists the whole account's
 * payments for fixes and paid Pro invoices, 100 per call.
 * @throws StripeFault, BillingError if Stripe or the ledger cannot be reached
 */
export async function findUnownedMoney(work: Work): Promise<void> {
  const { deps } = work;
  const stripe = await deps.stripe();
  await follow(work, 'payments', (window) => stripe.listFixPayments(window), listedPayment(work));
  await follow(work, 'invoices', (window) => stripe.listProInvoices(window), listedInvoice(work));
}

const listedPayment =
  ({ deps }: Work) =>
  (payment: PaidFix): Listed => ({
    stripeCustomerId: payment.stripeCustomerId,
    isReturned: async () => payment.isReturned,
    what:
      `payment ${payment.paymentIntentId} of ${payment.amountCents} cents for fix ` +
      `${payment.fixAttemptId}`,
    isKeptBy: (customerId) => isPaymentKept(deps.table, customerId, payment),
  });

const listedInvoice =
  ({ deps, beforeAsking }: Work) =>
  (invoice: OwnedInvoice): Listed => ({
    stripeCustomerId: invoice.stripeCustomerId,
    isReturned: async () => {
      await beforeAsking(CALLS_PER_RETURNED_INVOICE);
      return (await deps.stripe()).isInvoiceReturned(invoice);
    },
    what: `paid Pro invoice ${invoice.id} of ${invoice.totalCents} cents`,
    isKeptBy: (customerId) => isInvoiceKept(deps.table, customerId, invoice.id),
  });

async function follow<T>(
  work: Work,
  kind: keyof ReconcileReport['listed'],
  list: (window: ListWindow) => Promise<Page<T>>,
  listed: (item: T) => Listed,
): Promise<void> {
  const { lease, beforeAsking } = work;
  const until = endOf(work);
  const from = new Date(asOf(work).getTime() - WINDOW_DAYS * DAY_MS);
  while (!lease.mustStop && !lease.run.position[kind].isDone) {
    await beforeAsking(1);
    const { items, next } = await list({ from, until, after: lease.run.position[kind].after });
    const drift = await driftAmong(work, items.map(listed));
    await lease.advance(({ report, position }) => ({
      report: withListed(report, kind, items.length, drift),
      position: { ...position, [kind]: { after: next, isDone: next === null } },
    }));
  }
}

async function driftAmong(work: Work, all: readonly Listed[]): Promise<Drift[]> {
  const { deps, meter } = work;
  const ids = all.map(({ stripeCustomerId }) => stripeCustomerId).filter((id) => id !== null);
  const owners = await readStripeOwners(deps.table, ids, meter);
  const removed = await removedAmong(
    work,
    ids.filter((id) => !owners.has(id)),
  );
  const drift: Drift[] = [];
  for (const { stripeCustomerId, what, isReturned, isKeptBy } of all) {
    const owner = owners.get(stripeCustomerId ?? '');
    if (owner?.isNamed || removed.has(stripeCustomerId ?? '')) continue;
    if (owner !== undefined) {
      await meter(1);
      if (await isKeptBy(owner.customerId)) continue;
    }
    if (await isReturned()) continue;
    if (owner === undefined) {
      const whose =
        stripeCustomerId === null
          ? 'no Stripe customer'
          : `${stripeCustomerId}, which is bound to no customer`;
      drift.push({ ...MONEY, customerId: null, message: `${what} belongs to ${whose}` });
    } else {
      const missing = 'is not in the ledger of the customer bound to it';
      const message = `${what} belongs to ${stripeCustomerId}, but ${missing}`;
      drift.push({ ...MONEY, customerId: owner.customerId, message });
    }
  }
  return drift;
}

const MONEY = { invariant: 5, seq: null } as const;
