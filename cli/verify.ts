import { type Invariant, verifyLedger } from '../lib/domain/verify.ts';
import { BillingError } from '../lib/errors.ts';
import { auditCustomer } from '../lib/operations/audit-customer.ts';
import { listCustomerIds, readLedgerRecords, type StoredRecords } from '../lib/store/audit.ts';
import { StripeFault } from '../lib/stripe/fault.ts';
import { showCount } from './counter.ts';
import { noCustomer } from './customers.ts';
import { Failure } from './failure.ts';
import type { Session } from './session.ts';

export interface FoundViolation {
  readonly customerId: string;
  /** Null where something stored cannot even be read. */
  readonly invariant: Invariant | null;
  readonly seq: number | null;
  readonly message: string;
}

export interface Verified {
  readonly customers: number;
  readonly entries: number;
  readonly violations: readonly FoundViolation[];
}

/**
 * Checks these ledgers, or all; one after the other, so that a live table is not burdened.
 * @throws Failure for a customer who is not there; BillingError, StripeFault when the stage or Stripe cannot be reached
 */
export async function verifyLedgers(
  { stage, out }: Session,
  customerIds: readonly string[],
  withStripe: boolean,
): Promise<Verified> {
  const { deps } = stage;
  const violations: FoundViolation[] = [];
  let customers = 0;
  let entries = 0;
  const count = showCount(out.stderr, 'customers', customerIds.length > 0 ? customerIds.length : null);
  try {
    for await (const customerId of customerIds.length > 0 ? customerIds : listCustomerIds(deps.table)) {
      const read = () =>
        withStripe ? auditCustomer(deps, customerId) : readLedgerRecords(deps.table, customerId);
      const records = await orUnreadable(read);
      if (records === null) noCustomer(customerId);
      customers += 1;
      if ('unreadable' in records) {
        violations.push({ customerId, invariant: null, seq: null, message: records.unreadable });
      } else {
        entries += records.entries.length;
        violations.push(...verifyLedger(records).map((violation) => ({ customerId, ...violation })));
      }
      count.add(1);
    }
  } finally {
    count.end();
  }
  return { customers, entries, violations };
}

/** An item that is not as we write it is a finding like any other, and the rest is still to be checked. */
async function orUnreadable(
  read: () => Promise<StoredRecords | null>,
): Promise<StoredRecords | null | { readonly unreadable: string }> {
  try {
    return await read();
  } catch (error) {
    const isAbroad = [BillingError, StripeFault, Failure].some((kind) => error instanceof kind);
    if (isAbroad || !(error instanceof Error)) throw error;
    return { unreadable: error.message };
  }
}
