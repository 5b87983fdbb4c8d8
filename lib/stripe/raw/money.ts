import type Stripe from 'stripe';
import { PAGE } from '../paging.ts';
import type {
  RawBalanceEntry,
  RawCharge,
  RawCustomer,
  RawMovement,
  RawPauseChange,
  RawReturned,
  RawSubscription,
} from '../port/audit.ts';
import type { ListWindow, Page } from '../port.ts';
import { idOf } from '../reference.ts';

/* Charges, returned money, customers and movements for the auditor: every page, no rule of the service. */

const nextOf = ({ data, has_more: hasMore }: Stripe.ApiList<{ id: string }>): string | null =>
  hasMore ? (data.at(-1)?.id ?? null) : null;

const from = (after: string | null) => ({ limit: PAGE, ...(after !== null && { starting_after: after }) });

export async function rawCharges(
  stripe: Stripe,
  customer: string,
  after: string | null,
): Promise<Page<RawCharge>> {
  const expand = ['data.payment_intent'];
  const page = await stripe.charges.list({ customer, ...from(after), expand });
  const items = page.data.map((charge) => ({
    id: charge.id,
    paymentIntentId: idOf(charge.payment_intent),
    created: charge.created,
    askedAt: askedAt(charge),
    isPaid: charge.status === 'succeeded',
    capturedCents: charge.amount_captured,
    refundedCents: charge.amount_refunded,
    isDisputed: charge.disputed,
    metadata: charge.metadata,
  }));
  return { items, next: nextOf(page) };
}

/** A cardholder may confirm a payment long after it was requested. */
const askedAt = ({ payment_intent: intent, created }: Stripe.Charge): number =>
  typeof intent === 'object' && intent !== null ? intent.created : created;

export async function rawReturned(
  stripe: Stripe,
  charge: string,
  what: { readonly refunds: boolean; readonly disputes: boolean },
): Promise<RawReturned> {
  const refunds: RawReturned['refunds'][number][] = [];
  const disputes: RawReturned['disputes'][number][] = [];
  if (what.refunds) {
    for await (const { id, status, amount } of stripe.refunds.list({ charge, limit: PAGE }))
      refunds.push({ id, status, cents: amount });
  }
  if (what.disputes) {
    for await (const dispute of stripe.disputes.list({ charge, limit: PAGE })) {
      const moved = dispute.balance_transactions.reduce((total, { amount }) => total + amount, 0);
      disputes.push({ id: dispute.id, status: dispute.status, takenCents: 0 - moved });
    }
  }
  return { refunds, disputes };
}

export async function rawBalance(stripe: Stripe, customer: string): Promise<RawBalanceEntry[]> {
  const found: RawBalanceEntry[] = [];
  for await (const entry of stripe.customers.listBalanceTransactions(customer, { limit: PAGE })) {
    found.push({ id: entry.id, type: entry.type, cents: entry.amount, created: entry.created });
  }
  return found;
}

export async function rawCustomer(stripe: Stripe, customer: string): Promise<RawCustomer> {
  const found = await stripe.customers.retrieve(customer);
  if (found.deleted) return { isDeleted: true, cardId: null, subscriptions: [] };
  const subscriptions: RawSubscription[] = [];
  for await (const one of stripe.subscriptions.list({ customer, status: 'all', limit: PAGE })) {
    subscriptions.push({
      id: one.id,
      status: one.status,
      priceIds: one.items.data.map(({ price }) => price.id),
      isEnding: one.cancel_at_period_end || one.cancel_at !== null,
      isCollectionPaused: one.pause_collection !== null,
    });
  }
  const methodId = idOf(found.invoice_settings.default_payment_method);
  return { isDeleted: false, cardId: await cardOf(stripe, customer, methodId, found), subscriptions };
}

export async function rawPauseChanges(
  stripe: Stripe,
  since: number,
  after: string | null,
): Promise<Page<RawPauseChange>> {
  const type = 'customer.subscription.updated';
  const page = await stripe.events.list({ type, created: { gte: since }, ...from(after) });
  const items = page.data.flatMap((event): RawPauseChange[] => {
    if (event.type !== type) return [];
    const { object, previous_attributes: before } = event.data;
    // Absent if the pause did not change.
    if (before?.pause_collection === undefined) return [];
    return [
      { subscriptionId: object.id, created: event.created, wasPaused: before.pause_collection !== null },
    ];
  });
  return { items, next: nextOf(page) };
}

async function cardOf(
  stripe: Stripe,
  customer: string,
  methodId: string | null,
  { default_source: source }: Stripe.Customer,
): Promise<string | null> {
  const sourceId = idOf(source);
  const cardSource = sourceId?.startsWith('card_') ? sourceId : null;
  if (methodId === null) return cardSource;
  const method = await stripe.paymentMethods.retrieve(methodId);
  return method.type === 'card' && idOf(method.customer) === customer ? methodId : null;
}

export async function rawMovements(
  stripe: Stripe,
  { from: since, until, after }: ListWindow,
): Promise<Page<RawMovement>> {
  const seconds = (moment: Date): number => Math.floor(moment.getTime() / 1000);
  const page = await stripe.balanceTransactions.list({
    created: { gte: seconds(since), ...(until !== null && { lt: seconds(until) }) },
    ...from(after),
  });
  const items = page.data.map((one) => ({
    id: one.id,
    created: one.created,
    category: one.reporting_category,
    cents: one.amount,
    feeCents: one.fee,
    sourceId: idOf(one.source),
  }));
  return { items, next: nextOf(page) };
}
