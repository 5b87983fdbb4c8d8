import { BillingError } from '../../errors.ts';
import { StripeFault } from '../../stripe/fault.ts';
import { asOf, type Work } from './work.ts';

/** The ledger or Stripe could not be asked: that says nothing about what was asked for. */
export const isUnanswered = (error: unknown): error is BillingError | StripeFault =>
  error instanceof BillingError || error instanceof StripeFault;

/**
 * Tells what is wrong with one customer or event, which is a finding, from a ledger or a Stripe that is away, after which the run
 * has to stop and go on later. Asks Stripe the same questions about no one in particular.
 * @throws the error where it is the ledger that is away, StripeFault where it is Stripe
 */
export async function assertNoOutage({ deps, held, beforeAsking }: Work, error: unknown): Promise<void> {
  if (!isUnanswered(error)) return;
  if (error instanceof BillingError && error.code === 'ledger_unavailable') throw error;
  const stripe = await deps.stripe();
  const from = asOf({ held });
  const second = { from, until: new Date(from.getTime() + 1_000), after: null };
  await beforeAsking(2);
  await stripe.listFixPayments(second);
  await stripe.listProInvoices(second);
}

/** Why, in words that may be reported and are the same each time: our own errors hold ids and no more. */
export function whyOf(error: unknown): string {
  if (error instanceof BillingError) return error.code;
  if (error instanceof StripeFault) return `Stripe: ${error.kind}`;
  return error instanceof Error ? error.message : 'something that is no error was thrown';
}
