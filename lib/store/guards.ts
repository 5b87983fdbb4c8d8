import * as z from 'zod/mini';
import type { InvoiceGuard } from '../domain/grants.ts';
import { CONDITIONS } from './conditions.ts';
import { keys } from './keys.ts';
import { claimCard } from './owners.ts';
import { count, integer, orNull, record, text } from './record.ts';
import type { Item, Write } from './table.ts';
import { put } from './write.ts';

/* Guards: items that make an adjustment, a card bonus or an invoice's grants happen once for a customer. */

const Adjustment = z.object({
  amount: integer,
  reason: text,
  actor: text,
  balanceAfter: integer,
  seq: count,
});
const CardBonus = z.object({ cardFingerprint: text });
const Invoice = z.object({
  invoiceId: text,
  credits: count,
  totalCents: count,
  reversedCents: count,
  reversedCredits: count,
  lines: orNull(z.readonly(z.array(z.object({ id: text, credits: count })))),
});

/** The result of an operator's adjustment, stored under its idempotency key. */
export type AdjustmentGuard = Readonly<z.output<typeof Adjustment>>;

const adjustments = record<AdjustmentGuard>(Adjustment);
const cardBonuses = record(CardBonus);
const invoices = record<InvoiceGuard>(Invoice);

export const decodeAdjustmentGuard = (item: Item): AdjustmentGuard => adjustments.decode(item);

/** Stores the result of an adjustment under its idempotency key. */
export const guardAdjustment = (customerId: string, key: string, guard: AdjustmentGuard): Write =>
  put({ ...keys.once(customerId, 'adjustment', key), ...adjustments.encode(guard) }, CONDITIONS.GUARD_IS_NEW);

/** The card that earned a customer's bonus. */
export const decodeBonusCard = (item: Item): string => cardBonuses.decode(item).cardFingerprint;

/** Uses up the customer's one card bonus and the card's own. */
export function spendCardBonus(customerId: string, fingerprint: string): Write[] {
  const bonus = cardBonuses.encode({ cardFingerprint: fingerprint });
  return [
    put({ ...keys.once(customerId, 'card_bonus', 'first'), ...bonus }, CONDITIONS.GUARD_IS_NEW),
    claimCard(fingerprint, customerId),
  ];
}

export const decodeInvoiceGuard = (item: Item): InvoiceGuard => invoices.decode(item);

/**
 * Stores what an invoice granted and what was taken back. `before` is the guard as read; null for a new one.
 */
export function keepInvoice(customerId: string, guard: InvoiceGuard, before: InvoiceGuard | null): Write {
  const item = { ...keys.once(customerId, 'invoice', guard.invoiceId), ...invoices.encode(guard) };
  return before === null
    ? put(item, CONDITIONS.GUARD_IS_NEW)
    : put(item, CONDITIONS.INVOICE_UNMOVED, {
        reversed: before.reversedCents,
        granted: before.credits,
      });
}
