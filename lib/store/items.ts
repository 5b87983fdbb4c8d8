import * as z from 'zod/mini';
import { type CustomerHead, SUBSCRIPTION_STATES } from '../domain/customer.ts';
import type { BilledFacts, FixAttempt } from '../domain/fix-attempt.ts';
import { ENTRY_SOURCES, type LedgerEntry } from '../domain/ledger.ts';
import { keys } from './keys.ts';
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
  subscription_type: z.enum(['trial', 'pay_as_you_go', 'pro']),
  subscription: z.nullable(
    z.object({
      state: z.enum(SUBSCRIPTION_STATES),
      cancel_at_period_end: z.boolean(),
      current_period_end: z.nullable(z.string()),
    }),
  ),
  payment_method_id: z.nullable(z.string()),
  balance: credits,
  seq: count,
  chain: z.string(),
  debt: count,
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

/** @throws Error naming the item and the attributes at fault, never their values. */
function decode<T>(schema: z.ZodMiniType<T>, item: Item): T {
  const parsed = z.safeParse(schema, item);
  if (parsed.success) return parsed.data;
  const attributes = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
  throw new Error(
    `The stored item ${String(item['pk'])} ${String(item['sk'])} is not readable: ${attributes}`,
  );
}

export function decodeHead(item: Item): CustomerHead {
  const head = decode(HeadItem, item);
  return {
    customerId: head.customer_id,
    name: head.name,
    email: head.email,
    subscriptionType: head.subscription_type,
    subscription: head.subscription && {
      state: head.subscription.state,
      cancelAtPeriodEnd: head.subscription.cancel_at_period_end,
      currentPeriodEnd: head.subscription.current_period_end,
    },
    paymentMethodId: head.payment_method_id,
    balance: head.balance,
    seq: head.seq,
    chain: head.chain,
    debt: head.debt,
    activeKeys: head.active_keys,
    createdAt: head.created_at,
  };
}

export function encodeHead(head: CustomerHead): Item {
  return {
    ...keys.head(head.customerId),
    customer_id: head.customerId,
    name: head.name,
    email: head.email,
    subscription_type: head.subscriptionType,
    subscription: head.subscription && {
      state: head.subscription.state,
      cancel_at_period_end: head.subscription.cancelAtPeriodEnd,
      current_period_end: head.subscription.currentPeriodEnd,
    },
    payment_method_id: head.paymentMethodId,
    balance: head.balance,
    seq: head.seq,
    chain: head.chain,
    debt: head.debt,
    active_keys: head.activeKeys,
    created_at: head.createdAt,
  };
}

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
  };
}

/** A fix as first recorded: not billed, so without `billed`. */
export function encodeNewFix(customerId: string, fix: Omit<FixAttempt, 'billed'>): Item {
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
