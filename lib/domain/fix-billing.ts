import type { CustomerHead } from './customer.ts';
import type { BilledFacts, FixAttempt } from './fix-attempt.ts';
import type { Posting } from './ledger.ts';
import { FIX_CREDITS, FIX_PRICE_CENTS, type FixRate, fixRate } from './pricing.ts';

export type FixBillingDecision =
  /** The head was read before, the fix after they were changed together: read both again. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'already_billed'; readonly billed: BilledFacts; readonly balance: number }
  | { readonly kind: 'consume'; readonly posting: Posting }
  /** No credits, a card on file: charge it `amountCents` first, then post +1 and -1. */
  | { readonly kind: 'charge'; readonly amountCents: number; readonly rate: FixRate }
  | { readonly kind: 'blocked'; readonly code: 'no_billing_info'; readonly balance: number };

/** What billing a merged fix means for this customer, now. Pure; deciding again on a newer head is always safe. */
export function decideFixBilling(head: CustomerHead, fix: FixAttempt): FixBillingDecision {
  const { billed } = fix;
  if (billed !== null && billed.seq > head.seq) return { kind: 'stale' };
  if (billed !== null) return { kind: 'already_billed', billed, balance: head.balance };
  if (head.balance >= FIX_CREDITS) {
    const metadata = {
      fix_attempt_id: fix.id,
      github_org: fix.githubOrg,
      repo_name: fix.repoName,
      pr_number: fix.prNumber,
    };
    return { kind: 'consume', posting: { amount: -FIX_CREDITS, source: 'fix_deployed', metadata } };
  }
  if (head.paymentMethodId === null)
    return { kind: 'blocked', code: 'no_billing_info', balance: head.balance };
  const rate = fixRate(head.subscriptionType);
  return { kind: 'charge', amountCents: FIX_PRICE_CENTS[rate], rate };
}
