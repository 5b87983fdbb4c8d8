import { isLiveStage } from '../../settings/stripe.ts';
import { readStripeOwners } from '../../store/audit/stripe.ts';
import { isFault } from '../../stripe/fault.ts';
import type { Work } from './work.ts';

/**
 * Returns which of these Stripe customers the smoke test removed. A removal deletes all traces here and the
 * customer at Stripe, but Stripe still lists the events and the money. On a live stage nothing is removed, so
 * no customer counts as removed.
 * @throws StripeFault, BillingError ledger_unavailable
 */
export async function removedAmong(
  work: Work,
  stripeCustomerIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { deps, meter } = work;
  const removed = new Set<string>();
  if (isLiveStage(deps.stage) || stripeCustomerIds.length === 0) return removed;
  const owners = await readStripeOwners(deps.table, stripeCustomerIds, meter);
  for (const id of new Set(stripeCustomerIds)) {
    if (!owners.has(id) && (await isDeleted(work, id))) removed.add(id);
  }
  return removed;
}

async function isDeleted({ deps, beforeAsking }: Work, stripeCustomerId: string): Promise<boolean> {
  const stripe = await deps.stripe();
  await beforeAsking(1);
  try {
    return (await stripe.readAccount(stripeCustomerId)).kind === 'deleted';
  } catch (error) {
    if (isFault(error, 'refused')) return false;
    throw error;
  }
}
