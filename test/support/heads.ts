import { type CustomerHead, NEW_PROFILE } from '../../lib/domain/customer.ts';
import type { FixAttempt, FixCharge } from '../../lib/domain/fix-attempt.ts';
import { emptyLedger } from '../../lib/domain/ledger.ts';
import { noSpending } from '../../lib/domain/payments/spending.ts';
import type { SubscriptionType } from '../../lib/domain/plans.ts';
import type { Subscription } from '../../lib/domain/subscription.ts';

/* Inputs for tests of the pure rules. */

/** A new customer's head with these changes. */
export const headWith = (facts: Partial<CustomerHead> = {}): CustomerHead => ({
  ...emptyLedger('c1'),
  name: 'Acme',
  email: 'a@x.io',
  ...NEW_PROFILE,
  raisedSeq: 0,
  balanceLevel: 'fine',
  revision: 0,
  activeKeys: 1,
  accountKeys: 1,
  billedByDay: '',
  createdAt: '2026-01-01T00:00:00.000Z',
  ...facts,
});

/** An active Pro subscription that is paid until `coveredUntil`. */
export const proUntil = (coveredUntil: string, facts: Partial<Subscription> = {}): Subscription => ({
  id: 'sub_1',
  plan: 'pro',
  state: 'active',
  cancelAtPeriodEnd: false,
  currentPeriodEnd: coveredUntil,
  coveredUntil,
  collects: true,
  ...facts,
});

/** What the head stores for a customer on a plan. Pro is paid for all of January 2026. */
export const onPlan = (
  subscriptionType: SubscriptionType,
): Pick<CustomerHead, 'subscriptionType' | 'subscription'> => ({
  subscriptionType,
  subscription: subscriptionType === 'pro' ? proUntil('2026-02-01T00:00:00.000Z') : null,
});

/** An unbilled fix of acme/webshop#1. */
export const fixOf = (facts: Partial<FixAttempt> = {}): FixAttempt => ({
  id: 'f1',
  githubOrg: 'acme',
  repoName: 'webshop',
  prNumber: 1,
  prTitle: 't',
  prUrl: 'https://github.com/acme/webshop/pull/1',
  issueNumber: null,
  issueTitle: null,
  issueUrl: null,
  vulnerabilityId: null,
  metadataJson: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  billed: null,
  charge: null,
  refundedCents: 0,
  blockedAtRaise: null,
  repositoryId: null,
  newestId: null,
  ...facts,
});

/** The first attempt to charge card pm_1 for a fix. */
export const chargeOf = (facts: Partial<FixCharge> = {}): FixCharge => ({
  attempt: 1,
  state: 'charging',
  amountCents: 2_900,
  rate: 'pay_as_you_go',
  stripeCustomerId: 'cus_1',
  paymentMethodId: 'pm_1',
  cardKey: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  spendingMonth: '2026-01',
  texts: null,
  paymentIntentId: null,
  ...facts,
});

/** Nothing was charged in January 2026. */
export const NOTHING_SPENT = noSpending('2026-01');
