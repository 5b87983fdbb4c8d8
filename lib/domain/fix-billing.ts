import type { CustomerHead } from './customer.ts';
import type { BilledFacts, FixAttempt, FixCharge } from './fix-attempt.ts';
import type { EntryMetadata, Posting } from './ledger.ts';
import { accountObstacles, type FixObstacle, type Obstacle } from './payments/charge-obstacles.ts';
import { monthOf } from './payments/spending.ts';
import { FIX_PRICE_CENTS, fixRate } from './plans.ts';
import { FIX_CREDITS } from './pricing.ts';
import { planAt } from './subscription.ts';

export type FixBillingDecision =
  /** The head was read before, and the fix after, a change of both. Read both again. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'already_billed'; readonly billed: BilledFacts; readonly balance: number }
  | { readonly kind: 'consume'; readonly posting: Posting }
  /** No credits, a card on file: store this charge, then make it. */
  | { readonly kind: 'charge'; readonly charge: FixCharge }
  /** An announced charge has no known outcome. Find the outcome before anything else. */
  | { readonly kind: 'resume'; readonly charge: FixCharge }
  /** The cardholder was asked to confirm, and still can. */
  | { readonly kind: 'await_cardholder'; readonly charge: FixCharge }
  /** The previous attempt's payment intent could still be paid. Cancel it first. */
  | { readonly kind: 'close_first'; readonly charge: FixCharge }
  | Blocked;

export interface Blocked {
  readonly kind: 'blocked';
  /** The first of the reasons. */
  readonly code: FixObstacle;
  /** All obstacles to a charge, `code` first. */
  readonly reasons: readonly Obstacle[];
  readonly balance: number;
}

/** Decides how to bill a merged fix now. Pure: deciding again on a newer head is always safe. */
export function decideFixBilling(head: CustomerHead, fix: FixAttempt, at: Date): FixBillingDecision {
  const { billed, charge } = fix;
  if (billed !== null && billed.seq > head.seq) return { kind: 'stale' };
  if (billed !== null) return { kind: 'already_billed', billed, balance: head.balance };
  if (charge?.state === 'charging') return { kind: 'resume', charge };

  const next = decideNewBilling(head, fix, at);
  if (next.kind === 'blocked' || charge === null || charge.state === 'closed') return next;
  // Trying the same card again would cancel the payment that the cardholder may just be confirming.
  const sameCard = next.kind === 'charge' && next.charge.paymentMethodId === charge.paymentMethodId;
  if (charge.state === 'action_required' && sameCard) return { kind: 'await_cardholder', charge };
  return { kind: 'close_first', charge };
}

function decideNewBilling(
  head: CustomerHead,
  fix: FixAttempt,
  at: Date,
): Extract<FixBillingDecision, { kind: 'consume' | 'charge' | 'blocked' }> {
  if (head.balance >= FIX_CREDITS) return { kind: 'consume', posting: fixDeployed(fix, {}) };
  const { balance, paymentMethodId, stripeCustomerId } = head;
  const reasons = accountObstacles(head);
  const [code] = reasons;
  if (code !== undefined || paymentMethodId === null || stripeCustomerId === null) {
    return { kind: 'blocked', code: code ?? 'no_billing_info', reasons, balance };
  }
  const rate = fixRate(planAt(head, at));
  return {
    kind: 'charge',
    charge: {
      attempt: (fix.charge?.attempt ?? 0) + 1,
      state: 'charging',
      amountCents: FIX_PRICE_CENTS[rate],
      rate,
      stripeCustomerId,
      paymentMethodId,
      cardKey: null,
      startedAt: at.toISOString(),
      spendingMonth: monthOf(at),
      texts: null,
      paymentIntentId: null,
    },
  };
}

/**
 * The entries of a paid charge: the bought credit, and the fix that consumed it. Only `purchased` has the
 * amount, so a sum over entries counts each charge once. Older entries have the amount in both and stay
 * unchanged.
 */
export function chargedFix(
  fix: FixAttempt,
  payment: { readonly paymentIntentId: string; readonly amountCents: number },
): readonly Posting[] {
  const paidBy = { payment_intent_id: payment.paymentIntentId };
  const metadata = { fix_attempt_id: fix.id, ...paidBy, amount_cents: payment.amountCents };
  return [{ amount: FIX_CREDITS, source: 'purchased', metadata }, fixDeployed(fix, paidBy)];
}

function fixDeployed(fix: FixAttempt, more: EntryMetadata): Posting {
  const metadata = {
    fix_attempt_id: fix.id,
    github_org: fix.githubOrg,
    repo_name: fix.repoName,
    pr_number: fix.prNumber,
    ...more,
  };
  return { amount: -FIX_CREDITS, source: 'fix_deployed', metadata };
}
