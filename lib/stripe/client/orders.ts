import type Stripe from 'stripe';
import { PAGE } from '../paging.ts';
import { isDeleted, nullIfDone } from './null-if-done.ts';

/* Subscriptions that our orders made. */

const PURPOSE = 'pro';

/** Finds the subscription of an order after its answer was lost. */
export const orderMetadata = (customerId: string, attempt: number): Stripe.MetadataParam => ({
  purpose: PURPOSE,
  customer_id: customerId,
  attempt: String(attempt),
});

/** With its latest invoice; null if the order made none. */
export async function findSubscription(
  stripe: Stripe,
  customer: string,
  attempt: number,
): Promise<Stripe.Subscription | null> {
  // A deleted customer has no subscriptions.
  const found = await nullIfDone(
    () => findByAttempt(stripe, customer, attempt),
    () => isDeleted(stripe, customer),
  );
  return found === null ? null : stripe.subscriptions.retrieve(found, { expand: ['latest_invoice'] });
}

/** Another product may use the same name for a field of its subscriptions. */
async function findByAttempt(stripe: Stripe, customer: string, attempt: number): Promise<string | null> {
  for await (const { id, metadata } of stripe.subscriptions.list({ customer, status: 'all', limit: PAGE })) {
    if (metadata['purpose'] === PURPOSE && metadata['attempt'] === String(attempt)) return id;
  }
  return null;
}
