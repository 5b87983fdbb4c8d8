import { createHash } from 'node:crypto';

/** Why a balance changed; the wire contract's `source`. */
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

/** Flat on purpose: what explains an entry must hash the same however a store orders its keys. */
export type EntryMetadata = Readonly<Record<string, string | number>>;

/** A change that a decision asks for. `amount` is in credits, negative when credits are spent. */
export interface Posting {
  readonly amount: number;
  readonly source: EntrySource;
  readonly metadata: EntryMetadata;
}

/** A posting as it stands in the ledger for good. */
export interface LedgerEntry extends Posting {
  readonly customerId: string;
  readonly seq: number;
  readonly balanceAfter: number;
  readonly createdAt: string;
  readonly prevHash: string;
  readonly hash: string;
}

/** Where a customer's ledger stands: the balance, the number of entries, and the newest entry's hash. */
export interface LedgerState {
  readonly customerId: string;
  readonly balance: number;
  readonly seq: number;
  readonly chain: string;
}

/** Money that went back is explained in the ledger also where no credit was left to take. */
const MAY_BE_ZERO: ReadonlySet<EntrySource> = new Set(['refund_reversal']);

export const GENESIS_HASH = '0'.repeat(64);

/** The ledger of a customer who has no entry yet. */
export function emptyLedger(customerId: string): LedgerState {
  return { customerId, balance: 0, seq: 0, chain: GENESIS_HASH };
}

/** SHA-256 over everything an entry says and over the hash before it. */
export function entryHash(entry: Omit<LedgerEntry, 'hash'>): string {
  const metadata = Object.entries(entry.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const said = [
    entry.customerId,
    entry.seq,
    entry.amount,
    entry.balanceAfter,
    entry.source,
    metadata,
    entry.createdAt,
    entry.prevHash,
  ];
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

/**
 * Appends postings to a ledger: the entries to store and the state after them. Pure; writes nothing.
 * @throws RangeError when a posting is not a whole number of credits, is zero without a reason, or would take the
 * balance below zero: a decision must never ask for that, so it is a defect and not an outcome.
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
