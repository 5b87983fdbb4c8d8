import type { InvoiceGuard, InvoiceLine, ProInvoice } from '../../lib/domain/grants.ts';
import type { KnownPrice } from '../../lib/domain/plans.ts';

export const PRO_PRICE: KnownPrice = { id: 'price_pro', plan: 'pro', credits: 60, unitCents: 59_900 };

/** A whole month of Pro for one seat. */
export const lineOf = (facts: Partial<InvoiceLine> = {}): InvoiceLine => {
  const { amountCents = 59_900 } = facts;
  return {
    id: 'il_1',
    amountCents,
    netCents: amountCents,
    taxCents: 0,
    quantity: 1,
    isWhole: true,
    price: PRO_PRICE,
    ...facts,
  };
};

/** A paid month of Pro. */
export const invoiceOf = (facts: Partial<ProInvoice> = {}): ProInvoice => ({
  id: 'in_1',
  isFirst: false,
  totalCents: 59_900,
  paidCents: 59_900,
  paid: true,
  lines: [lineOf()],
  unknownPriceIds: [],
  freeUntil: null,
  ...facts,
});

/** The stored guard of a month of Pro that granted its credits. */
export const guardOf = (facts: Partial<InvoiceGuard> = {}): InvoiceGuard => ({
  invoiceId: 'in_1',
  credits: 60,
  totalCents: 59_900,
  reversedCents: 0,
  reversedCredits: 0,
  lines: [{ id: 'il_1', credits: 60 }],
  ...facts,
});
