import * as z from 'zod/mini';
import type { InvoiceGuard } from '../domain/grants.ts';
import { decode } from './items.ts';
import { keys } from './keys.ts';
import type { Item } from './table.ts';

/* The items that tie the ledger to Stripe, and the way between them and the domain; checked as those in items.ts are. */

const count = z.int().check(z.nonnegative());

const InvoiceGuardItem = z.object({
  invoice_id: z.string(),
  credits: count,
  total_cents: count,
  reversed_cents: count,
  reversed_credits: count,
});

const DoublePaymentItem = z.object({
  fix_attempt_id: z.string(),
  payment_intent_id: z.string(),
  amount_cents: count,
  refund_id: z.nullable(z.string()),
});

const OrderItem = z.object({
  attempt: z.int().check(z.positive()),
  state: z.enum(['ordering', 'done', 'refused']),
  stripe_customer_id: z.string(),
  // An order of an earlier release does not say.
  payment_method_id: z._default(z.nullable(z.string()), null),
  price_id: z.string(),
  started_at: z.string(),
});

const EventItem = z.object({
  event_id: z.string(),
  type: z.string(),
  outcome: z.enum(['processed', 'ignored', 'parked']),
  reason: z.string(),
  customer_id: z.nullable(z.string()),
  object_id: z.nullable(z.string()),
  created_at: z.string(),
  received_at: z.string(),
});

const OwnerItem = z.object({ customer_id: z.string() });

/** A payment that succeeded for a fix that was paid for already; the money goes back. */
export interface DoublePayment {
  readonly fixAttemptId: string;
  readonly paymentIntentId: string;
  readonly amountCents: number;
  /** Null until Stripe has given it back. */
  readonly refundId: string | null;
}

/**
 * An order for Pro, stored before Stripe is asked. `refused`: the card was declined, or nothing came of it; the next order
 * is a new attempt.
 */
export interface ProOrder {
  readonly attempt: number;
  readonly state: 'ordering' | 'done' | 'refused';
  readonly stripeCustomerId: string;
  /** The card on file when it was placed. */
  readonly paymentMethodId: string | null;
  readonly priceId: string;
  readonly startedAt: string;
}

/** A webhook event and what became of it. What it said stays at Stripe. */
export interface EventRecord {
  readonly eventId: string;
  readonly type: string;
  readonly outcome: 'processed' | 'ignored' | 'parked';
  /** For people: what was done, or why not. */
  readonly reason: string;
  readonly customerId: string | null;
  /** What the event is about. */
  readonly objectId: string | null;
  readonly createdAt: string;
  readonly receivedAt: string;
}

export function decodeInvoiceGuard(item: Item): InvoiceGuard {
  const guard = decode(InvoiceGuardItem, item);
  return {
    invoiceId: guard.invoice_id,
    credits: guard.credits,
    totalCents: guard.total_cents,
    reversedCents: guard.reversed_cents,
    reversedCredits: guard.reversed_credits,
  };
}

export function encodeInvoiceGuard(customerId: string, guard: InvoiceGuard): Item {
  return {
    ...keys.once(customerId, 'invoice', guard.invoiceId),
    invoice_id: guard.invoiceId,
    credits: guard.credits,
    total_cents: guard.totalCents,
    reversed_cents: guard.reversedCents,
    reversed_credits: guard.reversedCredits,
  };
}

export function decodeDoublePayment(item: Item): DoublePayment {
  const double = decode(DoublePaymentItem, item);
  return {
    fixAttemptId: double.fix_attempt_id,
    paymentIntentId: double.payment_intent_id,
    amountCents: double.amount_cents,
    refundId: double.refund_id,
  };
}

export function encodeDoublePayment(customerId: string, double: DoublePayment): Item {
  return {
    ...keys.once(customerId, 'double_payment', double.paymentIntentId),
    fix_attempt_id: double.fixAttemptId,
    payment_intent_id: double.paymentIntentId,
    amount_cents: double.amountCents,
    refund_id: double.refundId,
  };
}

export function decodeOrder(item: Item): ProOrder {
  const order = decode(OrderItem, item);
  return {
    attempt: order.attempt,
    state: order.state,
    stripeCustomerId: order.stripe_customer_id,
    paymentMethodId: order.payment_method_id,
    priceId: order.price_id,
    startedAt: order.started_at,
  };
}

export function encodeOrder(customerId: string, order: ProOrder): Item {
  return {
    ...keys.order(customerId),
    attempt: order.attempt,
    state: order.state,
    stripe_customer_id: order.stripeCustomerId,
    payment_method_id: order.paymentMethodId,
    price_id: order.priceId,
    started_at: order.startedAt,
  };
}

export function decodeEvent(item: Item): EventRecord {
  const event = decode(EventItem, item);
  return {
    eventId: event.event_id,
    type: event.type,
    outcome: event.outcome,
    reason: event.reason,
    customerId: event.customer_id,
    objectId: event.object_id,
    createdAt: event.created_at,
    receivedAt: event.received_at,
  };
}

export function encodeEvent(event: EventRecord): Item {
  return {
    ...keys.event(event.eventId),
    event_id: event.eventId,
    type: event.type,
    outcome: event.outcome,
    reason: event.reason,
    customer_id: event.customerId,
    object_id: event.objectId,
    created_at: event.createdAt,
    received_at: event.receivedAt,
  };
}

/** Whose a Stripe id, or a card's bonus, is. */
export function decodeOwner(item: Item): string {
  return decode(OwnerItem, item).customer_id;
}
