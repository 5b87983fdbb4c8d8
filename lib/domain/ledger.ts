import { createHash } from 'node:crypto';

/** Why a balance changed: `source` in the API. */
export const ENTRY_SOURCES = [
  'trial_signup',
  'trial_billing_added',
  'pro_subscription_payment',
  'purchased',
  'fix_deployed',
  'adjustment',
  'refund_reversal',
] as const;
export type EntrySource = (typeof ENTRY_SOURCES)[number];

/** Sources that grant credits. A credit that a fix charge purchased is spent in the same change. */
const GRANT_SOURCES = [
  'trial_signup',
  'trial_billing_added',
  'pro_subscription_payment',
  'adjustment',
] as const satisfies readonly EntrySource[];
export type GrantSource = (typeof GRANT_SOURCES)[number];

export const isGrantSource = (source: EntrySource): source is GrantSource =>
  GRANT_SOURCES.some((one) => one === source);

/** Flat on purpose: the hash of an entry must not depend on how a store orders nested keys. */
export type EntryMetadata = Readonly<Record<string, string | number>>;

/** A change that a decision requests. `amount` is in credits, negative if credits are spent. */
export interface Posting {
  readonly amount: number;
  readonly source: EntrySource;
  readonly metadata: EntryMetadata;
}

/** A posting as stored in the ledger. It never changes. */
export interface LedgerEntry extends Posting {
  readonly customerId: string;
  readonly seq: number;
  readonly balanceAfter: number;
  readonly createdAt: string;
  readonly prevHash: string;
  readonly hash: string;
}

/** The state of a customer's ledger: the balance, the number of entries, and the newest entry's hash. */
export interface LedgerState {
  readonly customerId: string;
  readonly balance: number;
  readonly seq: number;
  readonly chain: string;
}

/** Sources whose entries may be of 0 credits: all returned money gets an entry, even without credits left. */
const MAY_BE_ZERO: ReadonlySet<EntrySource> = new Set(['refund_reversal']);

export const GENESIS_HASH = '0'.repeat(64);

/** The ledger of a customer without entries. */
export function emptyLedger(customerId: string): LedgerState {
  return { customerId, balance: 0, seq: 0, chain: GENESIS_HASH };
}

/** SHA-256 over all fields of an entry and the previous hash. */
export function entryHash(entry: Omit<LedgerEntry, 'hash'>): string {
  const metadata = Object.entries(entry.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const hashed = [
    entry.customerId,
    entry.seq,
    entry.amount,
    entry.balanceAfter,
    entry.source,
    metadata,
    entry.createdAt,
    entry.prevHash,
  ];
  return createHash('sha256').update(JSON.stringify(hashed)).digest('hex');
}

/**
 * Appends postings to a ledger: returns the entries to store and the new state. Pure.
 * @throws RangeError if a posting is not a whole number of credits, is zero without a reason, or would make
 *   the balance negative. A decision never asks for that, so it is a defect and not an outcome.
 */
export function post(
  state: LedgerState,
  postings: readonly Posting[],
  at: Date,
): { state: LedgerState; entries: LedgerEntry[] } {
  const entries: LedgerEntry[] = [];
  let { balance, seq, chain } = state;
  for (const { amount, source, metadata } of postings) {
    if (!Number.isSafeInteger(amount) || (amount === 0 && !MAY_BE_ZERO.has(source))) {
      throw new RangeError(`a posting must be a whole, non-zero number of credits, got ${amount}`);
    }
    balance += amount;
    if (balance < 0 || !Number.isSafeInteger(balance)) {
      throw new RangeError(`posting ${amount} (${source}) would leave a balance of ${balance}`);
    }
    seq += 1;
    const unsealed = {
      customerId: state.customerId,
      seq,
      amount,
      balanceAfter: balance,
      source,
      metadata,
      createdAt: at.toISOString(),
      prevHash: chain,
    };
    chain = entryHash(unsealed);
    entries.push({ ...unsealed, hash: chain });
  }
  return { state: { customerId: state.customerId, balance, seq, chain }, entries };
}
