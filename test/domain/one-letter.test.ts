import { describe, expect, it } from 'vitest';
import type { NoticeContent, WithoutCredits } from '../../lib/domain/notice.ts';
import { blockedBy, raiseOf, saysTheSame } from '../../lib/domain/notices/one-letter.ts';
import type { FixObstacle } from '../../lib/domain/payments/charge-obstacles.ts';

/** The card of this customer is charged for fixes. */
const CHARGED: WithoutCredits = {
  hasCard: true,
  isDisputed: false,
  isDeclined: false,
  isOverLimit: false,
  rate: 'pay_as_you_go',
};
const exhausted = (facts: Partial<WithoutCredits> = {}): NoticeContent => ({
  kind: 'exhausted',
  ...CHARGED,
  ...facts,
});
const blocked = (reason: FixObstacle, prNumber = 1): NoticeContent => ({
  kind: 'fix_blocked',
  reason,
  repo: 'acme/webshop',
  prNumber,
});
const LOW: NoticeContent = { kind: 'low_balance', credits: 1, ...CHARGED, hasCard: false };

describe('the raise of a notice', () => {
  it.each([
    ['exhausted', '12', '12'],
    ['exhausted', '12-f1', '12-f1'],
    ['fix_blocked', '12-f1', '12'],
    ['fix_blocked', '12-a-b', '12'],
    ['fix_blocked', '12', '12'],
    ['low_balance', '12', null],
    ['receipt', 'pi_1-2', null],
  ] as const)('a notice %s with the id %s belongs to the raise %s', (kind, id, raise) => {
    expect(raiseOf({ kind, id })).toBe(raise);
  });
});

describe('the reason of a notice', () => {
  it.each<[string, NoticeContent, FixObstacle | null]>([
    ['a fix blocked by a dispute', blocked('account_disputed'), 'account_disputed'],
    ['a fix blocked by the limit', blocked('spending_limit_reached'), 'spending_limit_reached'],
    ['no credits and no card', exhausted({ hasCard: false }), 'no_billing_info'],
    ['no credits and a dispute', exhausted({ isDisputed: true }), 'account_disputed'],
    ['no credits and no room', exhausted({ isOverLimit: true }), 'spending_limit_reached'],
    ['no credits and a declined card', exhausted({ isDeclined: true }), null],
    ['no credits and a card that is charged', exhausted(), null],
    ['a low balance without a card', LOW, null],
    ['a link to sign in', { kind: 'sign_in' }, null],
  ])('a notice of %s gives this reason why fixes are not billed', (_, content, reason) => {
    expect(blockedBy(content)).toBe(reason);
  });

  it('a notice of no credits gives the first of several reasons: the card, the dispute, the limit', () => {
    const all = { hasCard: false, isDisputed: true, isOverLimit: true };
    expect(blockedBy(exhausted(all))).toBe('no_billing_info');
    expect(blockedBy(exhausted({ ...all, hasCard: true }))).toBe('account_disputed');
  });
});

describe('two notices of a raise', () => {
  const JANUARY = '2026-01-01T00:00:00.000Z';
  const END_OF_JANUARY = '2026-01-31T23:59:59.999Z';
  const FEBRUARY = '2026-02-01T00:00:00.000Z';

  it.each<[string, NoticeContent, NoticeContent, string, boolean]>([
    [
      'of two fixes with one reason',
      blocked('no_billing_info'),
      blocked('no_billing_info', 2),
      END_OF_JANUARY,
      true,
    ],
    [
      'of a fix and of no credits, with one reason',
      blocked('no_billing_info'),
      exhausted({ hasCard: false }),
      END_OF_JANUARY,
      true,
    ],
    [
      'with one reason in two months',
      blocked('no_billing_info'),
      exhausted({ hasCard: false }),
      FEBRUARY,
      false,
    ],
    [
      'with two reasons in one month',
      blocked('no_billing_info'),
      exhausted({ isDisputed: true }),
      JANUARY,
      false,
    ],
    ['of which one has no reason', blocked('no_billing_info'), exhausted(), JANUARY, false],
    ['of which neither has a reason', exhausted(), exhausted({ isDeclined: true }), JANUARY, false],
  ])('whether notices %s say the same does not depend on their order', (_, one, other, later, is) => {
    const first = { createdAt: JANUARY, content: one };
    const second = { createdAt: later, content: other };
    expect([saysTheSame(first, second), saysTheSame(second, first)]).toEqual([is, is]);
  });
});
