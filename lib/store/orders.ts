import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { dueAt } from './due-work.ts';
import { keys } from './keys.ts';
import { attemptNumber, orNull, record, text } from './record.ts';
import { type Item, readOne, type Table, type Write } from './table.ts';
import { put } from './write.ts';

const Order = z.object({
  attempt: attemptNumber,
  state: z.enum(['ordering', 'done', 'refused']),
  stripeCustomerId: text,
  /** The card on file when the order was placed. Null in orders of an earlier release. */
  paymentMethodId: orNull(text),
  /** As `cardKey` of a fix's charge. */
  cardKey: orNull(text),
  priceId: text,
  startedAt: text,
});

/**
 * A Pro order, stored before Stripe is called. `refused`: the card was declined, or there is no subscription;
 * the next order is a new attempt.
 */
export type ProOrder = Readonly<z.output<typeof Order>>;

const orders = record<ProOrder>(Order);

export const decodeOrder = (item: Item): ProOrder => orders.decode(item);

/** The Pro order in any state; null if the customer never placed one. */
export const readOrder = (table: Table, customerId: string): Promise<ProOrder | null> =>
  readOne(table, keys.order(customerId), decodeOrder);

/** Replaces `before` with a Pro order. An order without an outcome is due. */
export function keepOrder(customerId: string, order: ProOrder, before: ProOrder | null): Write {
  const due = order.state === 'ordering' ? dueAt('charge', new Date(order.startedAt)) : {};
  const item = { ...keys.order(customerId), ...orders.encode(order), ...due };
  return put(item, CONDITIONS.ORDER_UNMOVED, {
    attempt: before?.attempt ?? 0,
    state: before?.state ?? 'none',
  });
}
