import { describe, expect, it } from 'vitest';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import { balanceWarning, chargeDeclined, creditsRemoved, fixBlocked } from '../../lib/domain/notice.ts';
import { isMuted, isOptional, NOTICE_KINDS, OPTIONAL_NOTICE_KINDS } from '../../lib/domain/notice-kinds.ts';
import { cardChanged } from '../../lib/domain/notices/card-notices.ts';
import { keyIssued } from '../../lib/domain/notices/key-notices.ts';
import { disputeOpened } from '../../lib/domain/notices/money-notices.ts';
import {
  cancellationChanged,
  paymentFailed,
  proPaid,
  subscriptionEnded,
  trialStarted,
} from '../../lib/domain/notices/plan-notices.ts';
import { declined } from '../../lib/domain/payments/card-tries.ts';
import type { Subscription, SubscriptionState } from '../../lib/domain/subscription.ts';
import { fixOf, headWith, NOTHING_SPENT, onPlan } from '../support/heads.ts';

const AT = new Date('2026-01-02T00:00:00.000Z');
const createdAt = '2026-01-02T00:00:00.000Z';
const subscription = (state: SubscriptionState): Subscription => ({
  id: 'sub_1',
  plan: 'pro',
  state,
  cancelAtPeriodEnd: false,
  currentPeriodEnd: null,
  coveredUntil: '2026-02-01T00:00:00.000Z',
  collects: true,
});

describe('the kinds of notices', () => {
  it('only notices about credits, charges and renewals can be turned off', () => {
    expect(NOTICE_KINDS.filter(isOptional)).toEqual([
      'low_balance',
      'exhausted',
      'fix_blocked',
      'card_declined',
      'receipt',
      'pro_renewed',
      'card_expiring',
      'limit_near',
    ]);
    expect(NOTICE_KINDS.filter((kind) => !isOptional(kind))).toEqual([
      'payment_failed',
      'renewal_approval',
      'grace_ending',
      'pro_started',
      'pro_cancelled',
      'pro_resumed',
      'subscription_ended',
      'card_added',
      'card_replaced',
      'card_removed',
      'dispute',
      'dispute_closed',
      'refund_made',
      'credits_removed',
      'limit_reached',
      'limit_changed',
      'key_issued',
      'key_revoked',
      'sign_in',
      'confirm_address',
      'address_changed',
      'closing_asked',
      'digest',
      'account_closed',
    ]);
    expect(OPTIONAL_NOTICE_KINDS).toHaveLength(8);
  });

  it('kinds of notices are muted one by one', () => {
    expect(isMuted('exhausted', ['low_balance', 'exhausted'])).toBe(true);
    expect(isMuted('exhausted', ['low_balance'])).toBe(false);
    expect(isMuted('exhausted', [])).toBe(false);
  });
});

describe('the warning of a balance', () => {
  const warned = (facts: Partial<CustomerHead>) =>
    balanceWarning(headWith({ raisedSeq: 7, ...facts }), {}, NOTHING_SPENT, AT);

  it('there is no warning while the balance is fine', () => {
    expect(warned({ balance: 60 })).toBeNull();
  });

  it('a warning states the credits left and the price of the next fix after them', () => {
    expect(warned({ balanceLevel: 'low', balance: 4 })).toEqual({
      customerId: 'c1',
      id: '7',
      createdAt,
      content: {
        kind: 'low_balance',
        credits: 4,
        hasCard: false,
        isDisputed: false,
        isDeclined: false,
        isOverLimit: false,
        rate: 'pay_as_you_go',
      },
    });
  });

  it('a warning states whether a payment is disputed, because no card is charged then', () => {
    const facts = { balanceLevel: 'exhausted', openDisputes: ['du_1'] } as const;
    expect(warned(facts)?.content).toMatchObject({ kind: 'exhausted', isDisputed: true });
  });

  it('a warning states that a card waits after a decline, until it may be tried again', () => {
    const facts = { balanceLevel: 'exhausted', paymentMethodId: 'pm_1', cardKey: 'fp_1' } as const;
    const declinedAt = (at: string) => {
      const cards = { fp_1: declined(undefined, 'try', 'insufficient_funds', new Date(at)) };
      return balanceWarning(headWith(facts), cards, NOTHING_SPENT, AT)?.content;
    };
    expect(declinedAt('2026-01-01T23:00:00.001Z')).toMatchObject({ kind: 'exhausted', isDeclined: true });
    expect(declinedAt('2026-01-01T23:00:00.000Z')).toMatchObject({ kind: 'exhausted', isDeclined: false });
  });

  it('a warning of an exhausted balance states whether a card is on file', () => {
    const facts = { balanceLevel: 'exhausted', paymentMethodId: 'pm_1', ...onPlan('pro') } as const;
    expect(warned(facts)).toEqual({
      customerId: 'c1',
      id: '7',
      createdAt,
      content: {
        kind: 'exhausted',
        hasCard: true,
        isDisputed: false,
        isDeclined: false,
        isOverLimit: false,
        rate: 'pro',
      },
    });
  });
});

describe('a notice', () => {
  it('the notice of a blocked fix has one id for each raise of the balance', () => {
    expect(fixBlocked(headWith({ raisedSeq: 4 }), fixOf(), 'no_billing_info', AT)).toEqual({
      customerId: 'c1',
      id: '4-f1',
      createdAt,
      content: { kind: 'fix_blocked', reason: 'no_billing_info', repo: 'acme/webshop', prNumber: 1 },
    });
  });

  it('the notice of a declined charge has one id for each attempt', () => {
    expect(chargeDeclined('c1', fixOf(), { attempt: 2, amountCents: 2_900 }, 'expired_card', AT)).toEqual({
      customerId: 'c1',
      id: 'f1-2',
      createdAt,
      content: {
        kind: 'card_declined',
        amountCents: 2_900,
        declineCode: 'expired_card',
        fixId: 'f1',
        repo: 'acme/webshop',
        prNumber: 1,
      },
    });
  });

  it('the notice of removed credits states how many were removed and are owed, and why', () => {
    const cause = { invoiceId: 'in_1', removed: 10, returnedCents: 59_900, reasons: ['refund'] } as const;
    const before = headWith({ balance: 10, debt: 0 });
    expect(creditsRemoved(before, { seq: 9, balance: 0, debt: 50 }, cause, AT)).toEqual({
      customerId: 'c1',
      id: 'in_1-9',
      createdAt,
      content: { kind: 'credits_removed', ...cause, owed: 50, left: 0 },
    });
  });

  it('the notice of removed credits is sent even if nothing is owed for them', () => {
    const cause = { invoiceId: 'in_1', removed: 10, returnedCents: 59_900, reasons: ['refund'] } as const;
    const before = headWith({ balance: 10, debt: 0 });
    expect(creditsRemoved(before, { seq: 9, balance: 0, debt: 0 }, cause, AT)).not.toBeNull();
  });

  it('there is no notice of removed credits if credits were restored or nothing was taken', () => {
    const cause = { invoiceId: 'in_1', returnedCents: 1, reasons: [] };
    const owing = headWith({ balance: 0, debt: 5 });
    const restored = { seq: 9, balance: 10, debt: 0 };
    expect(creditsRemoved(owing, restored, { ...cause, removed: -10 }, AT)).toBeNull();
    expect(creditsRemoved(owing, { seq: 9, balance: 0, debt: 5 }, { ...cause, removed: 0 }, AT)).toBeNull();
    expect(
      creditsRemoved(owing, { seq: 9, balance: 0, debt: 6 }, { ...cause, removed: 0 }, AT),
    ).not.toBeNull();
  });

  it('the notice of a key has the id of the key', () => {
    expect(keyIssued('c1', 'k1', 'operator', AT)).toEqual({
      customerId: 'c1',
      id: 'k1',
      createdAt,
      content: {
        kind: 'key_issued',
        keyId: 'k1',
        by: 'operator',
        scope: 'account',
        replaced: null,
        ended: 0,
      },
    });
  });

  it('the notice of a failed renewal has one id for each card and day', () => {
    const failedAt = '2026-01-01T23:59:59.000Z';
    const when = { attempt: 2, nextAttemptAt: null, declineCode: 'expired_card', cardKey: 'fp_1', failedAt };
    const invoice = { id: 'in_1', number: 'R-1', amountCents: 59_900, ...when };
    const head = headWith({ balance: 7 });
    const lapsed = { subscription: null };
    expect(paymentFailed(head, lapsed, { ...invoice, cardKey: null }, AT).id).toBe('in_1-2026-01-01-unknown');
    expect(
      paymentFailed(head, { subscription: subscription('past_due') }, invoice, AT).content,
    ).toMatchObject({
      rateEndsAt: '2026-02-22T00:00:00.000Z',
    });
    expect(paymentFailed(head, lapsed, invoice, AT)).toEqual({
      customerId: 'c1',
      id: 'in_1-2026-01-01-fp_1',
      createdAt,
      content: {
        kind: 'payment_failed',
        invoiceId: 'in_1',
        invoiceNumber: 'R-1',
        amountCents: 59_900,
        attempt: 2,
        declineCode: 'expired_card',
        credits: 7,
        nextAttemptAt: null,
        rateEndsAt: null,
      },
    });
  });

  it('the notice of a failed renewal names the end of the Pro rate only before that end', () => {
    const when = { attempt: 1, nextAttemptAt: null, declineCode: null, cardKey: null, failedAt: createdAt };
    const invoice = { id: 'in_1', number: null, amountCents: 59_900, ...when };
    const contentAt = (at: string) =>
      paymentFailed(headWith(), { subscription: subscription('past_due') }, invoice, new Date(at)).content;
    expect(contentAt('2026-02-21T23:59:59.999Z')).toMatchObject({ rateEndsAt: '2026-02-22T00:00:00.000Z' });
    expect(contentAt('2026-02-22T00:00:00.000Z')).toMatchObject({ rateEndsAt: null });
  });

  it('a renewal that the cardholder has to confirm has a notice of its own kind', () => {
    const asked = { attempt: 1, nextAttemptAt: null, declineCode: 'authentication_required', cardKey: null };
    const invoice = { id: 'in_1', number: null, amountCents: 59_900, ...asked, failedAt: createdAt };
    expect(paymentFailed(headWith({}), { subscription: null }, invoice, AT).content).toEqual({
      kind: 'renewal_approval',
      invoiceId: 'in_1',
      invoiceNumber: null,
      amountCents: 59_900,
      rateEndsAt: null,
    });
  });

  it('the notice of a dispute has the id of the dispute', () => {
    expect(disputeOpened('c1', { id: 'dp_1', amountCents: 2_900 }, AT)).toEqual({
      customerId: 'c1',
      id: 'dp_1',
      createdAt,
      content: { kind: 'dispute', disputeId: 'dp_1', amountCents: 2_900 },
    });
  });
});

describe('the end of Pro', () => {
  const pro = (state: SubscriptionState) =>
    headWith({ balance: 9, subscriptionType: 'pro', subscription: subscription(state) });
  const ended = (before: CustomerHead, state: SubscriptionState | null) =>
    subscriptionEnded(before, { subscription: state === null ? null : subscription(state) }, AT);
  const told = (unpaid: boolean, atOnce: boolean) => ({
    customerId: 'c1',
    id: 'sub_1',
    createdAt,
    content: { kind: 'subscription_ended', subscriptionId: 'sub_1', unpaid, atOnce, credits: 9 },
  });

  it.each<[SubscriptionState, SubscriptionState | null, boolean, boolean]>([
    ['active', 'canceled', false, true],
    ['active', null, false, true],
    ['active', 'unpaid', true, false],
    ['past_due', 'canceled', true, false],
    ['past_due', null, true, false],
    ['paused', 'canceled', false, false],
  ])(
    'the end of Pro from %s to %s has a notice; unpaid: %s, at once: %s',
    (before, after, unpaid, atOnce) => {
      expect(ended(pro(before), after)).toEqual(told(unpaid, atOnce));
    },
  );

  it('a subscription that is paused or still past due has no notice of its end', () => {
    for (const before of ['active', 'past_due', 'trialing'] as const) {
      expect(ended(pro(before), 'paused')).toBeNull();
      expect(ended(pro(before), 'past_due')).toBeNull();
    }
  });

  it('the end of Pro has no notice for a customer who still has Pro, never had it, or has no subscription', () => {
    const still = { subscription: subscription('active') };
    expect(subscriptionEnded(pro('active'), still, AT)).toBeNull();
    expect(ended({ ...pro('incomplete'), subscriptionType: 'trial' }, 'canceled')).toBeNull();
    expect(ended({ ...pro('active'), subscription: null }, null)).toBeNull();
  });
});

describe('a change of Pro', () => {
  const end = '2026-02-01T00:00:00.000Z';
  const goingOn = { ...subscription('active'), currentPeriodEnd: end };
  const ending = { ...goingOn, cancelAtPeriodEnd: true };
  const change = (before: Subscription | null, after: Subscription | null) =>
    cancellationChanged(
      headWith({ subscription: before, balance: 9, revision: 3 }),
      { subscription: after },
      AT,
    );

  it('a cancellation at the period end has a notice, and its withdrawal another', () => {
    expect(change(goingOn, ending)).toMatchObject({
      id: 'sub_1-3',
      content: { kind: 'pro_cancelled', endsAt: end, credits: 9 },
    });
    expect(change(ending, goingOn)?.content).toEqual({ kind: 'pro_resumed', renewsAt: end });
  });

  it('there is no notice if the subscription goes on as before, is another one, or gives no Pro', () => {
    expect(change(goingOn, goingOn)).toBeNull();
    expect(change(null, ending)).toBeNull();
    expect(change(ending, null)).toBeNull();
    expect(change(goingOn, { ...ending, id: 'sub_2' })).toBeNull();
    expect(change(goingOn, { ...ending, state: 'canceled' })).toBeNull();
    expect(change({ ...goingOn, state: 'unpaid' }, ending)).toBeNull();
  });

  it('only the start of a trial of Pro has a notice without a payment', () => {
    const trial = { ...goingOn, state: 'trialing' } as const;
    const started = (before: Subscription | null, after: Subscription | null) =>
      trialStarted(headWith({ subscription: before, balance: 5 }), { subscription: after }, AT);
    expect(started(null, trial)).toMatchObject({
      id: 'sub_1',
      content: { kind: 'pro_started', amountCents: 0, credits: 0, left: 5, renewsAt: end },
    });
    expect(started(null, { ...trial, cancelAtPeriodEnd: true })?.content).toMatchObject({ renewsAt: null });
    expect(started(trial, trial)).toBeNull();
    expect(started({ ...trial, state: 'paused' }, trial)).toBeNull();
    expect(started(null, goingOn)).toBeNull();
    // Another one gave Pro before.
    expect(started({ ...goingOn, id: 'sub_0' }, trial)).toBeNull();
    expect(started({ ...goingOn, id: 'sub_0', state: 'canceled' }, trial)).not.toBeNull();
  });

  it('a paid invoice has a notice with its credits, the debt they paid, and the next day', () => {
    const invoice = { id: 'in_1', isFirst: true, totalCents: 59_900, credits: 60 };
    const before = headWith({ debt: 10 });
    const after = headWith({ debt: 0, balance: 50, subscription: goingOn });
    const paid = { amountCents: 59_900, credits: 60, netted: 10, left: 50, renewsAt: end };
    expect(proPaid(before, after, invoice, AT)).toEqual({
      customerId: 'c1',
      id: 'in_1',
      createdAt,
      content: { kind: 'pro_started', ...paid },
    });
    expect(proPaid(before, after, { ...invoice, isFirst: false }, AT)?.content.kind).toBe('pro_renewed');
    const stillOwing = proPaid(headWith({ debt: 70 }), headWith({ debt: 10 }), invoice, AT);
    expect(stillOwing?.content).toMatchObject({ netted: 60, left: 0 });
    expect(proPaid(before, after, { ...invoice, credits: 0 }, AT)).toBeNull();
    // It credits more unused time than it charges.
    const negative = proPaid(before, after, { ...invoice, totalCents: -100 }, AT);
    expect(negative?.content).toMatchObject({ amountCents: 0 });
    for (const now of [ending, null, { ...goingOn, currentPeriodEnd: createdAt }]) {
      expect(proPaid(before, { ...after, subscription: now }, invoice, AT)?.content).toMatchObject({
        renewsAt: null,
      });
    }
  });
});

describe('a change of the card', () => {
  const changed = (before: string | null, after: string | null, bonus = 0) =>
    cardChanged(headWith({ paymentMethodId: before, revision: 3 }), after, AT, bonus);

  it('a card that is added, replaced or removed has a notice, and the same card has none', () => {
    expect(changed(null, 'pm_1')).toMatchObject({ id: 'pm_1-3', content: { kind: 'card_added' } });
    expect(changed('pm_1', 'pm_2')).toMatchObject({ id: 'pm_2-3', content: { kind: 'card_replaced' } });
    expect(changed('pm_1', null)).toMatchObject({ id: 'pm_1-3', content: { kind: 'card_removed' } });
    expect(changed('pm_1', 'pm_1')).toBeNull();
    expect(changed(null, null)).toBeNull();
  });

  it('a bonus has a notice, also if an event has put its card on file before', () => {
    expect(changed('pm_1', 'pm_1', 5)?.content).toEqual({ kind: 'card_added', bonusCredits: 5 });
  });
});
