import { beforeAll, describe, expect, it } from 'vitest';
import { NOTHING_RETURNED, type ReturnedValue } from '../../../lib/domain/grants.ts';
import type { ProSubscription } from '../../../lib/domain/subscription.ts';
import { grantDue, settlementDue } from '../../../lib/operations/plans/settle-invoice.ts';
import {
  accountWrites,
  bindCard,
  profileOf,
  subscriptionsOf,
} from '../../../lib/operations/plans/sync-account.ts';
import { clearSubscriptionCards } from '../../../lib/operations/plans/use-default-card.ts';
import { keys } from '../../../lib/store/keys.ts';
import type { Write } from '../../../lib/store/table.ts';
import type { StripeAccount } from '../../../lib/stripe/port.ts';
import { headWith, proUntil } from '../../support/heads.ts';
import { guardOf, invoiceOf } from '../../support/invoices.ts';
import { type Money, openMoneyForFile } from '../../support/money.ts';
import { answering } from '../../support/stripe-answers.ts';

/* What an invoice and an account at Stripe change in a customer, before anything is written. */

const AT = new Date('2026-01-02T00:00:00.000Z');
const HEAD = headWith({ balance: 60, stripeCustomerId: 'cus_1', paymentMethodId: 'pm_1' });
const HALF: ReturnedValue = { cents: 29_950, ofLines: [], reasons: ['refund'] };

const keysOf = (writes: readonly Write[]) =>
  writes.map((write) => {
    if ('Put' in write) return { pk: write.Put.Item?.['pk'], sk: write.Put.Item?.['sk'] };
    return 'Update' in write ? write.Update.Key : undefined;
  });

describe('settling an invoice', () => {
  const paidKey = keys.notice('c1', 'pro_renewed', 'in_1');
  const guardKey = keys.once('c1', 'invoice', 'in_1');
  const next = { ...HEAD, seq: 9, balance: 30 };

  it('settling a paid invoice writes its guard and its letter', () => {
    const due = settlementDue(HEAD, invoiceOf(), NOTHING_RETURNED, null);
    expect(due?.postings.map(({ amount }) => amount)).toEqual([60]);
    expect(due).not.toHaveProperty('profile');
    expect(keysOf(due?.writes(next, AT) ?? [])).toEqual([guardKey, paidKey]);
  });

  it('settling an invoice with a later return writes its guard and a letter', () => {
    const due = settlementDue(HEAD, invoiceOf(), HALF, guardOf());
    expect(due?.postings.map(({ amount }) => amount)).toEqual([-30]);
    const writes = due?.writes(next, AT) ?? [];
    expect(keysOf(writes)).toEqual([guardKey, keys.notice('c1', 'credits_removed', 'in_1-9')]);
    expect(JSON.stringify(writes[1])).toContain('29950');
  });

  it('settling an invoice partly returned before its grant has the letter of the payment, and none of credits removed', () => {
    const due = settlementDue(HEAD, invoiceOf(), HALF, null);
    expect(due?.postings.map(({ amount }) => amount)).toEqual([60, -30]);
    const writes = due?.writes(next, AT) ?? [];
    expect(keysOf(writes)).toEqual([guardKey, paidKey]);
    // The letter names the credits that are left to spend.
    expect(JSON.stringify(writes[1])).toContain('"credits":30');
  });

  it('settling an invoice whose credits were spent writes what is owed', () => {
    const due = settlementDue({ ...HEAD, balance: 10 }, invoiceOf(), HALF, guardOf());
    expect(due?.profile).toEqual({ debt: 20 });
  });

  it('settling a fully counted invoice writes nothing', () => {
    expect(settlementDue(HEAD, invoiceOf(), NOTHING_RETURNED, guardOf())).toBeNull();
  });

  it('settling an invoice just after its payment only grants, and only once', () => {
    expect(grantDue(HEAD, invoiceOf(), null)?.postings.map(({ amount }) => amount)).toEqual([60]);
    expect(grantDue(HEAD, invoiceOf({ lines: [] }), null)).toBeNull();
    expect(grantDue(HEAD, invoiceOf(), guardOf({ credits: 0, lines: [] }))).toBeNull();
  });
});

const subscription = (facts: Partial<ProSubscription> = {}): ProSubscription => ({
  ...proUntil('2026-02-01T00:00:00.000Z'),
  created: 7,
  endsAt: null,
  ownCard: null,
  isReplaced: false,
  ...facts,
});
const account = (
  paymentMethodId: string | null,
  ...subscriptions: readonly ProSubscription[]
): StripeAccount => ({
  kind: 'account',
  card: paymentMethodId === null ? null : { paymentMethodId, fingerprint: `of ${paymentMethodId}` },
  subscriptions,
});

describe('the profile of a head', () => {
  it("the profile of a head has Stripe's card and subscription, and keeps the Stripe customers", () => {
    const former = { ...HEAD, formerStripeCustomerId: 'cus_0' };
    const profile = profileOf(former, account('pm_2', subscription()));
    expect(profile).toMatchObject({
      paymentMethodId: 'pm_2',
      cardKey: 'of pm_2',
      cardExpires: null,
      subscription: { id: 'sub_1', state: 'active' },
      subscriptionType: 'pro',
      stripeCustomerId: 'cus_1',
      formerStripeCustomerId: 'cus_0',
    });
    expect(profileOf(former, account(null))).toMatchObject({
      paymentMethodId: null,
      cardKey: null,
      cardExpires: null,
      subscription: null,
    });
  });

  it('the profile of a customer deleted at Stripe has neither, and remembers the Stripe customer', () => {
    const pro = headWith({ ...HEAD, subscriptionType: 'pro', subscription: subscription() });
    expect(profileOf(pro, { kind: 'deleted' })).toEqual({
      paymentMethodId: null,
      cardKey: null,
      cardExpires: null,
      subscription: null,
      subscriptionType: 'pay_as_you_go',
      stripeCustomerId: null,
      formerStripeCustomerId: 'cus_1',
    });
  });

  it('the subscriptions of an account are all read, and none without an account', () => {
    expect(subscriptionsOf(account(null, subscription()))).toHaveLength(1);
    expect(subscriptionsOf({ kind: 'deleted' })).toEqual([]);
    expect(subscriptionsOf(null)).toEqual([]);
  });
});

describe('a card that was put on file elsewhere', () => {
  const bound = (paymentMethodId: string | null) =>
    keysOf(bindCard(HEAD, profileOf(HEAD, account(paymentMethodId))));

  it('a card put on file elsewhere is bound to its customer, unless it was on file before', () => {
    expect(bound('pm_2')).toEqual([keys.stripe('pm_2')]);
    expect(bound('pm_1')).toEqual([]);
    expect(bound(null)).toEqual([]);
  });
});

describe('the end of Pro', () => {
  const pro = headWith({ ...HEAD, subscriptionType: 'pro', subscription: subscription() });

  it('the end of Pro has one letter, and none while Pro continues', () => {
    const over = account('pm_1', subscription({ state: 'canceled' }));
    const letter = keys.notice('c1', 'subscription_ended', 'sub_1');
    expect(keysOf(accountWrites(pro, profileOf(pro, over), over, AT))).toEqual([letter]);
    const goesOn = account('pm_1', subscription());
    expect(accountWrites(pro, profileOf(pro, goesOn), goesOn, AT)).toEqual([]);
  });

  it('the end of Pro has no letter if we ended the subscription for a new one', () => {
    const ended = subscription({ state: 'canceled', isReplaced: true });
    const replaced = account('pm_1', ended);
    expect(accountWrites(pro, profileOf(pro, replaced), replaced, AT)).toEqual([]);
    // The new one may have ended too, and another one before.
    const others = account('pm_1', ended, subscription({ id: 'sub_0', state: 'canceled', created: 0 }));
    expect(accountWrites(pro, profileOf(pro, others), others, AT)).toEqual([]);
  });

  it('the end of a subscription that this service never knew has no letter', () => {
    const ended = account('pm_1', subscription({ state: 'canceled', isReplaced: true }));
    expect(accountWrites(HEAD, profileOf(HEAD, ended), ended, AT)).toEqual([]);
  });

  it('the end of Pro has its letter even if the subscription had replaced an earlier one', () => {
    const over = account(
      'pm_1',
      subscription({ state: 'canceled' }),
      subscription({ id: 'sub_0', state: 'canceled', isReplaced: true, created: 0 }),
    );
    const letter = keys.notice('c1', 'subscription_ended', 'sub_1');
    expect(keysOf(accountWrites(pro, profileOf(pro, over), over, AT))).toEqual([letter]);
  });
});

describe('the default card', () => {
  let money: Money;
  beforeAll(async () => {
    const opened = await openMoneyForFile();
    money = opened.money;
    return opened.stop;
  });

  async function cleared(of: StripeAccount | null) {
    const calls: string[][] = [];
    const deps = await answering(money.deps, () => ({
      clearOwnCard: async (...call) => {
        calls.push(call);
      },
    }));
    await clearSubscriptionCards(deps, of);
    return calls;
  }

  it("the default card replaces each subscription's own card, and no other", async () => {
    const calls = await cleared(
      account(
        'pm_1',
        subscription({ id: 'own', ownCard: 'pm_own' }),
        subscription({ id: 'none' }),
        subscription({ id: 'same', ownCard: 'pm_1' }),
        subscription({ id: 'over', ownCard: 'pm_own', state: 'canceled' }),
        subscription({ id: 'unpaid', ownCard: 'pm_own', state: 'unpaid' }),
      ),
    );
    expect(calls).toEqual([
      ['own', 'pm_1'],
      ['unpaid', 'pm_1'],
    ]);
  });

  it('nothing changes without a default card, or without an account', async () => {
    const own = subscription({ ownCard: 'pm_own' });
    expect(await cleared(account(null, own))).toEqual([]);
    expect(await cleared({ kind: 'deleted' })).toEqual([]);
    expect(await cleared(null)).toEqual([]);
  });
});
