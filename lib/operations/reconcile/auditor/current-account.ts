import type { Violation } from '../../../domain/ledger-records.ts';
import type { RawSubscription } from '../../../stripe/port/audit.ts';
import type { ChargesAudit } from './charges.ts';
import { headDifference } from './findings.ts';
import { GOES_ON, priceDifferences } from './fix-prices.ts';
import type { Inquiry } from './inquiry.ts';
import { creditsAt } from './invoice-value.ts';
import type { InvoicesAudit } from './invoices.ts';

/* A customer's current card and subscriptions. */

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
    ...(await priceDifferences(inquiry, customer.subscriptions, charges, invoices)),
  ];
}

function cardDifferences({ head }: Inquiry, cardId: string | null): Violation[] {
  if (head.closedAt !== null || head.paymentMethodId === cardId) return [];
  const [here, there] = [head.paymentMethodId ?? 'none', cardId ?? 'none that can be charged'];
  return [headDifference(`the card on file is ${here}, Stripe's default is ${there}`)];
}

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
