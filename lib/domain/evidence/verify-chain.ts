import { emptyLedger, entryHash, type LedgerEntry, type LedgerState } from '../ledger.ts';
import type { LedgerBefore, LedgerRecords, Violation } from '../ledger-records.ts';

/** A ledger before its first entry. */
export const ledgerStart = (customerId: string): LedgerBefore => ({
  ...emptyLedger(customerId),
  sum: 0,
  owed: 0,
  grants: { trial_signup: 0, trial_billing_added: 0 },
});

/** The state of a ledger after these entries. */
export function afterEntries(before: LedgerBefore, entries: readonly LedgerEntry[]): LedgerBefore {
  const last = entries.at(-1);
  if (last === undefined) return before;
  const count = (source: string) => entries.filter((entry) => entry.source === source).length;
  return {
    customerId: before.customerId,
    balance: last.balanceAfter,
    seq: last.seq,
    chain: last.hash,
    sum: sumOf(before, entries),
    owed: owedAfter(before, entries),
    grants: {
      trial_signup: before.grants.trial_signup + count('trial_signup'),
      trial_billing_added: before.grants.trial_billing_added + count('trial_billing_added'),
    },
  };
}

const sumOf = (before: LedgerBefore, entries: readonly LedgerEntry[]): number =>
  entries.reduce((total, { amount }) => total + amount, before.sum);

const owedAfter = (before: LedgerBefore, entries: readonly LedgerEntry[]): number =>
  entries.reduce((total, { metadata }) => total + Number(metadata['debt_change'] ?? 0), before.owed);

/** Invariant 3: entries are 1 to seq without gaps, each follows from the previous one, hashes are chained. */
export function verifyChain({ head, entries, before: start }: LedgerRecords): Violation[] {
  const violations: Violation[] = [];
  const fault = (seq: number, message: string) => violations.push({ invariant: 3, seq, message });
  let before: LedgerState = start ?? emptyLedger(head.customerId);
  for (const entry of entries) {
    if (entry.customerId !== head.customerId) {
      fault(entry.seq, `entry ${entry.seq} belongs to customer ${entry.customerId}`);
    }
    if (entry.seq > before.seq + 1) fault(before.seq + 1, missing(before.seq + 1, entry.seq - 1));
    if (entry.seq <= before.seq) fault(entry.seq, `entry ${entry.seq} is out of order`);
    if (entry.balanceAfter !== before.balance + entry.amount) {
      const expected = before.balance + entry.amount;
      fault(entry.seq, `entry ${entry.seq} has balance_after ${entry.balanceAfter}, expected ${expected}`);
    }
    if (entry.prevHash !== before.chain)
      fault(entry.seq, `entry ${entry.seq} does not follow the previous entry`);
    if (entry.hash !== entryHash(entry))
      fault(entry.seq, `entry ${entry.seq} was changed: its hash does not match`);
    before = { customerId: head.customerId, balance: entry.balanceAfter, seq: entry.seq, chain: entry.hash };
  }
  if (head.seq > before.seq) fault(before.seq + 1, missing(before.seq + 1, head.seq));
  if (before.seq > head.seq)
    fault(before.seq, `the head is at entry ${head.seq}, the ledger continues to entry ${before.seq}`);
  if (before.seq === head.seq && before.chain !== head.chain) {
    fault(head.seq, `the head's chain is not the hash of entry ${head.seq}`);
  }
  return violations;
}

/** Invariants 1 and 2: the balance is never negative; balance and debt are the sums of the entries. */
export function verifyBalance({
  head,
  entries,
  before = ledgerStart(head.customerId),
}: LedgerRecords): Violation[] {
  const violations: Violation[] = [];
  for (const { seq, balanceAfter } of entries) {
    if (balanceAfter < 0) {
      violations.push({ invariant: 1, seq, message: `entry ${seq} left a balance of ${balanceAfter}` });
    }
  }
  if (head.balance < 0) {
    violations.push({ invariant: 1, seq: null, message: `the balance is ${head.balance}` });
  }
  const sum = sumOf(before, entries);
  if (head.balance !== sum) {
    const message = `the balance is ${head.balance}, the entries add up to ${sum}`;
    violations.push({ invariant: 2, seq: null, message });
  }
  const owed = owedAfter(before, entries);
  if (head.debt !== owed) {
    const message = `the debt is ${head.debt}, the entries add up to ${owed}`;
    violations.push({ invariant: 2, seq: null, message });
  }
  return violations;
}

function missing(first: number, last: number): string {
  return first === last ? `entry ${first} is missing` : `entries ${first} to ${last} are missing`;
}
