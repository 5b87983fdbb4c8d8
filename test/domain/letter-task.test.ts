import { describe, expect, it } from 'vitest';
import type { NoticeContent, WithoutCredits } from '../../lib/domain/notice.ts';
import { taskOf } from '../../lib/domain/notices/letter-task.ts';
import { LETTERS } from '../support/letters.ts';

const PULL_REQUEST = { repo: 'acme/webshop', prNumber: 1 };
const WITH_CARD: WithoutCredits = {
  hasCard: true,
  isDisputed: false,
  isDeclined: false,
  isOverLimit: false,
  rate: 'pay_as_you_go',
};
const declined = (declineCode: string | null): NoticeContent => ({
  kind: 'card_declined',
  amountCents: 2_900,
  declineCode,
  fixId: 'f1',
  ...PULL_REQUEST,
});
const unpaid = { invoiceId: 'in_7', invoiceNumber: 'R-7', amountCents: 59_900, rateEndsAt: null };
const failure = { attempt: 1, nextAttemptAt: null, declineCode: null, credits: 0 };

describe('the task of a letter', () => {
  it.each<[string, NoticeContent]>([
    ['a low balance without a card', { kind: 'low_balance', credits: 1, ...WITH_CARD, hasCard: false }],
    [
      'a low balance and a declined card',
      { kind: 'low_balance', credits: 1, ...WITH_CARD, isDeclined: true },
    ],
    ['no credits and no card', { kind: 'exhausted', ...WITH_CARD, hasCard: false }],
    ['no credits and a declined card', { kind: 'exhausted', ...WITH_CARD, isDeclined: true }],
    ['a fix blocked without a card', { kind: 'fix_blocked', reason: 'no_billing_info', ...PULL_REQUEST }],
    ['a card without enough funds', declined('insufficient_funds')],
    ['a card that could not be used', declined(null)],
    ['a removed card', { kind: 'card_removed' }],
    ['a card that expires', { kind: 'card_expiring', lastDay: '2026-01-31T00:00:00.000Z' }],
  ])('the letter about %s starts adding a card', (_, content) => {
    expect(taskOf(content)).toEqual({ kind: 'add_card' });
  });

  it.each<[string, NoticeContent]>([
    ['a failed renewal', { kind: 'payment_failed', ...unpaid, ...failure }],
    ['a renewal to confirm', { kind: 'renewal_approval', ...unpaid }],
  ])('the letter about %s leads to the page of its invoice', (_, content) => {
    expect(taskOf(content)).toEqual({ kind: 'pay_invoice', invoiceId: 'in_7' });
  });

  it.each<[string, NoticeContent]>([
    ['a low balance with a card', { kind: 'low_balance', credits: 1, ...WITH_CARD }],
    ['no credits with a card', { kind: 'exhausted', ...WITH_CARD }],
    ['no credits during a dispute', { kind: 'exhausted', ...WITH_CARD, isDisputed: true }],
    ['a fix blocked by a dispute', { kind: 'fix_blocked', reason: 'account_disputed', ...PULL_REQUEST }],
    [
      'a fix blocked by the limit',
      { kind: 'fix_blocked', reason: 'spending_limit_reached', ...PULL_REQUEST },
    ],
    ['a charge to confirm', declined('authentication_required')],
  ])('the letter about %s has no task', (_, content) => {
    expect(taskOf(content)).toBeNull();
  });

  it('only letters about these kinds have a task', () => {
    const kinds = LETTERS.map(([content]) => content)
      .filter((content) => taskOf(content) !== null)
      .map(({ kind }) => kind);
    expect([...new Set(kinds)].sort()).toEqual([
      ...['card_declined', 'card_expiring', 'card_removed', 'exhausted', 'fix_blocked', 'low_balance'],
      ...['payment_failed', 'renewal_approval'],
    ]);
  });
});
