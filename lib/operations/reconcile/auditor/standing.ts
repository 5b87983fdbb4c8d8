import type { Violation } from '../../../domain/ledger-records.ts';
import type { RawSubscription } from '../../../stripe/port/audit.ts';
import type { ChargesSeen } from './charges.ts';
import { difference, otherwise } from './findings.ts';
import type { Inquiry } from './inquiry.ts';
import { creditsAt } from './invoice-value.ts';
import type { InvoicesSeen } from './invoices.ts';

/* A customer's current card, disputes and subscriptions, and the price at which their fixes were charged. */

/** The price of a fix while a period is paid, from the price list. */
const COVERED_FIX_CENTS = 1_500;
const DAY = 24 * 60 * 60;
/** In seconds: how long Stripe still collects after a paid period, and extra for charges announced before. */
const GRACE = 21 * DAY;
const ANNOUNCED_BEFORE = 2 * DAY;

/** Differences between the head and Stripe. @throws StripeFault */
export async function auditStanding(
  inquiry: Inquiry,
  charges: readonly ChargesSeen[],
  invoices: readonly InvoicesSeen[],
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
    ...cardOtherwise(inquiry, customer.cardId),
    ...twoGoOn(inquiry, customer.subscriptions),
    ...rateOtherwise(customer.subscriptions, charges, invoices),
  ];
}

function cardOtherwise({ head }: Inquiry, cardId: string | null): Violation[] {
  if (head.closedAt !== null || head.paymentMethodId === cardId) return [];
  const [here, there] = [head.paymentMethodId ?? 'none', cardId ?? 'none that can be charged'];
  return [otherwise(`the card on file is ${here}, Stripe's default is ${there}`)];
}

const GOES_ON = new Set(['active', 'trialing', 'past_due', 'unpaid']);

function twoGoOn({ prices }: Inquiry, subscriptions: readonly RawSubscription[]): Violation[] {
  const on = subscriptions.filter(
    ({ status, isEnding, priceIds }) =>
      GOES_ON.has(status) && !isEnding && priceIds.some((id) => creditsAt(prices.known.get(id)) !== null),
  );
  if (on.length < 2) return [];
  return [
    otherwise(`two go on: subscriptions ${on.map(({ id }) => id).join(' and ')} are all charged each period`),
  ];
}

/** Fixes charged at the price of a paid period while no period was paid. */
function rateOtherwise(
  subscriptions: readonly RawSubscription[],
  charges: readonly ChargesSeen[],
  invoices: readonly InvoicesSeen[],
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
      difference(
        `the plan differs: payment ${paymentIntentId} charged ${cents} cents for a fix, and no period was paid then`,
      ),
    );
}
