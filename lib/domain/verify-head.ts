import type { AccountFields, LedgerRecords, Violation } from './ledger-records.ts';
import { planWith, type Subscription } from './subscription.ts';

/**
 * Checks the claim of the address, unless the account is closed, and the counts of active keys. Never names
 * the address.
 */
export function verifyClaims({
  head,
  emailOwner,
  activeKeys,
  accountKeys,
}: Pick<LedgerRecords, 'head' | 'emailOwner' | 'activeKeys' | 'accountKeys'>): Violation[] {
  const found: string[] = [];
  if (head.email !== '' && emailOwner !== head.customerId)
    found.push(`the e-mail address is bound to ${emailOwner ?? 'no customer'}`);
  if (head.activeKeys !== activeKeys)
    found.push(`the head counts ${head.activeKeys} active keys, but ${activeKeys} are stored`);
  if (head.accountKeys !== accountKeys)
    found.push(
      `the head counts ${head.accountKeys} active keys for the account, but ${accountKeys} are stored`,
    );
  return found.map((message) => ({ invariant: null, seq: null, message }));
}

/** Finds combinations that can never occur, because these fields are written together. */
export function verifyAccountFields({
  subscriptionType: plan,
  subscription,
  paymentMethodId,
  stripeCustomerId,
  formerStripeCustomerId,
  openDisputes,
}: AccountFields): Violation[] {
  const found: string[] = [];
  const expected = planWith(subscription, plan);
  if (plan !== expected) {
    const withSubscription =
      subscription === null ? 'no subscription' : `a subscription that is ${subscription.state}`;
    found.push(`the plan is ${plan}, but with ${withSubscription} it should be ${expected}`);
  }
  if (stripeCustomerId === null && paymentMethodId !== null)
    found.push(`payment method ${paymentMethodId} is on file without a Stripe customer`);
  if (stripeCustomerId === null && subscription !== null)
    found.push(`subscription ${subscription.id} is stored without a Stripe customer`);
  if (stripeCustomerId === null && formerStripeCustomerId === null && openDisputes.length > 0)
    found.push(`disputes are open (${openDisputes.join(', ')}) without a Stripe customer`);
  return found.map((message) => ({ invariant: null, seq: null, message }));
}

/** The current state of the same fields at Stripe. */
export interface AccountAtStripe {
  readonly isDeleted: boolean;
  readonly subscription: Subscription | null;
  readonly openDisputes: readonly string[];
  /** False if Stripe no longer lists all payments of the customer, so an open dispute may be missing. */
  readonly isAll: boolean;
}

/** Compares the head's plan and disputes with Stripe. The auditor compares the card. */
export function compareWithStripe(head: AccountFields, atStripe: AccountAtStripe): Violation[] {
  const { stripeCustomerId, subscription, openDisputes } = head;
  const found: string[] = [];
  if (atStripe.isDeleted) {
    found.push(`Stripe customer ${stripeCustomerId} was deleted at Stripe, but the head still names it`);
  } else {
    const [here, there] = [subscription, atStripe.subscription].map(stateOf);
    if (here !== there) found.push(`the subscription is ${here} here and ${there} at Stripe`);
  }
  for (const id of openDisputes) {
    if (atStripe.isAll && !atStripe.openDisputes.includes(id))
      found.push(`dispute ${id} is open here, but not at Stripe`);
  }
  for (const id of atStripe.openDisputes) {
    if (!openDisputes.includes(id)) found.push(`dispute ${id} is open at Stripe, but not here`);
  }
  return found.map((message) => ({ invariant: null, seq: null, message }));
}

const stateOf = (subscription: Subscription | null): string =>
  subscription === null ? 'none' : `${subscription.id} (${subscription.state})`;
