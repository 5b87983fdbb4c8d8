import type { CustomerProfile } from './customer.ts';
import { planWith } from './subscription.ts';
import type { Violation } from './verify.ts';

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

/** What of it cannot be, whatever happened to the customer: each of these is written together. */
export function verifyStanding({
  subscriptionType: plan,
  subscription,
  paymentMethodId,
  stripeCustomerId,
  formerStripeCustomerId,
  openDisputes,
}: Standing): Violation[] {
  const found: string[] = [];
  const expected = planWith(subscription, plan);
  if (plan !== expected) {
    const given = subscription === null ? 'no subscription' : `a subscription that is ${subscription.state}`;
    found.push(`the plan is ${plan}, with ${given} it should be ${expected}`);
  }
  if (stripeCustomerId === null && paymentMethodId !== null)
    found.push(`payment method ${paymentMethodId} is on file without a Stripe customer`);
  if (stripeCustomerId === null && subscription !== null)
    found.push(`subscription ${subscription.id} is there without a Stripe customer`);
  if (stripeCustomerId === null && formerStripeCustomerId === null && openDisputes.length > 0)
    found.push(`disputes are open (${openDisputes.join(', ')}) without a Stripe customer`);
  return found.map((message) => ({ invariant: null, seq: null, message }));
}
