import { verifyBalance, verifyChain } from './evidence/verify-chain.ts';
import type { LedgerEntry } from './ledger.ts';
import type { Invariant, LedgerRecords, Violation } from './ledger-records.ts';
import { verifySpending } from './payments/verify-spending.ts';
import { verifyAccountFields, verifyClaims } from './verify-head.ts';

/** One sentence per invariant, by number. */
export const INVARIANTS: Readonly<Record<Invariant, string>> = {
  1: 'the balance is never below zero',
  2: 'balance and debt are the sums of the entries',
  3: 'entries are numbered 1 to seq without gaps, and each contains the hash of the previous entry',
  4: 'a fix is deployed at most once',
  5: 'one purchase per succeeded fix charge and one grant per line of a paid plan invoice, and vice versa',
  6: 'one trial grant per customer, one card bonus per customer and card, one adjustment per key',
  7: 'no money moves at Stripe before an item announces it',
  8: 'every accepted event ends as processed, ignored or parked',
};

/** The violation of a customer without a head. Nothing else can be verified for them. */
export const HEAD_MISSING: Violation = {
  invariant: 2,
  seq: null,
  message: 'the head is missing, but other items of the customer exist',
};

const EVENT_OUTCOMES = new Set(['processed', 'ignored', 'parked']);

/** Checks the eight invariants and the head of one customer. Pure. An empty result means that all hold. */
export function verifyLedger(records: LedgerRecords): Violation[] {
  return [
    ...verifyChain(records),
    ...verifyBalance(records),
    ...verifyAccountFields(records.head),
    ...verifyClaims(records),
    ...verifyFixes(records),
    ...verifyMoney(records),
    ...verifyGrants(records),
    ...verifyGuards(records),
    ...verifyBindings(records),
    ...verifySpending(records),
    ...verifyEvents(records),
  ];
}

/**
 * Checks one part of a long ledger: the entries in `records`, with the fixes, guards and cards that these
 * entries name. The head of `records` must be the state at the end of the part. `verifyEnd` checks what needs
 * the whole ledger.
 */
export function verifyPart(records: LedgerRecords): Violation[] {
  return [
    ...verifyChain(records),
    ...verifyBalance(records),
    ...verifyFixes(records),
    ...verifySeqOfFixes(records),
    ...verifyMoney(records),
    ...verifyGrants(records),
    ...verifyGuards(records),
  ];
}

/** In a part of a ledger, a second deployment is an entry that its fix does not name. */
function verifySeqOfFixes({ entries, fixes }: LedgerRecords): Violation[] {
  const named = new Map(fixes.map(({ id, billedSeq = null }) => [id, billedSeq]));
  return entries.flatMap(({ source, seq, metadata }): Violation[] => {
    const fixId = String(metadata['fix_attempt_id']);
    const billedSeq = named.get(fixId) ?? null;
    if (source !== 'fix_deployed' || billedSeq === null || billedSeq === seq) return [];
    const message = `entry ${seq} deploys fix ${fixId}, which names entry ${billedSeq}`;
    return [{ invariant: 4, seq, message }];
  });
}

/**
 * Checks the head against the end of a ledger whose parts `verifyPart` has checked. `records` has `before`
 * and no entries.
 */
export function verifyEnd(records: LedgerRecords): Violation[] {
  return [
    ...verifyChain(records),
    ...verifyBalance(records),
    ...verifyAccountFields(records.head),
    ...verifyClaims(records),
    ...verifyBindings(records),
  ];
}

function verifyFixes({ entries, fixes }: LedgerRecords): Violation[] {
  const deployed = entries.filter(({ source }) => source === 'fix_deployed');
  const violations = repeats(deployed, 'fix_attempt_id').map(
    ({ seq, value }): Violation => ({
      invariant: 4,
      seq,
      message: `entry ${seq} deploys fix ${value} a second time`,
    }),
  );
  const fixesById = new Map(fixes.map((fix) => [fix.id, fix]));
  const deployedIds = new Set(deployed.map((entry) => entry.metadata['fix_attempt_id']));
  for (const entry of deployed) {
    const fixId = entry.metadata['fix_attempt_id'];
    if (!fixesById.get(String(fixId))?.billed) {
      const message = `entry ${entry.seq} deploys fix ${fixId}, which is not stored as billed`;
      violations.push({ invariant: 4, seq: entry.seq, message });
    }
  }
  for (const fix of fixes) {
    if (fix.billed && !deployedIds.has(fix.id)) {
      violations.push({ invariant: 4, seq: null, message: `fix ${fix.id} is billed without a ledger entry` });
    }
  }
  return violations;
}

function verifyMoney({ entries, fixes }: LedgerRecords): Violation[] {
  const violations: Violation[] = [];
  const purchases = entries.filter(({ source }) => source === 'purchased');
  const proGrants = entries.filter(({ source }) => source === 'pro_subscription_payment');
  for (const [group, fact] of [
    [purchases, 'payment_intent_id'],
    [proGrants, 'invoice_id'],
  ] as const) {
    for (const { seq, metadata } of group) {
      if (metadata[fact] === undefined) {
        violations.push({ invariant: 5, seq, message: `entry ${seq} does not name its ${fact}` });
      }
    }
    for (const { seq, value } of repeats(group, fact, 'line_id')) {
      violations.push({ invariant: 5, seq, message: `entry ${seq} counts ${value} a second time` });
    }
  }

  const paying = new Set(fixes.map(({ paymentIntentId }) => paymentIntentId));
  for (const { seq, metadata } of purchases) {
    if (!paying.has(String(metadata['payment_intent_id']))) {
      const intent = metadata['payment_intent_id'];
      const message = `entry ${seq} records payment intent ${intent}, which no fix announced`;
      violations.push({ invariant: 7, seq, message });
    }
  }
  return violations;
}

function verifyGrants({ head, entries, cardBonuses, before }: LedgerRecords): Violation[] {
  const violations: Violation[] = [];
  for (const source of ['trial_signup', 'trial_billing_added'] as const) {
    const first = (before?.grants[source] ?? 0) === 0 ? 1 : 0;
    for (const { seq } of entries.filter((entry) => entry.source === source).slice(first)) {
      violations.push({ invariant: 6, seq, message: `entry ${seq} grants ${source} a second time` });
    }
  }
  for (const { seq, source, metadata } of entries) {
    if (source !== 'trial_billing_added') continue;
    const owner = cardBonuses.get(String(metadata['card_fingerprint']));
    if (owner !== head.customerId) {
      const whose = owner ?? 'no customer';
      const message = `entry ${seq} grants a bonus for a card whose bonus belongs to ${whose}`;
      violations.push({ invariant: 6, seq, message });
    }
  }
  return violations;
}

/** Without its guard, a retry could write an entry twice. */
function verifyGuards({ entries, guards }: LedgerRecords): Violation[] {
  return entries.flatMap((entry) => {
    const guarded = guardOf(entry);
    if (guarded === null || guards.has(guarded.name)) return [];
    const { invariant, name } = guarded;
    const message = `entry ${entry.seq} could be repeated: its guard ${name} is missing`;
    return [{ invariant, seq: entry.seq, message }];
  });
}

/** The guard that prevents a duplicate of an entry. Null if something else prevents it, or nothing does. */
export function guardOf({ source, metadata }: LedgerEntry): { invariant: Invariant; name: string } | null {
  const named = (invariant: Invariant, kind: string, id: string | number | undefined) =>
    id === undefined ? null : { invariant, name: `${kind}#${id}` };
  switch (source) {
    case 'pro_subscription_payment':
    case 'refund_reversal':
      return named(5, 'invoice', metadata['invoice_id']);
    case 'trial_billing_added':
      return named(6, 'card_bonus', 'first');
    case 'adjustment':
      return named(6, 'adjustment', metadata['idempotency_key']);
    case 'trial_signup':
    case 'purchased':
    case 'fix_deployed':
      return null;
    default:
      return source satisfies never;
  }
}

function verifyBindings({ head, stripeCustomers }: LedgerRecords): Violation[] {
  return stripeCustomers
    .filter(({ boundTo }) => boundTo !== head.customerId)
    .map(({ id, boundTo }) => {
      const binding = `is bound to ${boundTo ?? 'no customer'}`;
      const message = `Stripe customer ${id} ${binding}, so its payments do not reach this customer`;
      return { invariant: 5, seq: null, message };
    });
}

function verifyEvents({ events }: LedgerRecords): Violation[] {
  return events
    .filter(({ outcome }) => outcome === null || !EVENT_OUTCOMES.has(outcome))
    .map(({ id, outcome }) => ({
      invariant: 8,
      seq: null,
      message: `event ${id} has the outcome ${outcome ?? 'none'}`,
    }));
}

/**
 * Entries with the same metadata value of `fact` as an earlier entry. `part` distinguishes entries of one
 * fact.
 */
function repeats(
  entries: readonly LedgerEntry[],
  fact: string,
  part?: string,
): { seq: number; value: string }[] {
  const seen = new Set<string>();
  const repeated: { seq: number; value: string }[] = [];
  for (const { seq, metadata } of entries) {
    const value = String(metadata[fact]);
    const key = [value, part === undefined ? '' : (metadata[part] ?? '')].join(' ');
    if (seen.has(key)) repeated.push({ seq, value });
    seen.add(key);
  }
  return repeated;
}
