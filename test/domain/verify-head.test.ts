import { describe, expect, it } from 'vitest';
import { NEW_PROFILE } from '../../lib/domain/customer.ts';
import type { AccountFields } from '../../lib/domain/ledger-records.ts';
import type { Subscription } from '../../lib/domain/subscription.ts';
import { HEAD_MISSING } from '../../lib/domain/verify.ts';
import {
  type AccountAtStripe,
  compareWithStripe,
  verifyAccountFields,
} from '../../lib/domain/verify-head.ts';

const SUBSCRIPTION: Subscription = {
  id: 'sub_1',
  plan: 'pro',
  state: 'active',
  cancelAtPeriodEnd: false,
  currentPeriodEnd: null,
  coveredUntil: '2026-02-01T00:00:00.000Z',
  collects: true,
};

const HEAD: AccountFields = {
  ...NEW_PROFILE,
  subscriptionType: 'pro',
  subscription: SUBSCRIPTION,
  paymentMethodId: 'pm_1',
  stripeCustomerId: 'cus_1',
  openDisputes: ['du_1'],
};
const AT_STRIPE: AccountAtStripe = {
  isDeleted: false,
  subscription: SUBSCRIPTION,
  openDisputes: ['du_1'],
  isAll: true,
};
const NOTHING: AccountFields = { ...HEAD, subscription: null, paymentMethodId: null, openDisputes: [] };

/** These findings break none of the eight invariants. */
const finding = (message: string) => ({ invariant: null, seq: null, message });

describe('a head beside Stripe', () => {
  it.each<[string, AccountFields, Partial<AccountAtStripe>, string[]]>([
    ['the same', HEAD, {}, []],
    ['nothing on both sides', NOTHING, { subscription: null, openDisputes: [] }, []],
    [
      'another state of the subscription',
      HEAD,
      { subscription: { ...SUBSCRIPTION, state: 'past_due' } },
      ['the subscription is sub_1 (active) here and sub_1 (past_due) at Stripe'],
    ],
    [
      'another subscription',
      HEAD,
      { subscription: { ...SUBSCRIPTION, id: 'sub_2' } },
      ['the subscription is sub_1 (active) here and sub_2 (active) at Stripe'],
    ],
    [
      'no subscription there',
      HEAD,
      { subscription: null },
      ['the subscription is sub_1 (active) here and none at Stripe'],
    ],
    ['no dispute there', HEAD, { openDisputes: [] }, ['dispute du_1 is open here, but not at Stripe']],
    ['no dispute there, of what Stripe still lists', HEAD, { openDisputes: [], isAll: false }, []],
    [
      'another dispute there',
      HEAD,
      { openDisputes: ['du_1', 'du_2'] },
      ['dispute du_2 is open at Stripe, but not here'],
    ],
    [
      'deleted there, which takes card and subscription along',
      HEAD,
      { isDeleted: true, subscription: null },
      ['Stripe customer cus_1 was deleted at Stripe, but the head still names it'],
    ],
  ])('%s', (_, head, there, messages) => {
    expect(compareWithStripe(head, { ...AT_STRIPE, ...there })).toEqual(messages.map(finding));
  });
});

describe('a dispute without a Stripe customer', () => {
  it.each<[Partial<AccountFields>, string[]]>([
    [
      { stripeCustomerId: null, formerStripeCustomerId: null },
      ['disputes are open (du_1, du_2) without a Stripe customer'],
    ],
    [{ stripeCustomerId: null, formerStripeCustomerId: 'cus_0' }, []],
    [{ stripeCustomerId: 'cus_1', formerStripeCustomerId: null }, []],
  ])('%o', (ids, messages) => {
    const head: AccountFields = {
      ...NOTHING,
      subscriptionType: 'pay_as_you_go',
      openDisputes: ['du_1', 'du_2'],
      ...ids,
    };
    expect(verifyAccountFields(head)).toEqual(messages.map(finding));
  });
});

it('a customer without a head has this one finding', () => {
  expect(HEAD_MISSING).toEqual({
    invariant: 2,
    seq: null,
    message: 'the head is missing, but other items of the customer exist',
  });
});
