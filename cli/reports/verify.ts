import { type Drift, driftOf, foundTwice } from '../../lib/domain/reconciliation.ts';
import { HEAD_MISSING, verifyLedger } from '../../lib/domain/verify.ts';
import { BillingError } from '../../lib/errors.ts';
import { type AuditedRecords, auditCustomer } from '../../lib/operations/reconcile/audit-customer.ts';
import type { MoneyAudit } from '../../lib/operations/reconcile/auditor/audit-money.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import {
  isAnythingLeft,
  listCustomerIds,
  readLedgerRecords,
  type StoredRecords,
} from '../../lib/store/audit/audit.ts';
import { StripeFault } from '../../lib/stripe/fault.ts';
import { failUnknownCustomer } from '../stage/customers.ts';
import type { Session } from '../stage/session.ts';
import { showCount } from '../terminal/counter.ts';
import { Failure } from '../terminal/failure.ts';

export interface Verified {
  readonly customers: number;
  readonly entries: number;
  readonly violations: readonly Drift[];
}

interface LedgerResult {
  readonly entries: number;
  readonly violations: readonly Drift[];
}

/**
 * Checks the named ledgers, or all. One after the other, to limit the load on a live table.
 * @throws Failure for an unknown customer; BillingError or StripeFault if the stage or Stripe cannot be
 * reached
 */
export async function verifyLedgers(
  { stage, out }: Session,
  customerIds: readonly string[],
  withStripe: boolean,
): Promise<Verified> {
  const { deps } = stage;
  const areNamed = customerIds.length > 0;
  const violations: Drift[] = [];
  let customers = 0;
  let entries = 0;
  const count = showCount(out.stderr, 'customers', areNamed ? customerIds.length : null);
  try {
    for await (const customerId of areNamed ? customerIds : listCustomerIds(deps.table)) {
      const result = await checkTwice(() => checkLedger(deps, customerId, withStripe));
      if (result === null && areNamed) failUnknownCustomer(customerId);
      // The smoke test removed this customer after the list was read.
      if (result === null) continue;
      customers += 1;
      entries += result.entries;
      violations.push(...result.violations);
      count.add(1);
    }
  } finally {
    count.end();
  }
  return { customers, entries, violations };
}

/** Reports only violations found twice with the same message: a ledger may change while it is read. */
async function checkTwice(check: () => Promise<LedgerResult | null>): Promise<LedgerResult | null> {
  const first = await check();
  if (first === null || first.violations.length === 0) return first;
  const second = await check();
  return second && { ...second, violations: foundTwice(first.violations, second.violations) };
}

/** Null if the table has no item of this customer. */
async function checkLedger(
  deps: PaymentDeps,
  customerId: string,
  withStripe: boolean,
): Promise<LedgerResult | null> {
  const records = await readOrReport(() =>
    withStripe ? auditCustomer(deps, customerId) : readLedgerRecords(deps.table, customerId),
  );
  if (records === null) return checkForMissingHead(deps, customerId);
  if ('unreadable' in records) {
    return {
      entries: 0,
      violations: [{ customerId, invariant: null, seq: null, message: records.unreadable }],
    };
  }
  const audited = 'audit' in records && records.audit !== null ? records.audit : NOT_AUDITED;
  const all = [...verifyLedger(records), ...audited.money, ...audited.accountDrift];
  const violations = all.map((violation) => driftOf(customerId, violation));
  return { entries: records.entries.length, violations };
}

const NOT_AUDITED: Pick<MoneyAudit, 'money' | 'accountDrift'> = { money: [], accountDrift: [] };

/** Finds a customer whose items exist without a head. */
async function checkForMissingHead({ table }: PaymentDeps, customerId: string): Promise<LedgerResult | null> {
  if (!(await isAnythingLeft(table, customerId))) return null;
  return { entries: 0, violations: [driftOf(customerId, HEAD_MISSING)] };
}

/** Returns an unreadable item as a finding, so that the other customers are still checked. */
async function readOrReport(
  read: () => Promise<StoredRecords | AuditedRecords | null>,
): Promise<StoredRecords | AuditedRecords | null | { readonly unreadable: string }> {
  try {
    return await read();
  } catch (error) {
    const isOutage = [BillingError, StripeFault, Failure].some((kind) => error instanceof kind);
    if (isOutage || !(error instanceof Error)) throw error;
    return { unreadable: error.message };
  }
}
