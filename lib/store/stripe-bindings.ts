import type { InvoiceGuard } from '../domain/grants.ts';
import { CONDITIONS } from './conditions.ts';
import { dueAt } from './due-work.ts';
import { type Key, keys } from './keys.ts';
import type { AlongsideWrite } from './ledger.ts';
import {
  type DoublePayment,
  encodeDoublePayment,
  encodeInvoiceGuard,
  encodeOrder,
  type ProOrder,
} from './stripe-items.ts';
import { type Table, writeOne } from './table.ts';

/* What ties the ledger to Stripe: whose an id is, what a card, an invoice or an order has brought. */

/** Binds a Stripe customer or payment method to a customer, so that an event which names it finds them. */
export function bindStripeId(stripeId: string, customerId: string): AlongsideWrite {
  return (table) => ({
    Put: {
      TableName: table.name,
      Item: { ...keys.stripe(stripeId), customer_id: customerId },
      ConditionExpression: CONDITIONS.STRIPE_ID_IS_FREE,
      ExpressionAttributeValues: { ':customer': customerId },
    },
  });
}

/** Spends a customer's one card bonus and the card's. */
export function spendCardBonus(customerId: string, fingerprint: string): AlongsideWrite[] {
  const once = keys.once(customerId, 'card_bonus', 'first');
  return [
    (table) => ({
      Put: {
        TableName: table.name,
        Item: { ...once, card_fingerprint: fingerprint },
        ConditionExpression: CONDITIONS.GUARD_IS_NEW,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    }),
    (table) => ({
      Put: {
        TableName: table.name,
        Item: { ...keys.card(fingerprint), customer_id: customerId },
        ConditionExpression: CONDITIONS.CARD_IS_NEW,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    }),
  ];
}

/** Keeps what an invoice brought and what was taken back; `before` is what was read, null for a new one. */
export function keepInvoice(
  customerId: string,
  guard: InvoiceGuard,
  before: InvoiceGuard | null,
): AlongsideWrite {
  const condition =
    before === null
      ? { ConditionExpression: CONDITIONS.GUARD_IS_NEW }
      : {
          ConditionExpression: CONDITIONS.INVOICE_UNMOVED,
          ExpressionAttributeValues: { ':reversed': before.reversedCents },
        };
  return (table) => ({
    Put: {
      TableName: table.name,
      Item: encodeInvoiceGuard(customerId, guard),
      ...condition,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  });
}

/** Announces that a payment goes back; due until it has. */
export function announceRefund(customerId: string, double: DoublePayment, at: Date): AlongsideWrite {
  return (table) => ({
    Put: {
      TableName: table.name,
      Item: { ...encodeDoublePayment(customerId, double), ...dueAt('charge', at) },
      ConditionExpression: CONDITIONS.GUARD_IS_NEW,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  });
}

/** Stores an order for Pro where `before` stood; one that is not decided is due. */
export function keepOrder(customerId: string, order: ProOrder, before: ProOrder | null): AlongsideWrite {
  const due = order.state === 'ordering' ? dueAt('charge', new Date(order.startedAt)) : {};
  return (table) => ({
    Put: {
      TableName: table.name,
      Item: { ...encodeOrder(customerId, order), ...due },
      ConditionExpression: CONDITIONS.ORDER_UNMOVED,
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: { ':attempt': before?.attempt ?? 0, ':state': before?.state ?? 'none' },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  });
}

/** Notes that an announced payment went back; it is not due any more. A repeat is safe. */
export async function noteRefunded(table: Table, key: Key, refundId: string): Promise<void> {
  await writeOne(table, {
    update: {
      Key: { ...key },
      UpdateExpression: 'SET refund_id = :refund REMOVE due, due_at',
      ExpressionAttributeValues: { ':refund': refundId },
    },
  });
}
