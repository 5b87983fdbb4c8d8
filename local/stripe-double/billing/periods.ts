import type Stripe from 'stripe';

const DAY_SECONDS = 24 * 60 * 60;

/**
 * The end of the period that starts at or before `start`. Counted from the anchor, so that a subscription of
 * the 31st returns to the 31st after a shorter month.
 */
export function periodEnd(
  anchor: number,
  start: number,
  { interval, interval_count: count }: Stripe.Price.Recurring,
): number {
  if (interval === 'day') return start + count * DAY_SECONDS;
  if (interval === 'week') return start + 7 * count * DAY_SECONDS;
  const months = interval === 'year' ? 12 * count : count;
  let end = anchor;
  for (let n = 1; end <= start; n += 1) end = plusMonths(anchor, n * months);
  return end;
}

export function plusMonths(seconds: number, months: number): number {
  const from = new Date(seconds * 1_000);
  const firstOfMonth = new Date(from);
  firstOfMonth.setUTCDate(1);
  firstOfMonth.setUTCMonth(firstOfMonth.getUTCMonth() + months);
  const lastDay = new Date(
    Date.UTC(firstOfMonth.getUTCFullYear(), firstOfMonth.getUTCMonth() + 1, 0),
  ).getUTCDate();
  firstOfMonth.setUTCDate(Math.min(from.getUTCDate(), lastDay));
  return Math.floor(firstOfMonth.getTime() / 1_000);
}

/** The start of the period that ends at `end`. */
export function periodStart(
  end: number,
  { interval, interval_count: count }: Stripe.Price.Recurring,
): number {
  if (interval === 'day') return end - count * DAY_SECONDS;
  if (interval === 'week') return end - 7 * count * DAY_SECONDS;
  return plusMonths(end, interval === 'year' ? -12 * count : -count);
}

export function periodOf(subscription: Stripe.Subscription): Stripe.InvoiceLineItem.Period {
  const [item] = subscription.items.data;
  if (item === undefined) throw new Error(`${subscription.id} has no items`);
  return { start: item.current_period_start, end: item.current_period_end };
}
