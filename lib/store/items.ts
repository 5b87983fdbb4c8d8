import * as z from 'zod/mini';
import { BALANCE_LEVELS, type BalanceWatch } from '../domain/balance-watch.ts';
import type { CustomerHead, CustomerProfile } from '../domain/customer.ts';
import {
  type BilledFacts,
  CHARGE_STATES,
  type FixAttempt,
  type FixCharge,
  type RecordedFix,
} from '../domain/fix-attempt.ts';
import { ENTRY_SOURCES, type LedgerEntry } from '../domain/ledger.ts';
import { OPTIONAL_NOTICE_KINDS } from '../domain/notice-kinds.ts';
import { SUBSCRIPTION_STATES } from '../domain/subscription.ts';
import { type Key, keys } from './keys.ts';
import type { Item } from './table.ts';

/*
 * How each stored item looks, and the way between it and the domain. What is read is checked: an item that does not
 * look like this was not written by us, and no balance is decided on it.
 */

const credits = z.int();
const count = z.int().check(z.nonnegative());

const HeadItem = z.object({
  customer_id: z.string(),
  name: z.string(),
  email: z.string(),
  // What came with a later release has a default: a head of before does not have it.
  revision: z._default(count, 0),
  subscription_type: z.enum(['trial', 'pay_as_you_go', 'pro']),
  subscription: z.nullable(
    z.object({
      id: z.string(),
      state: z.enum(SUBSCRIPTION_STATES),
      cancel_at_period_end: z.boolean(),
      current_period_end: z.nullable(z.string()),
    }),
  ),
  payment_method_id: z.nullable(z.string()),
  stripe_customer_id: z._default(z.nullable(z.string()), null),
  former_stripe_customer_id: z._default(z.nullable(z.string()), null),
  open_disputes: z._default(z.array(z.string()), []),
  balance: credits,
  seq: count,
  chain: z.string(),
  debt: count,
  muted_notices: z._default(z.array(z.enum(OPTIONAL_NOTICE_KINDS)), []),
  closed_at: z._default(z.nullable(z.string()), null),
  raised_seq: z._default(count, 0),
  balance_level: z._default(z.enum(BALANCE_LEVELS), 'fine'),
  active_keys: count,
  created_at: z.string(),
});

const EntryItem = z.object({
  customer_id: z.string(),
  seq: count,
  amount: credits,
  balance_after: credits,
  source: z.enum(ENTRY_SOURCES),
  metadata: z.record(z.string(), z.union([z.string(), z.number()])),
  created_at: z.string(),
  prev_hash: z.string(),
  hash: z.string(),
});

const BilledItem = z.object({
  outcome: z.enum(['credit_consumed', 'charged_and_consumed']),
  amount_cents: count,
  billed_at: z.string(),
  seq: count,
  payment_intent_id: z.nullable(z.string()),
});

const ChargeItem = z.object({
  attempt: z.int().check(z.positive()),
  state: z.enum(CHARGE_STATES),
  amount_cents: count,
  rate: z.enum(['pay_as_you_go', 'pro']),
  stripe_customer_id: z.string(),
  payment_method_id: z.string(),
  started_at: z.string(),
  payment_intent_id: z.nullable(z.string()),
});

const FixItem = z.object({
  id: z.string(),
  github_org: z.string(),
  repo_name: z.string(),
  pr_number: z.int(),
  pr_title: z.string(),
  pr_url: z.string(),
  issue_number: z.nullable(z.int()),
  issue_title: z.nullable(z.string()),
  issue_url: z.nullable(z.string()),
  vulnerability_id: z.nullable(z.string()),
  metadata_json: z.nullable(z.string()),
  created_at: z.string(),
  billed: z.optional(BilledItem),
  charge: z.optional(ChargeItem),
  refunded_cents: z.optional(count),
  blocked_at_raise: z.optional(count),
});

const ApiKeyItem = z.object({
  created_at: z.string(),
  revoked_at: z.optional(z.string()),
});

const AdjustmentGuardItem = z.object({
  amount: credits,
  reason: z.string(),
  actor: z.string(),
  balance_after: credits,
  seq: count,
});

export interface ApiKeyRecord {
  readonly createdAt: string;
  readonly revokedAt: string | null;
}

/** What an operator's adjustment did, under the idempotency key it was asked for with. */
export interface AdjustmentGuard {
  readonly amount: number;
  readonly reason: string;
  readonly actor: string;
  readonly balanceAfter: number;
  readonly seq: number;
}

/** An item that was changed by hand, or written by a newer release. It is named, and what is at fault, never what is in it. */
export class UnreadableItem extends Error {
  readonly key: Key;
  readonly attributes: readonly string[];

  constructor({ pk, sk }: Item, attributes: readonly string[]) {
    super(`The stored item ${String(pk)} ${String(sk)} is not readable: ${attributes.join(', ')}`);
    this.name = 'UnreadableItem';
    this.key = { pk: String(pk), sk: String(sk) };
    this.attributes = attributes;
  }
}

/** @throws UnreadableItem */
export function decode<T>(schema: z.ZodMiniType<T>, item: Item): T {
  const parsed = z.safeParse(schema, item);
  if (parsed.success) return parsed.data;
  throw new UnreadableItem(
    item,
    parsed.error.issues.map(({ path }) => path.join('.')),
  );
}

/** For who reads many: one that cannot be read keeps nobody from the others. */
export function readable<T>(decodeOne: (item: Item) => T, item: Item): T | UnreadableItem {
  try {
    return decodeOne(item);
  } catch (error) {
    if (error instanceof UnreadableItem) return error;
    throw error;
  }
}

export function decodeHead(item: Item): CustomerHead {
  const head = decode(HeadItem, item);
  return {
    customerId: head.customer_id,
    name: head.name,
    email: head.email,
    revision: head.revision,
    subscriptionType: head.subscription_type,
    subscription: head.subscription && {
      id: head.subscription.id,
      state: head.subscription.state,
      cancelAtPeriodEnd: head.subscription.cancel_at_period_end,
      currentPeriodEnd: head.subscription.current_period_end,
    },
    paymentMethodId: head.payment_method_id,
    stripeCustomerId: head.stripe_customer_id,
    formerStripeCustomerId: head.former_stripe_customer_id,
    openDisputes: head.open_disputes,
    balance: head.balance,
    seq: head.seq,
    chain: head.chain,
    debt: head.debt,
    mutedNotices: head.muted_notices,
    closedAt: head.closed_at,
    raisedSeq: head.raised_seq,
    balanceLevel: head.balance_level,
    activeKeys: head.active_keys,
    createdAt: head.created_at,
  };
}

export function encodeHead(head: CustomerHead): Item {
  return {
    ...keys.head(head.customerId),
    customer_id: head.customerId,
    revision: head.revision,
    ...encodeProfile(head),
    balance: head.balance,
    seq: head.seq,
    chain: head.chain,
    ...encodeWatch(head),
    active_keys: head.activeKeys,
    created_at: head.createdAt,
  };
}

/** The profile's attributes of the head, by their names in the table. */
export function encodeProfile(profile: CustomerProfile): Item {
  const { subscription } = profile;
  return {
    name: profile.name,
    email: profile.email,
    subscription_type: profile.subscriptionType,
    subscription: subscription && {
      id: subscription.id,
      state: subscription.state,
      cancel_at_period_end: subscription.cancelAtPeriodEnd,
      current_period_end: subscription.currentPeriodEnd,
    },
    payment_method_id: profile.paymentMethodId,
    stripe_customer_id: profile.stripeCustomerId,
    former_stripe_customer_id: profile.formerStripeCustomerId,
    open_disputes: [...profile.openDisputes],
    debt: profile.debt,
    muted_notices: [...profile.mutedNotices],
    closed_at: profile.closedAt,
  };
}

export const encodeWatch = ({ raisedSeq, balanceLevel }: BalanceWatch): Item => ({
  raised_seq: raisedSeq,
  balance_level: balanceLevel,
});

export function decodeEntry(item: Item): LedgerEntry {
  const entry = decode(EntryItem, item);
  return {
    customerId: entry.customer_id,
    seq: entry.seq,
    amount: entry.amount,
    balanceAfter: entry.balance_after,
    source: entry.source,
    metadata: entry.metadata,
    createdAt: entry.created_at,
    prevHash: entry.prev_hash,
    hash: entry.hash,
  };
}

export function encodeEntry(entry: LedgerEntry): Item {
  return {
    ...keys.entry(entry.customerId, entry.seq),
    customer_id: entry.customerId,
    seq: entry.seq,
    amount: entry.amount,
    balance_after: entry.balanceAfter,
    source: entry.source,
    metadata: entry.metadata,
    created_at: entry.createdAt,
    prev_hash: entry.prevHash,
    hash: entry.hash,
  };
}

export function decodeFix(item: Item): FixAttempt {
  const fix = decode(FixItem, item);
  return {
    id: fix.id,
    githubOrg: fix.github_org,
    repoName: fix.repo_name,
    prNumber: fix.pr_number,
    prTitle: fix.pr_title,
    prUrl: fix.pr_url,
    issueNumber: fix.issue_number,
    issueTitle: fix.issue_title,
    issueUrl: fix.issue_url,
    vulnerabilityId: fix.vulnerability_id,
    metadataJson: fix.metadata_json,
    createdAt: fix.created_at,
    billed: fix.billed
      ? {
          outcome: fix.billed.outcome,
          amountCents: fix.billed.amount_cents,
          billedAt: fix.billed.billed_at,
          seq: fix.billed.seq,
          paymentIntentId: fix.billed.payment_intent_id,
        }
      : null,
    charge: fix.charge
      ? {
          attempt: fix.charge.attempt,
          state: fix.charge.state,
          amountCents: fix.charge.amount_cents,
          rate: fix.charge.rate,
          stripeCustomerId: fix.charge.stripe_customer_id,
          paymentMethodId: fix.charge.payment_method_id,
          startedAt: fix.charge.started_at,
          paymentIntentId: fix.charge.payment_intent_id,
        }
      : null,
    refundedCents: fix.refunded_cents ?? 0,
    blockedAtRaise: fix.blocked_at_raise ?? null,
  };
}

/** A fix as first recorded: not billed, so without `billed`. */
export function encodeNewFix(customerId: string, fix: RecordedFix): Item {
  return {
    ...keys.fix(customerId, fix.id),
    id: fix.id,
    github_org: fix.githubOrg,
    repo_name: fix.repoName,
    pr_number: fix.prNumber,
    pr_title: fix.prTitle,
    pr_url: fix.prUrl,
    issue_number: fix.issueNumber,
    issue_title: fix.issueTitle,
    issue_url: fix.issueUrl,
    vulnerability_id: fix.vulnerabilityId,
    metadata_json: fix.metadataJson,
    created_at: fix.createdAt,
  };
}

export function encodeBilled(billed: BilledFacts): Item {
  return {
    outcome: billed.outcome,
    amount_cents: billed.amountCents,
    billed_at: billed.billedAt,
    seq: billed.seq,
    payment_intent_id: billed.paymentIntentId,
  };
}

export function encodeCharge(charge: FixCharge): Item {
  return {
    attempt: charge.attempt,
    state: charge.state,
    amount_cents: charge.amountCents,
    rate: charge.rate,
    stripe_customer_id: charge.stripeCustomerId,
    payment_method_id: charge.paymentMethodId,
    started_at: charge.startedAt,
    payment_intent_id: charge.paymentIntentId,
  };
}

export function decodeApiKey(item: Item): ApiKeyRecord {
  const { created_at, revoked_at } = decode(ApiKeyItem, item);
  return { createdAt: created_at, revokedAt: revoked_at ?? null };
}

export function decodeAdjustmentGuard(item: Item): AdjustmentGuard {
  const { balance_after, ...guard } = decode(AdjustmentGuardItem, item);
  return { ...guard, balanceAfter: balance_after };
}

export function encodeAdjustmentGuard(customerId: string, id: string, guard: AdjustmentGuard): Item {
  const { balanceAfter, ...facts } = guard;
  return { ...keys.once(customerId, 'adjustment', id), ...facts, balance_after: balanceAfter };
}
