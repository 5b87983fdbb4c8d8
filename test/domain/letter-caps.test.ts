import { describe, expect, it } from 'vitest';
import { NOTICE_KINDS, type NoticeKind } from '../../lib/domain/notice-kinds.ts';
import {
  countOf,
  dayOf,
  isUrgent,
  type LetterCount,
  type LettersOfDay,
  nextDay,
} from '../../lib/domain/notices/caps.ts';

/** How many letters of each kind are sent if this many are caused, in this order. */
function sentOf(causes: readonly (readonly [NoticeKind, number])[], isConfirmed: boolean): number[] {
  let sent: LettersOfDay = { letters: 0, urgentLetters: 0 };
  return causes.map(([kind, times]) => {
    let count = 0;
    for (let i = 0; i < times; i++) {
      const how = countOf(kind, sent, isConfirmed);
      if (how.kind === 'full') continue;
      count += 1;
      if (how.kind === 'counted') sent = { ...sent, [how.field]: sent[how.field] + 1 };
    }
    return count;
  });
}

describe('the letters of a day', () => {
  it.each<[string, readonly (readonly [NoticeKind, number])[], readonly number[], readonly number[]]>([
    ['40 rotations of a key', [['key_issued', 40]], [8], [25]],
    ['40 blocked fixes', [['fix_blocked', 40]], [3], [20]],
    [
      'a dispute after 40 blocked fixes',
      [
        ['fix_blocked', 40],
        ['dispute', 1],
      ],
      [3, 1],
      [20, 1],
    ],
    [
      'a blocked fix after 5 revoked keys',
      [
        ['key_revoked', 5],
        ['fix_blocked', 1],
      ],
      [5, 1],
      [5, 1],
    ],
    [
      'links to sign in after 40 rotations of a key',
      [
        ['key_issued', 40],
        ['sign_in', 9],
      ],
      [8, 9],
      [25, 9],
    ],
    [
      'a digest on a full day',
      [
        ['fix_blocked', 40],
        ['digest', 1],
      ],
      [3, 1],
      [20, 1],
    ],
  ])('of %s, an unconfirmed and a confirmed address get these letters', (_, causes, few, many) => {
    expect(sentOf(causes, false)).toEqual(few);
    expect(sentOf(causes, true)).toEqual(many);
  });

  it('a digest counts as a letter of its day', () => {
    const causes = [
      ['digest', 1],
      ['low_balance', 3],
    ] as const;
    expect(sentOf(causes, false)).toEqual([1, 2]);
  });

  it.each<[string, boolean, LettersOfDay, Record<'urgent' | 'common', LetterCount>]>([
    [
      'on a new day',
      false,
      { letters: 0, urgentLetters: 0 },
      {
        urgent: { kind: 'counted', field: 'urgentLetters', most: 5 },
        common: { kind: 'counted', field: 'letters', most: 3 },
      },
    ],
    [
      'after 5 urgent letters to a confirmed address',
      true,
      { letters: 19, urgentLetters: 5 },
      {
        urgent: { kind: 'counted', field: 'letters', most: 20 },
        common: { kind: 'counted', field: 'letters', most: 20 },
      },
    ],
    [
      'on a full day',
      true,
      { letters: 20, urgentLetters: 5 },
      { urgent: { kind: 'full' }, common: { kind: 'full' } },
    ],
  ])('every kind of letter is counted by its cap; %s', (_, isConfirmed, sent, { urgent, common }) => {
    const counts = Object.fromEntries(NOTICE_KINDS.map((kind) => [kind, countOf(kind, sent, isConfirmed)]));
    expect(counts).toEqual({
      ...Object.fromEntries(NOTICE_KINDS.map((kind) => [kind, isUrgent(kind) ? urgent : common])),
      sign_in: { kind: 'free' },
      confirm_address: { kind: 'free' },
      address_changed: { kind: 'free' },
      account_closed: { kind: 'free' },
      digest: { kind: 'counted', field: 'letters', most: null },
    });
  });

  it('keys, the limit, disputes, failed payments and the end of the account are urgent', () => {
    expect(NOTICE_KINDS.filter(isUrgent)).toEqual([
      ...['card_declined', 'payment_failed', 'renewal_approval', 'grace_ending'],
      ...['dispute', 'dispute_closed'],
      ...['limit_near', 'limit_reached', 'limit_changed', 'key_issued', 'key_revoked'],
      'closing_asked',
    ]);
  });

  it('a day begins and ends at midnight UTC', () => {
    const last = new Date('2026-12-31T23:59:59.999Z');
    expect([dayOf(last), nextDay(last).toISOString()]).toEqual(['2026-12-31', '2027-01-01T00:00:00.000Z']);
    expect(nextDay(nextDay(last)).toISOString()).toBe('2027-01-02T00:00:00.000Z');
  });
});
