import type Stripe from 'stripe';
import type { AuditCalls } from '../port/audit.ts';
import { rawInvoices, rawNotes } from '../raw/invoices.ts';
import {
  rawBalance,
  rawCharges,
  rawCustomer,
  rawMovements,
  rawPauseChanges,
  rawReturned,
} from '../raw/money.ts';
import { idOf } from '../reference.ts';

/** The auditor's reads from Stripe. */
export function auditCalls(stripe: Stripe): AuditCalls {
  return {
    rawCharges: async (customer, after) => rawCharges(stripe, customer, after),
    rawReturned: async (charge, what) => rawReturned(stripe, charge, what),
    rawInvoices: async (customer) => rawInvoices(stripe, customer),
    rawNotes: async (customer) => rawNotes(stripe, customer),
    rawBalance: async (customer) => rawBalance(stripe, customer),
    rawPauseChanges: async (since, after) => rawPauseChanges(stripe, since, after),
    rawCustomer: async (customer) => rawCustomer(stripe, customer),
    rawMovements: async (window) => rawMovements(stripe, window),
    async rawPrice(priceId) {
      const { id, unit_amount: unitCents, product, metadata } = await stripe.prices.retrieve(priceId);
      return { id, unitCents, productId: idOf(product), metadata };
    },
  };
}
