import type { InvoiceGuard } from '../domain/grants.ts';
import { CONDITIONS } from './conditions.ts';
import { dueAt, NOT_DUE } from './due-work.ts';
import { type Key, keys } from './keys.ts';
import {
  type DoublePayment,
  encodeDoublePayment,
  encodeInvoiceGuard,
  encodeOrder,
  type ProOrder,
} from './stripe-items.ts';
import { type Table, type Write, writeOne } from './table.ts';
import { put, update } from './write.ts';

/* What ties the ledger to Stripe: the owner of an id, and what a card, an invoice or an order brought. */

/** Binds a Stripe customer or payment method to a customer, so that an event which names it finds them. */
export const bindStripeId = (stripeId: string, customerId: string): Write =>
  put({ ...keys.stripe(stripeId), customer_id: customerId }, CONDITIONS.STRIPE_ID_IS_FREE, {
    customer: customerId,
  });

/** Spends a customer's one card bonus and the card's. */
export const spendCardBonus = (customerId: string, fingerprint: string): Write[] => [
  put(
    { ...keys.once(customerId, 'card_bonus', 'first'), card_fingerprint: fingerprint },
    CONDITIONS.GUARD_IS_NEW,
  ),
  put({ ...keys.card(fingerprint), customer_id: customerId }, CONDITIONS.CARD_IS_NEW),
];

/** Keeps what an invoice brought and what was taken back; `before` is what was read, null for a new one. */
export function keepInvoice(customerId: string, guard: InvoiceGuard, before: InvoiceGuard | null): Write {
  const item = encodeInvoiceGuard(customerId, guard);
  return before === null
    ? put(item, CONDITIONS.GUARD_IS_NEW)
    : put(item, CONDITIONS.INVOICE_UNMOVED, { reversed: before.reversedCents });
}

/** Announces that a payment goes back; due until it has. */
export const announceRefund = (customerId: string, double: DoublePayment, at: Date): Write =>
  put({ ...encodeDoublePayment(customerId, double), ...dueAt('charge', at) }, CONDITIONS.GUARD_IS_NEW);

/** Stores an order for Pro in place of `before`; an order without an outcome is due. */
export function keepOrder(customerId: string, order: ProOrder, before: ProOrder | null): Write {
  const due = order.state === 'ordering' ? dueAt('charge', new Date(order.startedAt)) : {};
  return put({ ...encodeOrder(customerId, order), ...due }, CONDITIONS.ORDER_UNMOVED, {
    attempt: before?.attempt ?? 0,
    state: before?.state ?? 'none',
  });
}

/** Notes that an announced payment went back; it is not due any more. A repeat is safe. */
export async function noteRefunded(table: Table, key: Key, refundId: string): Promise<void> {
  await writeOne(table, update(key, { set: { refund_id: refundId }, remove: NOT_DUE }));
}
