import type { CustomerHead } from './customer.ts';
import type { EntryMetadata, EntrySource, Posting } from './ledger.ts';
import { PLANS } from './plans.ts';

/** What granting or taking back credits does: the entries, and what is owed afterwards. */
export interface CreditChange {
  readonly postings: readonly Posting[];
  readonly debt: number;
}

type Owing = Pick<CustomerHead, 'balance' | 'debt'>;

/**
 * A grant, with what is owed taken out of it at once. Two entries, so that the grant is there whole and the netting
 * explains itself. `debt_change` in the metadata adds up to the debt over the whole ledger.
 */
export function grant(
  { debt }: Owing,
  credits: number,
  source: EntrySource,
  metadata: EntryMetadata,
): CreditChange {
  const netted = Math.min(debt, credits);
  const postings: Posting[] = [{ amount: credits, source, metadata }];
  if (netted > 0) {
    postings.push({
      amount: -netted,
      source: 'refund_reversal',
      metadata: { reason: 'debt_netted', debt_change: -netted, debt_after: debt - netted },
    });
  }
  return { postings, debt: debt - netted };
}

/**
 * Takes `credits` back as far as the balance goes and owes the rest; a negative number gives that many back, what is
 * owed first. Always exactly one entry, of 0 credits where the balance does not change, so that every cent that went
 * back is explained in the ledger.
 */
export function takeBack({ balance, debt }: Owing, credits: number, metadata: EntryMetadata): CreditChange {
  // Not -n, for -0 is not 0 to everybody.
  const debtChange = credits >= 0 ? Math.max(0, credits - balance) : 0 - Math.min(debt, -credits);
  return {
    postings: [
      {
        amount: debtChange - credits,
        source: 'refund_reversal',
        metadata: { ...metadata, debt_change: debtChange, debt_after: debt + debtChange },
      },
    ],
    debt: debt + debtChange,
  };
}

/** A Pro invoice as Stripe has it now. Money in US cents. */
export interface ProInvoice {
  readonly id: string;
  readonly totalCents: number;
  readonly billingReason: string;
  /** Paid in whatever way: by card, from the customer's balance, or past Stripe. */
  readonly paid: boolean;
  /** Whether a line pays for a period of Pro, not for a change within one. */
  readonly hasProLine: boolean;
}

const PAYS_FOR_A_PERIOD: ReadonlySet<string> = new Set(['subscription_create', 'subscription_cycle']);

/** Whether an invoice brings the Pro credits. One of $0 does not, nor one that is not for Pro. */
export function bringsProCredits({ paid, billingReason, hasProLine, totalCents }: ProInvoice): boolean {
  return paid && PAYS_FOR_A_PERIOD.has(billingReason) && hasProLine && totalCents > 0;
}

export function grantForInvoice(head: Owing, { id, totalCents }: ProInvoice): CreditChange {
  return grant(head, PLANS.pro.sold.credits, 'pro_subscription_payment', {
    invoice_id: id,
    total_cents: totalCents,
  });
}

/** What an invoice has brought and what was taken back for it so far; stored as its once-only guard. */
export interface InvoiceGuard {
  readonly invoiceId: string;
  readonly credits: number;
  readonly totalCents: number;
  /** Money that went back, as far as it was counted. */
  readonly reversedCents: number;
  readonly reversedCredits: number;
}

export const newInvoiceGuard = ({ id, totalCents }: ProInvoice): InvoiceGuard => ({
  invoiceId: id,
  credits: PLANS.pro.sold.credits,
  totalCents,
  reversedCents: 0,
  reversedCredits: 0,
});

/** Credits that `cents` of an invoice's total are worth, rounded down: the customer keeps the fraction. */
export function creditsFor({ credits, totalCents }: InvoiceGuard, cents: number): number {
  return Math.floor((credits * Math.min(cents, totalCents)) / totalCents);
}
