import type { ProInvoice } from '../../domain/grants.ts';
import type { DisputeOutcome } from '../../domain/notices/money-content.ts';
import type { FixPayment, FixReference } from './payments.ts';

/** A charge with all money returned from it: refunds that did not fail, and disputes that are not won. */
export interface ReturnedMoney {
  readonly chargeId: string;
  readonly stripeCustomerId: string | null;
  readonly paymentIntentId: string | null;
  readonly returnedCents: number;
  /** Of these, the refunds. */
  readonly refundedCents: number;
  readonly disputes: readonly {
    readonly id: string;
    readonly open: boolean;
    readonly amountCents: number;
    /** Null while it is open. */
    readonly outcome: DisputeOutcome | null;
  }[];
  readonly paidFor:
    | { readonly kind: 'fix'; readonly fix: FixReference }
    /** Several if one payment pays several invoices. */
    | { readonly kind: 'invoices'; readonly invoiceIds: readonly string[] }
    | { readonly kind: 'other' };
}

export interface PaidMoney {
  readonly fixPayments: readonly Paid<PaidFix>[];
  /** The invoices that bring credits. */
  readonly proInvoices: readonly Paid<ProInvoice>[];
  /** Every charge that was ever disputed, for any purpose. */
  readonly disputedChargeIds: readonly string[];
}

/** A succeeded payment for a fix. */
export interface PaidFix extends FixPayment {
  /** Fully refunded: a ledger without this payment is then no finding. */
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
  /** A customer's open disputes, from the account's newest: the ones whose events may be late. */
  findOpenDisputes(stripeCustomerId: string): Promise<readonly OpenDispute[]>;
  readReturnedMoney(chargeId: string): Promise<ReturnedMoney>;
  /** Whether all money paid for an invoice was refunded: a ledger without the invoice is then no finding. */
  isInvoiceReturned(invoice: Pick<ProInvoice, 'id'>): Promise<boolean>;
  /** Every payment of a customer for fixes and Pro, for an audit. */
  readPaidMoney(stripeCustomerId: string): Promise<PaidMoney>;
}
