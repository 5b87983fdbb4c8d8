import { monthOf, type Spending } from '../../domain/payments/spending.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import type { StoredTries } from '../../store/payments/card-tries.ts';
import { readSpendingAndTries } from '../../store/payments/spending.ts';
import type { DefaultCard } from '../../stripe/port.ts';
import { askStripe } from './payment-problems.ts';

/**
 * The basis for announcing a payment: the card at Stripe, the tries of the customer's cards, and what was
 * spent this month.
 */
export interface Payable {
  readonly card: DefaultCard | null;
  readonly tries: StoredTries;
  readonly spending: Spending;
  /** Stripe mails its own receipts, by a setting of the stage. */
  readonly mailsReceipts: boolean;
}

interface Known extends Pick<Payable, 'card' | 'mailsReceipts'> {
  readonly of: string;
}

const NO_CARD = { card: null, mailsReceipts: false } as const;

/**
 * Reads the basis of a payment just before its announcement. The card is read once per Stripe customer, even
 * if a lost race repeats the decision. Tries and spending are read last, and each time, because the
 * announcement is conditional on them.
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_unavailable
 */
export function payableReader(
  deps: PaymentDeps,
  customerId: string,
): (stripeCustomerId: string | null) => Promise<Payable> {
  let known: Known | null = null;
  return async (of) => {
    if (of !== null && known?.of !== of) {
      const stripe = await deps.stripe();
      const card = await askStripe(() => stripe.readDefaultCard(of));
      known = { of, card, mailsReceipts: stripe.mailsReceipts };
    }
    const { card, mailsReceipts } = (of === null ? null : known) ?? NO_CARD;
    const read = await readSpendingAndTries(deps.table, customerId, monthOf(deps.now()));
    return { card, mailsReceipts, ...read };
  };
}
