import { describe, expect, it } from 'vitest';
import { limitChanged, limitShareReached } from '../../lib/domain/payments/limit-notices.ts';
import { NOTHING_SPENT } from '../support/heads.ts';

const AT = new Date('2026-01-20T12:00:00.000Z');
const RENEWS_AT = '2026-02-01T00:00:00.000Z';

describe('letters about the spending limit', () => {
  it.each([
    [50, { kind: 'limit_near', percent: 50 }],
    [80, { kind: 'limit_near', percent: 80 }],
    [100, { kind: 'limit_reached' }],
  ] as const)(
    'a charge that reaches %i percent has one notice a month, with the amount after the charge',
    (percent, content) => {
      const spending = { ...NOTHING_SPENT, committedCents: 11_600, spentCents: 8_700 };
      const limit = { limitCents: 29_000, percent };
      expect(limitShareReached('c1', spending, { amountCents: 2_900 }, limit, AT)).toEqual({
        customerId: 'c1',
        id: `2026-01-${percent}`,
        createdAt: '2026-01-20T12:00:00.000Z',
        content: { ...content, limitCents: 29_000, committedCents: 14_500, renewsAt: RENEWS_AT },
      });
    },
  );

  it.each([
    [null, 29_000],
    [29_000, null],
    [29_000, 0],
  ])('a limit changed from %j to %j cents has one notice for each revision of the account', (from, to) => {
    expect(limitChanged({ customerId: 'c1', revision: 7 }, { from, to }, AT)).toEqual({
      customerId: 'c1',
      id: '7',
      createdAt: '2026-01-20T12:00:00.000Z',
      content: { kind: 'limit_changed', fromCents: from, toCents: to, renewsAt: RENEWS_AT },
    });
  });
});
