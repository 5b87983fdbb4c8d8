import { type CheckedCustomer, type Drift, driftOf } from '../../domain/reconciliation.ts';
import { HEAD_MISSING } from '../../domain/verify.ts';
import { isAnythingLeft } from '../../store/audit/audit.ts';
import { reasonOf } from './outage.ts';
import type { Work } from './work.ts';

/* The findings for customers that cannot be checked. All others: docs/change-it.md, "Add a finding". */

/**
 * The finding for a customer without a head; null if nothing is stored.
 * @throws BillingError ledger_unavailable
 */
export async function findMissingHead(
  { deps, meter }: Work,
  customerId: string,
): Promise<CheckedCustomer | null> {
  if (!(await isAnythingLeft(deps.table, customerId, meter))) return null;
  return customerFinding(driftOf(customerId, HEAD_MISSING));
}

/** The reason of a failed read, as a finding. */
export const readFailure = (error: unknown) => ({
  invariant: null,
  message: `could not be checked: ${reasonOf(error)}`,
});

/** A customer with this finding only. */
export const customerFinding = (drift: Omit<Drift, 'seq'>): CheckedCustomer => ({
  entries: 0,
  charges: 0,
  invoices: 0,
  isCompared: true,
  drift: [{ ...drift, seq: null }],
});
