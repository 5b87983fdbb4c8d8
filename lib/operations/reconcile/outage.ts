import { BillingError } from '../../errors.ts';
import { StripeFault } from '../../stripe/fault.ts';
import { asOf, type Work } from './work.ts';

/** The ledger or Stripe did not answer, which says nothing about the item asked for. */
export const isUnanswered = (error: unknown): error is BillingError | StripeFault =>
  error instanceof BillingError || error instanceof StripeFault;

/**
 * Separates a fault of one customer or event, which is a finding, from an outage, which stops the run until
 * later. Sends Stripe the same kinds of query without naming a customer.
 * @throws the error if the ledger is down, StripeFault if Stripe is
 */
export async function assertNoOutage({ deps, lease, beforeAsking }: Work, error: unknown): Promise<void> {
  if (!isUnanswered(error)) return;
  if (error instanceof BillingError && error.code === 'ledger_unavailable') throw error;
  const stripe = await deps.stripe();
  const from = asOf({ lease });
  const oneSecond = { from, until: new Date(from.getTime() + 1_000), after: null };
  await beforeAsking(2);
  await stripe.listFixPayments(oneSecond);
  await stripe.listProInvoices(oneSecond);
}

/** The reason, in constant words that may be reported. Our own errors contain only ids. */
export function reasonOf(error: unknown): string {
  if (error instanceof BillingError) return error.code;
  if (error instanceof StripeFault) return `Stripe: ${error.kind}`;
  return error instanceof Error ? error.message : 'a value that is not an Error was thrown';
}
