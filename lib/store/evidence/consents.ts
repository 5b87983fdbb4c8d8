import * as z from 'zod/mini';
import type { BillingConsent } from '../../domain/evidence/billing-consent.ts';
import { keys, prefixes } from '../keys.ts';
import { itemsOf } from '../paging.ts';
import { readable, record, text, type UnreadableItem } from '../record.ts';
import type { Item, Table, Write } from '../table.ts';
import { put } from '../write.ts';

/* Evidence is append-only: a later consent is its own item, even for the same card. */

const Consent = z.object({
  paymentMethodId: text,
  givenAt: text,
  version: text,
  text,
  sourceIp: text,
  userAgent: z.nullable(text),
  by: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('api_key'), keyId: text }),
    z.object({ kind: z.literal('page'), page: text }),
  ]),
});

const consents = record<BillingConsent>(Consent);

export const decodeConsent = (item: Item): BillingConsent => consents.decode(item);

/**
 * Stores a consent in the transaction that adds its card. A retry of the transaction stores the same item.
 */
export const keepConsent = (customerId: string, consent: BillingConsent): Write =>
  put({
    ...keys.consent(customerId, consent.givenAt, consent.paymentMethodId),
    ...consents.encode(consent),
  });

/** All consents of a customer, the oldest first; an unreadable one does not hide the others. */
export async function readConsents(
  table: Table,
  customerId: string,
): Promise<(BillingConsent | UnreadableItem)[]> {
  const found: (BillingConsent | UnreadableItem)[] = [];
  for await (const item of itemsOf(table, customerId, prefixes.consent))
    found.push(readable(decodeConsent, item));
  return found;
}
