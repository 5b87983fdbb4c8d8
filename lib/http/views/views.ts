import type { CustomerHead } from '../../domain/customer.ts';
import type { FixAttempt } from '../../domain/fix-attempt.ts';
import type { LedgerEntry } from '../../domain/ledger.ts';
import { FIX_CREDITS, FIX_PRICE_CENTS, GRANTED_CREDITS, PRO_MONTH_CENTS } from '../../domain/pricing.ts';
import type { PricingView, TransactionView } from '../contracts/account.ts';
import type { CustomerView } from '../contracts/customers.ts';
import type { FixAttemptView } from '../contracts/fix-attempts.ts';
import type { SubscriptionView } from '../contracts/payments.ts';

/** Domain values as the wire shows them. Fields that are not set are left out. */

export function customerView(head: CustomerHead): CustomerView {
  return {
    id: head.customerId,
    name: head.name,
    email: head.email,
    subscription_type: head.subscriptionType,
    credit_balance: head.balance,
    has_payment_method: head.paymentMethodId !== null,
    created_at: head.createdAt,
  };
}

export function fixAttemptView(fix: FixAttempt): FixAttemptView {
  const { billed } = fix;
  return {
    id: fix.id,
    status: billed ? 'merged' : 'pending',
    github_org: fix.githubOrg,
    repo_name: fix.repoName,
    pr_number: fix.prNumber,
    pr_title: fix.prTitle,
    pr_url: fix.prUrl,
    ...(fix.issueNumber !== null && { issue_number: fix.issueNumber }),
    ...(fix.issueTitle !== null && { issue_title: fix.issueTitle }),
    ...(fix.issueUrl !== null && { issue_url: fix.issueUrl }),
    ...(fix.vulnerabilityId !== null && { vulnerability_id: fix.vulnerabilityId }),
    ...(fix.metadataJson !== null && { metadata: JSON.parse(fix.metadataJson) }),
    billing_status: billingStatus(fix),
    ...(billed && { outcome: billed.outcome, amount_cents: billed.amountCents, billed_at: billed.billedAt }),
    ...(fix.refundedCents > 0 && { refunded_cents: fix.refundedCents }),
    created_at: fix.createdAt,
  };
}

function billingStatus({ billed, charge, refundedCents }: FixAttempt): FixAttemptView['billing_status'] {
  if (billed !== null)
    return refundedCents > 0 && refundedCents >= billed.amountCents ? 'refunded' : 'billed';
  return charge?.state === 'charging' ? 'charging' : 'not_billed';
}

export function subscriptionView(head: CustomerHead): SubscriptionView {
  return {
    subscription_type: head.subscriptionType,
    subscription_state: head.subscription?.state ?? null,
    cancel_at_period_end: head.subscription?.cancelAtPeriodEnd ?? false,
    current_period_end: head.subscription?.currentPeriodEnd ?? null,
    credit_balance: head.balance,
  };
}

export function transactionView(entry: LedgerEntry): TransactionView {
  // What tells a card from others is for audits alone.
  const { card_fingerprint: _, ...metadata } = entry.metadata;
  return {
    id: `txn_${entry.customerId}_${entry.seq}`,
    amount: entry.amount,
    balance_after: entry.balanceAfter,
    source: entry.source,
    metadata,
    created_at: entry.createdAt,
  };
}

export function pricingView(): PricingView {
  return {
    currency: 'usd',
    credits: {
      trial_signup: GRANTED_CREDITS.trial,
      first_payment_method: GRANTED_CREDITS.firstPaymentMethod,
      pro_invoice: GRANTED_CREDITS.proInvoice,
      fix: FIX_CREDITS,
    },
    fix_price_cents: { ...FIX_PRICE_CENTS },
    pro_month_cents: PRO_MONTH_CENTS,
  };
}
