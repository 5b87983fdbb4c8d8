import type { SoldPlan } from '../../domain/plans.ts';
import { formatUsd } from '../../domain/pricing.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { askStripe } from '../payments/payment-problems.ts';

/**
 * The id of the price that a plan is sold at. Reads and checks the price itself: its id alone could order at
 * a price that no page shows.
 * @param mostCents what a person agreed to pay each month, in US cents; null for a caller of the API
 * @throws BillingError form_outdated if the plan costs more; payments_unavailable, payments_misconfigured
 */
export async function agreedPriceId(
  deps: PaymentDeps,
  plan: SoldPlan,
  mostCents: number | null,
): Promise<string> {
  const { id, unitCents } = await askStripe(async () => (await deps.stripe()).soldPrice(plan));
  if (mostCents !== null && unitCents > mostCents) {
    const detail =
      `Pro costs ${formatUsd(unitCents)} a month now. Nothing was charged. ` +
      'This page shows the new price in a few minutes.';
    throw new BillingError('form_outdated', detail);
  }
  return id;
}
