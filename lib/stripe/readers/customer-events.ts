import type Stripe from 'stripe';
import { isAbout, objectIdOf, parseEvent } from '../event.ts';
import { PAGE } from '../paging.ts';
import type { CustomerEvent } from '../port.ts';

/** Stripe lists events only by time and type, so this reads all events and selects the customer's. */
export async function findEventsOf(
  stripe: Stripe,
  stripeCustomerId: string,
  sinceSeconds: number,
): Promise<CustomerEvent[]> {
  const found: CustomerEvent[] = [];
  for await (const listed of stripe.events.list({ created: { gte: sinceSeconds }, limit: PAGE })) {
    const event = parseEvent(listed);
    if (event === null || !isAbout(event, stripeCustomerId)) continue;
    const { id, type } = event;
    found.push({ id, type, objectId: objectIdOf(event), undelivered: listed.pending_webhooks > 0 });
  }
  return found;
}
