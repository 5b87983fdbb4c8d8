import type { CustomerHead, CustomerProfile } from './customer.ts';
import type { LedgerEntry, LedgerState } from './ledger.ts';

/** What is stored of one customer. What Stripe says of their money is the auditor's. */
export interface LedgerRecords {
  readonly head: LedgerState & Standing & Claims & { readonly debt: number };
  /** Where the ledger stood before `entries`, when they are one part of a longer ledger; absent when they are all of it. */
  readonly before?: LedgerBefore;
  /** In stored order. */
  readonly entries: readonly LedgerEntry[];
  readonly fixes: readonly VerifiableFix[];
  /** What is stored to keep entries from being made twice, as kind#id. */
  readonly guards: ReadonlySet<string>;
  /** Which customer each card fingerprint brought a bonus to. */
  readonly cardBonuses: ReadonlyMap<string, string>;
  /** The Stripe customers that the head names, and to whom each is bound: events and money find their owner by that. */
  readonly stripeCustomers: readonly { readonly id: string; readonly boundTo: string | null }[];
  /** To whom the address of the head is bound: nobody else can sign up with it. */
  readonly emailOwner: string | null;
  /** The keys that are stored and not ended. */
  readonly activeKeys: number;
  readonly events: readonly { readonly id: string; readonly outcome: string | null }[];
}

/** What a part of a ledger continues: the last entry before it, and sums over all entries before it. */
export interface LedgerBefore extends LedgerState {
  readonly sum: number;
  readonly owed: number;
  /** Entries of the two sources that a customer has once. */
  readonly grants: { readonly trial_signup: number; readonly trial_billing_added: number };
}

export interface VerifiableFix {
  readonly id: string;
  readonly billed: boolean;
  /** The entry that deployed it, where the fix names one. */
  readonly billedSeq?: number | null;
  /** How many attempts to charge a card were announced, each before any money moved. */
  readonly announcedAttempts: number;
  /** What paid for it, where that was not a credit. */
  readonly paymentIntentId: string | null;
}

export type Invariant = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface Violation {
  /** Null for what the head says that cannot be, though no invariant of the ledger is broken. */
  readonly invariant: Invariant | null;
  /** The ledger entry at fault, where there is one. */
  readonly seq: number | null;
  readonly message: string;
}

/** What the head says that decides what a fix costs, and whether a card may be charged for it. */
export type Standing = Pick<
  CustomerProfile,
  | 'subscriptionType'
  | 'subscription'
  | 'paymentMethodId'
  | 'stripeCustomerId'
  | 'formerStripeCustomerId'
  | 'openDisputes'
>;

/** What the head says of items of its customer's. */
export type Claims = Pick<CustomerHead, 'email' | 'activeKeys'>;
