import { type Drift, driftOf, stillThere } from '../../lib/domain/reconciliation.ts';
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
import { noCustomer } from '../stage/customers.ts';
import type { Session } from '../stage/session.ts';
import { showCount } from '../terminal/counter.ts';
import { Failure } from '../terminal/failure.ts';

export interface Verified {
  readonly customers: number;
  readonly entries: number;
  readonly violations: readonly Drift[];
}

interface Looked {
  readonly entries: number;
  readonly violations: readonly Drift[];
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
  const areNamed = customerIds.length > 0;
  const violations: Drift[] = [];
  let customers = 0;
  let entries = 0;
  const count = showCount(out.stderr, 'customers', areNamed ? customerIds.length : null);
  try {
    for await (const customerId of areNamed ? customerIds : listCustomerIds(deps.table)) {
      const looked = await lookTwice(() => lookAt(deps, customerId, withStripe));
      if (looked === null && areNamed) noCustomer(customerId);
      // Of all customers it is one whom the smoke test has removed meanwhile.
      if (looked === null) continue;
      customers += 1;
      entries += looked.entries;
      violations.push(...looked.violations);
      count.add(1);
    }
  } finally {
    count.end();
  }
  return { customers, entries, violations };
}

/** A ledger may be changed while it is read: what was found counts if it is there again, in the same words. */
async function lookTwice(look: () => Promise<Looked | null>): Promise<Looked | null> {
  const first = await look();
  if (first === null || first.violations.length === 0) return first;
  const second = await look();
  return second && { ...second, violations: stillThere(first.violations, second.violations) };
}

/** Null where nothing is there of such a customer. */
async function lookAt(deps: PaymentDeps, customerId: string, withStripe: boolean): Promise<Looked | null> {
  const records = await orUnreadable(() =>
    withStripe ? auditCustomer(deps, customerId) : readLedgerRecords(deps.table, customerId),
  );
  if (records === null) return lookForRest(deps, customerId);
  if ('unreadable' in records) {
    return {
      entries: 0,
      violations: [{ customerId, invariant: null, seq: null, message: records.unreadable }],
    };
  }
  const audited = 'audit' in records && records.audit !== null ? records.audit : NOT_AUDITED;
  const all = [...verifyLedger(records), ...audited.money, ...audited.standing];
  const violations = all.map((violation) => driftOf(customerId, violation));
  return { entries: records.entries.length, violations };
}

const NOT_AUDITED: Pick<MoneyAudit, 'money' | 'standing'> = { money: [], standing: [] };

/** A customer whose head is gone is found too. */
async function lookForRest({ table }: PaymentDeps, customerId: string): Promise<Looked | null> {
  if (!(await isAnythingLeft(table, customerId))) return null;
  return { entries: 0, violations: [driftOf(customerId, HEAD_MISSING)] };
}

/** An item that is not as we write it is a finding like any other, and the rest is still to be checked. */
async function orUnreadable(
  read: () => Promise<StoredRecords | AuditedRecords | null>,
): Promise<StoredRecords | AuditedRecords | null | { readonly unreadable: string }> {
  try {
    return await read();
  } catch (error) {
    const isAbroad = [BillingError, StripeFault, Failure].some((kind) => error instanceof kind);
    if (isAbroad || !(error instanceof Error)) throw error;
    return { unreadable: error.message };
  }
}
