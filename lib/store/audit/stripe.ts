import * as z from 'zod/mini';
import type { CustomerHead } from '../../domain/customer.ts';
import { keys } from '../keys.ts';
import { decodeOwner } from '../owners.ts';
import type { Meter } from '../paging.ts';
import { readable, record, text, UnreadableItem } from '../record.ts';
import { type Item, readFound, readTogether, type Table } from '../table.ts';

/*
 * Lookups for an audit of the whole Stripe account, 100 keys per call. Decoding is lenient: the audit reports
 * a malformed item and continues.
 */

/** The recorded outcome of an event. */
export interface EventFate {
  /** Null if the record does not say. */
  readonly outcome: string | null;
  readonly reason: string;
  readonly customerId: string | null;
}

const fates = record<EventFate>(
  z.object({
    outcome: z.catch(z.nullable(text), null),
    reason: z.catch(text, ''),
    customerId: z.catch(z.nullable(text), null),
  }),
);

/** The outcome of each event by its id. Unrecorded events are left out. At most 100 ids. */
export async function readEventFates(
  table: Table,
  eventIds: readonly string[],
  meter: Meter,
): Promise<ReadonlyMap<string, EventFate>> {
  const items = await readMetered(table, eventIds, keys.event, meter);
  return new Map([...items].map(([id, item]) => [id, fates.decode(item)]));
}

type StripeNames = Pick<CustomerHead, 'stripeCustomerId' | 'formerStripeCustomerId'>;
const stripeNames = record<StripeNames>(
  z.object({
    stripeCustomerId: z.catch(z.nullable(text), null),
    formerStripeCustomerId: z.catch(z.nullable(text), null),
  }),
);

export interface StripeOwner {
  readonly customerId: string;
  /** Whether the customer's head names the Stripe customer, so that their own audit covers its money. */
  readonly isNamed: boolean;
}

/** The customer of each Stripe customer. Unbound ones are left out. At most 100 ids. */
export async function readStripeOwners(
  table: Table,
  stripeCustomerIds: readonly string[],
  meter: Meter,
): Promise<ReadonlyMap<string, StripeOwner>> {
  const bindings = await readMetered(table, stripeCustomerIds, keys.stripe, meter);
  const owners = [...bindings].flatMap(([stripeId, item]) => {
    const customerId = readable(decodeOwner, item);
    return customerId instanceof UnreadableItem ? [] : [{ stripeId, customerId }];
  });
  const heads = await readMetered(
    table,
    owners.map(({ customerId }) => customerId),
    keys.head,
    meter,
  );
  return new Map(
    owners.map(({ stripeId, customerId }) => {
      const { stripeCustomerId, formerStripeCustomerId } = stripeNames.decode(heads.get(customerId) ?? {});
      const isNamed = stripeId === stripeCustomerId || stripeId === formerStripeCustomerId;
      return [stripeId, { customerId, isNamed }];
    }),
  );
}

const PaidFix = z.object({ billed: z.object({ payment_intent_id: z.string() }) });

/** Whether a payment is in a customer's records: it paid for the fix, or it is a double payment. */
export async function isPaymentKept(
  table: Table,
  customerId: string,
  { fixAttemptId, paymentIntentId }: { readonly fixAttemptId: string; readonly paymentIntentId: string },
): Promise<boolean> {
  const [fix, double] = await readTogether(table, [
    keys.fix(customerId, fixAttemptId),
    keys.once(customerId, 'double_payment', paymentIntentId),
  ]);
  const paid = PaidFix.safeParse(fix);
  return double !== undefined || (paid.success && paid.data.billed.payment_intent_id === paymentIntentId);
}

/** Whether an invoice's credits were granted to a customer. */
export async function isInvoiceKept(table: Table, customerId: string, invoiceId: string): Promise<boolean> {
  const [guard] = await readTogether(table, [keys.once(customerId, 'invoice', invoiceId)]);
  return guard !== undefined;
}

/** The items by their ids. A small item takes one read unit, even if absent. */
async function readMetered(
  table: Table,
  ids: readonly string[],
  keyOf: (id: string) => ReturnType<typeof keys.event>,
  meter: Meter,
): Promise<ReadonlyMap<string, Item>> {
  const distinct = [...new Set(ids)];
  const found = await readFound(table, distinct, keyOf);
  await meter(distinct.length);
  return new Map(found);
}
