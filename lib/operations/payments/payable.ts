import type { PaymentDeps } from '../../runtime/deps.ts';
import { readCardTries, type StoredTries } from '../../store/payments/card-tries.ts';
import type { DefaultCard } from '../../stripe/port.ts';
import { askStripe } from './payment-problems.ts';

/** What a payment is announced on: the card at Stripe, and how the customer's cards have behaved. */
export interface Payable {
  readonly card: DefaultCard | null;
  readonly tries: StoredTries;
}

/**
 * Reads what a payment is announced on, just before. The card is read once for each Stripe customer, also where a lost race
 * makes the ledger decide again; the tries are read last, and again each time, because the announcement is written on condition of them.
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_unavailable
 */
export function payableReader(
  deps: PaymentDeps,
  customerId: string,
): (stripeCustomerId: string | null) => Promise<Payable> {
  let known: { readonly of: string; readonly card: DefaultCard | null } | null = null;
  return async (of) => {
    if (of !== null && known?.of !== of) {
      known = { of, card: await askStripe(async () => (await deps.stripe()).readDefaultCard(of)) };
    }
    const card = of === null ? null : (known?.card ?? null);
    return { card, tries: await readCardTries(deps.table, customerId) };
  };
}
