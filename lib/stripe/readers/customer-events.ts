import type Stripe from 'stripe';
import { isAbout, objectIdOf, parseEvent } from '../event.ts';
import { MAX_FOUND, PAGE } from '../paging.ts';
import type { CustomerEvent } from '../port.ts';

/** Stripe lists events by time and type only, so the customer's are picked out of all there were since. */
export async function findEventsOf(
  stripe: Stripe,
  stripeCustomerId: string,
  sinceSeconds: number,
): Promise<CustomerEvent[]> {
  const found = await stripe.events
    .list({ created: { gte: sinceSeconds }, limit: PAGE })
    .autoPagingToArray({ limit: MAX_FOUND });
  return found.flatMap((told): CustomerEvent[] => {
    const event = parseEvent(told);
    if (event === null || !isAbout(event, stripeCustomerId)) return [];
    const { id, type } = event;
    return [{ id, type, objectId: objectIdOf(event), undelivered: told.pending_webhooks > 0 }];
  });
}
