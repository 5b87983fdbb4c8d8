/** Every key of the table is built and read here, and nowhere else. */

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

const SEQ_DIGITS = 12;
const HEAD = 'LEDGER#HEAD';
const ENTRY_PREFIX = 'LEDGER#';

const customer = (customerId: string): string => `CUSTOMER#${customerId}`;
const entrySk = (seq: number): string => ENTRY_PREFIX + String(seq).padStart(SEQ_DIGITS, '0');

export const keys = {
  customer,
  head: (customerId: string): Key => ({ pk: customer(customerId), sk: HEAD }),
  entry: (customerId: string, seq: number): Key => ({ pk: customer(customerId), sk: entrySk(seq) }),
  fix: (customerId: string, fixId: string): Key => ({ pk: customer(customerId), sk: `FIX#${fixId}` }),
  apiKey: (customerId: string, keyId: string): Key => ({ pk: customer(customerId), sk: `KEY#${keyId}` }),
  once: (customerId: string, kind: 'adjustment', id: string): Key => ({
    pk: customer(customerId),
    sk: `ONCE#${kind}#${id}`,
  }),
  email: (email: string): Key => ({ pk: `EMAIL#${email.toLowerCase()}`, sk: 'EMAIL' }),
  rate: (scope: string, windowSeconds: number): Key => ({ pk: `RATE#${scope}`, sk: `${windowSeconds}s` }),
  /** Nothing is stored here; reading it shows that the table answers. */
  health: { pk: 'HEALTH', sk: 'HEALTH' } satisfies Key,
} as const;

/**
 * Sort-key bounds within a customer's partition. `LEDGER#HEAD` sorts after every `LEDGER#0…`, so reading
 * `headAndEntries` downwards yields the head first and then the newest entries.
 */
export const ranges = {
  headAndEntries: { from: entrySk(0), to: HEAD },
  /** All entries when `seq` is null. */
  entriesBelow: (seq: number | null) => ({
    from: entrySk(0),
    to: seq === null ? `${ENTRY_PREFIX}9` : entrySk(seq - 1),
  }),
} as const;

export type CustomerItemKind = 'head' | 'entry' | 'fix' | 'other';

/** What an item in a customer's partition is, told by its sort key. */
export function itemKind(sk: unknown): CustomerItemKind {
  if (sk === HEAD) return 'head';
  if (typeof sk !== 'string') return 'other';
  if (sk.startsWith(ENTRY_PREFIX)) return 'entry';
  return sk.startsWith('FIX#') ? 'fix' : 'other';
}
