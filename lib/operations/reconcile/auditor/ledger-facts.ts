import type { LedgerEntry } from '../../../domain/ledger.ts';

/** The money in a ledger, read from its entries as data. */
export interface LedgerFacts {
  /** Credits granted for each invoice, and credits taken back for it. */
  readonly invoices: ReadonlyMap<string, { readonly granted: number; readonly taken: number }>;
  /** The purchase of each payment intent. */
  readonly purchases: ReadonlyMap<string, Purchase>;
}

export interface Purchase {
  readonly seq: number;
  readonly cents: number;
  readonly fixId: string;
}

/** The facts of a ledger that is read in parts. */
export class FactsSoFar implements LedgerFacts {
  readonly invoices = new Map<string, { granted: number; taken: number }>();
  readonly purchases = new Map<string, Purchase>();

  add(entries: readonly LedgerEntry[]): void {
    for (const entry of entries) this.#take(entry);
  }

  #take({ seq, source, amount, metadata }: LedgerEntry): void {
    const { invoice_id: invoiceId, payment_intent_id: paymentIntentId } = metadata;
    if (typeof invoiceId === 'string') {
      const before = this.invoices.get(invoiceId) ?? { granted: 0, taken: 0 };
      // Credits that the balance could not cover become debt, and still count as taken back.
      const taken = source === 'refund_reversal' ? Number(metadata['debt_change'] ?? 0) - amount : 0;
      const granted = source === 'pro_subscription_payment' ? amount : 0;
      this.invoices.set(invoiceId, { granted: before.granted + granted, taken: before.taken + taken });
    }
    if (source === 'purchased' && typeof paymentIntentId === 'string') {
      const fixId = String(metadata['fix_attempt_id'] ?? '');
      this.purchases.set(paymentIntentId, { seq, cents: Number(metadata['amount_cents'] ?? 0), fixId });
    }
  }
}

export function factsOf(entries: readonly LedgerEntry[]): LedgerFacts {
  const facts = new FactsSoFar();
  facts.add(entries);
  return facts;
}
