import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { dueAt } from './due-work.ts';
import { keys } from './keys.ts';
import { attemptNumber, count, orNull, record, text } from './record.ts';
import type { Item, Write } from './table.ts';
import { put } from './write.ts';

const Renewal = z.object({
  attempt: attemptNumber,
  /** `paying` until the outcome is known. `closed`: nothing was paid, and the attempt is not retried. */
  state: z.enum(['paying', 'paid', 'declined', 'needs_approval', 'closed']),
  invoiceId: text,
  subscriptionId: text,
  /** US cents. */
  amountCents: count,
  stripeCustomerId: text,
  /** The card of the announced payment. Another card is a new attempt. */
  paymentMethodId: text,
  /** As `cardKey` of a fix's charge. */
  cardKey: orNull(text),
  startedAt: text,
});

/**
 * An announced payment of an open renewal, stored before Stripe is called. One per customer; the next
 * replaces it.
 */
export type Renewal = Readonly<z.output<typeof Renewal>>;

const renewals = record<Renewal>(Renewal);

export const decodeRenewal = (item: Item): Renewal => renewals.decode(item);

/** Replaces `before` with a renewal. A renewal without an outcome is due. */
export function keepRenewal(customerId: string, renewal: Renewal, before: Renewal | null): Write {
  const due = renewal.state === 'paying' ? dueAt('charge', new Date(renewal.startedAt)) : {};
  const item = { ...keys.renewal(customerId), ...renewals.encode(renewal), ...due };
  return put(item, CONDITIONS.RENEWAL_UNMOVED, {
    attempt: before?.attempt ?? 0,
    state: before?.state ?? 'none',
  });
}
