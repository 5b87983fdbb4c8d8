import type { ProInvoice } from '../../domain/grants.ts';
import type { FixPayment, FixReference } from './payments.ts';

/** A charge with all that went back of it: refunds that did not fail, and disputes that are not won. */
export interface ReturnedMoney {
  readonly chargeId: string;
  readonly stripeCustomerId: string | null;
  readonly paymentIntentId: string | null;
  readonly returnedCents: number;
  readonly disputes: readonly { readonly id: string; readonly open: boolean; readonly amountCents: number }[];
  readonly paidFor:
    | { readonly kind: 'fix'; readonly fix: FixReference }
    /** Several where one payment pays several. */
    | { readonly kind: 'invoices'; readonly invoiceIds: readonly string[] }
    | { readonly kind: 'other' };
}

export interface PaidMoney {
  readonly fixPayments: readonly Paid<PaidFix>[];
  /** Those that bring credits. */
  readonly proInvoices: readonly Paid<ProInvoice>[];
  /** Charges that were ever disputed, whatever they paid for. */
  readonly disputedChargeIds: readonly string[];
}

/** A payment for a fix that succeeded. */
export interface PaidFix extends FixPayment {
  /** Whether all of it was refunded: a ledger that never had it has nothing to say of it. */
  readonly isReturned: boolean;
}

export type Paid<T> = T & { readonly paidAt: Date };

export type OwnedInvoice = ProInvoice & { readonly stripeCustomerId: string | null };

export interface OpenDispute {
  readonly id: string;
  readonly amountCents: number;
}

/** What was paid and what was returned, across fixes and invoices. Reads only. */
export interface MoneyCalls {
  /** A customer's open disputes, among the newest of the whole account: those whose events may be late. */
  findOpenDisputes(stripeCustomerId: string): Promise<readonly OpenDispute[]>;
  readReturnedMoney(chargeId: string): Promise<ReturnedMoney>;
  /** Whether all that was paid for an invoice was refunded: a ledger that never had it has nothing to say of it. */
  isInvoiceReturned(invoice: Pick<ProInvoice, 'id'>): Promise<boolean>;
  /** All that a customer ever paid for fixes and Pro, for an audit. */
  readPaidMoney(stripeCustomerId: string): Promise<PaidMoney>;
}
