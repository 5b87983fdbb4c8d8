import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { dueAt } from './due-work.ts';
import { keys } from './keys.ts';
import { attemptNumber, orNull, record, text } from './record.ts';
import { type Item, readOne, type Table, type Write } from './table.ts';
import { put } from './write.ts';

const Order = z.object({
  attempt: attemptNumber,
  state: z.enum(['ordering', 'awaiting_approval', 'done', 'refused']),
  stripeCustomerId: text,
  /** The card on file when the order was placed. Null in orders of an earlier release. */
  paymentMethodId: orNull(text),
  /** As `cardKey` of a fix's charge. */
  cardKey: orNull(text),
  priceId: text,
  startedAt: text,
  /**
   * Where the bank sends the cardholder after an approval. Null for an order by API, without a cardholder.
   */
  returnUrl: orNull(text),
});

/**
 * A Pro order, stored before Stripe is called. `awaiting_approval`: the subscription waits until the
 * cardholder approves its first payment. `refused`: the card was declined, or there is no subscription; the
 * next order is a new attempt.
 */
export type ProOrder = Readonly<z.output<typeof Order>>;

const orders = record<ProOrder>(Order);

export const decodeOrder = (item: Item): ProOrder => orders.decode(item);

/** The Pro order in any state; null if the customer never placed one. */
export const readOrder = (table: Table, customerId: string): Promise<ProOrder | null> =>
  readOne(table, keys.order(customerId), decodeOrder);

/** Whether an order has no outcome yet. A customer has at most one such order. */
export const isOpenOrder = (order: ProOrder | null): order is ProOrder =>
  order?.state === 'ordering' || order?.state === 'awaiting_approval';

/** Replaces `before` with a Pro order. An order without an outcome is due. */
export function keepOrder(customerId: string, order: ProOrder, before: ProOrder | null): Write {
  const due = isOpenOrder(order) ? dueAt('charge', new Date(order.startedAt)) : {};
  const item = { ...keys.order(customerId), ...orders.encode(order), ...due };
  return put(item, CONDITIONS.ORDER_UNMOVED, {
    attempt: before?.attempt ?? 0,
    state: before?.state ?? 'none',
  });
}
