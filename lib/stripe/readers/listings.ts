import type Stripe from 'stripe';
import { parseEvent, type StripeEvent } from '../event.ts';
import { isHandled } from '../event-types.ts';
import { StripeFault } from '../fault.ts';
import { PAGE } from '../paging.ts';
import type { ListWindow, OwnedInvoice, Page, PaidFix } from '../port.ts';
import type { PriceBook } from '../prices.ts';
import { idOf } from '../reference.ts';
import { paidProOf } from './invoices.ts';
import { paidFixOf, WITH_CHARGE } from './payments.ts';

/* Account-wide lists, page by page, for reconciliation. */

export async function listEvents(stripe: Stripe, window: ListWindow): Promise<Page<StripeEvent>> {
  // Stripe accepts at most 20 types per call; we handle more.
  const page = await stripe.events.list(parametersOf(window));
  const items = page.data
    .filter(({ type }) => isHandled(type))
    .map((told) => {
      const event = parseEvent(told);
      if (event === null) throw new StripeFault('misconfigured', { code: 'unreadable_event' });
      return event;
    });
  return { items, next: nextOf(page) };
}

export async function listFixPayments(stripe: Stripe, window: ListWindow): Promise<Page<PaidFix>> {
  const page = await stripe.paymentIntents.list({ ...parametersOf(window), expand: WITH_CHARGE });
  return { items: page.data.map(paidFixOf).filter((payment) => payment !== null), next: nextOf(page) };
}

export async function listProInvoices(
  stripe: Stripe,
  window: ListWindow,
  prices: PriceBook,
): Promise<Page<OwnedInvoice>> {
  const page = await stripe.invoices.list({ status: 'paid', ...parametersOf(window) });
  const items: OwnedInvoice[] = [];
  for (const invoice of page.data) {
    const pro = await paidProOf(stripe, invoice, prices);
    if (pro !== null) items.push({ ...pro, stripeCustomerId: idOf(invoice.customer) });
  }
  return { items, next: nextOf(page) };
}

/** Stripe's times are whole seconds. Adjacent windows share no second and miss none. */
const parametersOf = ({ from, until, after }: ListWindow) => ({
  created: { gte: secondsOf(from), ...(until !== null && { lt: secondsOf(until) }) },
  limit: PAGE,
  ...(after !== null && { starting_after: after }),
});

const secondsOf = (moment: Date): number => Math.floor(moment.getTime() / 1000);

const nextOf = ({ data, has_more: hasMore }: Stripe.ApiList<{ id: string }>): string | null =>
  hasMore ? (data.at(-1)?.id ?? null) : null;
