import type { CustomerHead, CustomerProfile } from './customer.ts';
import type { LedgerEntry, LedgerState } from './ledger.ts';
import type { CountedSpending, Spending } from './payments/spending.ts';

/** Everything stored for one customer. The auditor checks the money at Stripe. */
export interface LedgerRecords {
  readonly head: LedgerState & AccountFields & Claims & { readonly debt: number };
  /** The state before `entries`, if they are part of a longer ledger; absent if they are all of it. */
  readonly before?: LedgerBefore;
  /** In stored order. */
  readonly entries: readonly LedgerEntry[];
  readonly fixes: readonly VerifiableFix[];
  /** The stored guards, as kind#id. A guard prevents a duplicate entry. */
  readonly guards: ReadonlySet<string>;
  /** The customer who got the bonus of each card fingerprint. */
  readonly cardBonuses: ReadonlyMap<string, string>;
  /**
   * The Stripe customers that the head names, and their bindings. Events and money find their customer by
   * these.
   */
  readonly stripeCustomers: readonly { readonly id: string; readonly boundTo: string | null }[];
  /** The customer who has claimed the head's address. No other customer can sign up with it. */
  readonly emailOwner: string | null;
  /** Number of stored keys that are not revoked. */
  readonly activeKeys: number;
  /** Those of them with the scope `account`. */
  readonly accountKeys: number;
  /** What counts against the spending limits. Absent in a part of a longer ledger. */
  readonly spending?: {
    readonly months: readonly Spending[];
    /** Second payments that are not returned. */
    readonly secondPayments: readonly CountedSpending[];
  };
  readonly events: readonly { readonly id: string; readonly outcome: string | null }[];
}

/** The state before a part of a ledger: the previous entry, and sums over all earlier entries. */
export interface LedgerBefore extends LedgerState {
  readonly sum: number;
  readonly owed: number;
  /** Number of entries of the two sources that a customer gets once. */
  readonly grants: { readonly trial_signup: number; readonly trial_billing_added: number };
}

export interface VerifiableFix {
  readonly id: string;
  readonly billed: boolean;
  /** The entry that deployed the fix, if the fix names one. */
  readonly billedSeq?: number | null;
  /** Number of announced charge attempts. Each was stored before any money moved. */
  readonly announcedAttempts: number;
  /** The payment for the fix; null if there is none. */
  readonly paymentIntentId: string | null;
  /** What its open charge and its payment count as in their months. */
  readonly counted?: readonly CountedSpending[];
}

export type Invariant = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface Violation {
  /** Null for an impossible state of the head that breaks no ledger invariant. */
  readonly invariant: Invariant | null;
  /** The ledger entry at fault, if there is one. */
  readonly seq: number | null;
  readonly message: string;
}

/** The head's fields that decide the price of a fix and whether a card may be charged. */
export type AccountFields = Pick<
  CustomerProfile,
  | 'subscriptionType'
  | 'subscription'
  | 'paymentMethodId'
  | 'stripeCustomerId'
  | 'formerStripeCustomerId'
  | 'openDisputes'
>;

/** The head's fields about other items of the customer. */
export type Claims = Pick<CustomerHead, 'email' | 'activeKeys' | 'accountKeys'>;
