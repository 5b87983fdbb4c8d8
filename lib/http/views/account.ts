import type { CustomerHead } from '../../domain/customer.ts';
import type { LedgerEntry } from '../../domain/ledger.ts';
import type { TriesByCard } from '../../domain/payments/card-tries.ts';
import type { Spending } from '../../domain/payments/spending.ts';
import { FIX_PRICE_CENTS, PLANS, SOLD_PLANS, type SoldPrices, soldPriceOf } from '../../domain/plans.ts';
import { FIX_CREDITS, GRANTED_CREDITS } from '../../domain/pricing.ts';
import { planAt } from '../../domain/subscription.ts';
import { accountWarnings } from '../../domain/warnings.ts';
import type { AddedCard } from '../../operations/accounts/add-payment-method.ts';
import type { PricingView, TransactionView, UsageView } from '../contracts/account.ts';
import type { CustomerView } from '../contracts/customers.ts';
import type { AddedCardView, SubscribedView, SubscriptionView } from '../contracts/payments.ts';

/* API views of the account, its entries and the prices. */

export function customerView(head: CustomerHead, at: Date): CustomerView {
  return {
    id: head.customerId,
    name: head.name,
    email: head.email,
    subscription_type: planAt(head, at),
    credit_balance: head.balance,
    has_payment_method: head.paymentMethodId !== null,
    created_at: head.createdAt,
  };
}

export function subscriptionView(head: CustomerHead, at: Date): SubscriptionView {
  return {
    subscription_type: planAt(head, at),
    subscription_state: head.subscription?.state ?? null,
    cancel_at_period_end: head.subscription?.cancelAtPeriodEnd ?? false,
    current_period_end: head.subscription?.currentPeriodEnd ?? null,
    covered_until: head.subscription?.coveredUntil ?? null,
    credit_balance: head.balance,
    credits_owed: head.debt,
  };
}

/** After a call that may have paid for Pro. @param owed what the customer owed before the call */
export const subscribedView = (
  owed: Pick<CustomerHead, 'debt'>,
  head: CustomerHead,
  at: Date,
): SubscribedView => ({
  ...subscriptionView(head, at),
  credits_netted: Math.max(0, owed.debt - head.debt),
});

/** The account's state, its newest entries, and its warnings. */
export function usageView(
  { head, newest }: { readonly head: CustomerHead; readonly newest: readonly LedgerEntry[] },
  {
    cards,
    spending,
    prices,
  }: { readonly cards: TriesByCard; readonly spending: Spending; readonly prices: SoldPrices },
  at: Date,
): UsageView {
  return {
    ...subscriptionView(head, at),
    has_payment_method: head.paymentMethodId !== null,
    recent_transactions: newest.map(transactionView),
    warnings: accountWarnings(head, cards, spending, at),
    pricing: pricingView(prices),
  };
}

export function transactionView(entry: LedgerEntry): TransactionView {
  // The card's fingerprint is only for audits.
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

/** What the next subscriber pays and gets. */
export function pricingView(prices: SoldPrices): PricingView {
  const pro = soldPriceOf(prices, 'pro');
  return {
    currency: 'usd',
    credits: {
      trial_signup: GRANTED_CREDITS.trial,
      first_payment_method: GRANTED_CREDITS.firstPaymentMethod,
      pro_invoice: pro.credits,
      fix: FIX_CREDITS,
    },
    fix_price_cents: { ...FIX_PRICE_CENTS },
    pro_month_cents: pro.monthCents,
    plans: SOLD_PLANS.map((plan) => ({
      plan,
      name: PLANS[plan].name,
      month_cents: soldPriceOf(prices, plan).monthCents,
      credits: soldPriceOf(prices, plan).credits,
      fix_price_cents: PLANS[plan].fixCents,
    })),
  };
}

export const addedCardView = ({ head, bonusCredits, renewal }: AddedCard, at: Date): AddedCardView => ({
  has_payment_method: true,
  subscription_type: planAt(head, at),
  credit_balance: head.balance,
  bonus_credits: bonusCredits,
  renewal,
});
