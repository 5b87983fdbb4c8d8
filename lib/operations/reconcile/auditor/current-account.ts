import type { Violation } from '../../../domain/ledger-records.ts';
import type { RawSubscription } from '../../../stripe/port/audit.ts';
import type { ChargesAudit } from './charges.ts';
import { headDifference, moneyDifference } from './findings.ts';
import type { Inquiry } from './inquiry.ts';
import { creditsAt } from './invoice-value.ts';
import type { InvoicesAudit } from './invoices.ts';

/* A customer's current card, disputes and subscriptions, and the price at which their fixes were charged. */

/** The price of a fix while a period is paid, from the price list. */
const COVERED_FIX_CENTS = 1_500;
const DAY = 24 * 60 * 60;
/** In seconds: how long Stripe still collects after a paid period, and extra for charges announced before. */
const GRACE = 21 * DAY;
const ANNOUNCED_BEFORE = 2 * DAY;

/** Differences between the head and Stripe. @throws StripeFault */
export async function auditAccount(
  inquiry: Inquiry,
  charges: readonly ChargesAudit[],
  invoices: readonly InvoicesAudit[],
): Promise<Violation[]> {
  const { head, stripe, beforeAsking } = inquiry;
  const { stripeCustomerId } = head;
  if (stripeCustomerId === null) return [];
  await beforeAsking(3);
  const customer = await stripe.rawCustomer(stripeCustomerId);
  if (customer.isDeleted) return [];
  await inquiry.prices.learn(
    customer.subscriptions.flatMap(({ priceIds }) => priceIds),
    inquiry,
  );
  return [
    ...cardDifferences(inquiry, customer.cardId),
    ...concurrentSubscriptions(inquiry, customer.subscriptions),
    ...rateDifferences(customer.subscriptions, charges, invoices),
  ];
}

function cardDifferences({ head }: Inquiry, cardId: string | null): Violation[] {
  if (head.closedAt !== null || head.paymentMethodId === cardId) return [];
  const [here, there] = [head.paymentMethodId ?? 'none', cardId ?? 'none that can be charged'];
  return [headDifference(`the card on file is ${here}, Stripe's default is ${there}`)];
}

const GOES_ON = new Set(['active', 'trialing', 'past_due', 'unpaid']);

function concurrentSubscriptions(
  { prices }: Inquiry,
  subscriptions: readonly RawSubscription[],
): Violation[] {
  const renewing = subscriptions.filter(
    ({ status, isEnding, priceIds }) =>
      GOES_ON.has(status) && !isEnding && priceIds.some((id) => creditsAt(prices.known.get(id)) !== null),
  );
  if (renewing.length < 2) return [];
  return [
    headDifference(
      `concurrent subscriptions: ${renewing.map(({ id }) => id).join(' and ')} are all charged each period`,
    ),
  ];
}

/** Fixes charged at the price of a paid period while no period was paid. */
function rateDifferences(
  subscriptions: readonly RawSubscription[],
  charges: readonly ChargesAudit[],
  invoices: readonly InvoicesAudit[],
): Violation[] {
  const covered = invoices.flatMap((seen) => seen.covered);
  const isPaused = subscriptions.some((one) => one.isCollectionPaused && GOES_ON.has(one.status));
  const grace = (isPaused ? 0 : GRACE) + ANNOUNCED_BEFORE;
  return charges
    .flatMap(({ paidFixes }) => paidFixes)
    .filter(({ cents }) => cents === COVERED_FIX_CENTS)
    .filter(
      ({ askedAt }) => !covered.some(({ start, end }) => start - DAY <= askedAt && askedAt <= end + grace),
    )
    .map(({ paymentIntentId, cents }) =>
      moneyDifference(
        `the price of a fix differs: payment ${paymentIntentId} charged ${cents} cents while no period ` +
          'was paid',
      ),
    );
}
