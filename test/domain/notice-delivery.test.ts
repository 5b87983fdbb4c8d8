import { describe, expect, it } from 'vitest';
import {
  abandonedBefore,
  isSaid,
  isUnsent,
  NOTICE_STATES,
  type NoticeState,
  needsResend,
} from '../../lib/domain/notices/delivery.ts';

const AT = new Date('2026-01-02T00:00:00.000Z');
const ago = (ms: number): string => new Date(AT.getTime() - ms).toISOString();
const MINUTE_MS = 60_000;

describe('the delivery of a notice', () => {
  it('the states of notices are stored under these names', () => {
    expect(NOTICE_STATES).toEqual([
      ...['pending', 'sending', 'sent', 'failed', 'muted'],
      ...['held', 'joined', 'scheduled'],
    ]);
  });

  it('a notice that is pending, in delivery, failed or held waits to be sent', () => {
    const states: NoticeState[] = NOTICE_STATES.filter((state) => isUnsent({ state }));
    expect(states).toEqual(['pending', 'sending', 'failed', 'held']);
  });

  it('a claimed notice is abandoned after two minutes', () => {
    expect(abandonedBefore(AT)).toEqual(new Date('2026-01-01T23:58:00.000Z'));
  });

  it.each<[NoticeState, number, number | null, { resend: boolean; said: boolean }]>([
    ['pending', 1, null, { resend: false, said: false }],
    ['pending', 3, null, { resend: true, said: false }],
    ['sending', 9, 1, { resend: false, said: true }],
    ['sending', 9, 3, { resend: true, said: false }],
    ['sending', 1, null, { resend: false, said: true }],
    ['sending', 3, null, { resend: true, said: false }],
    ['failed', 0, null, { resend: true, said: false }],
    ['sent', 9, 9, { resend: false, said: true }],
    ['muted', 9, 9, { resend: false, said: false }],
    ['held', 9, 9, { resend: false, said: true }],
    ['joined', 9, 9, { resend: false, said: true }],
    ['scheduled', 9, null, { resend: false, said: false }],
  ])(
    'a notice that is %s, caused %i and claimed %s minutes ago, needs a resend or counts as said: %j',
    (state, ...rest) => {
      const [caused, claimed, expected] = rest;
      const claimedAt = claimed === null ? null : ago(claimed * MINUTE_MS);
      const notice = { state, createdAt: ago(caused * MINUTE_MS), claimedAt };
      expect({ resend: needsResend(notice, AT), said: isSaid(notice, AT) }).toEqual(expected);
    },
  );

  it('a notice needs to be sent again once two minutes have passed, and not before', () => {
    const isAbandoned = (ms: number) =>
      needsResend({ state: 'pending', createdAt: ago(ms), claimedAt: null }, AT);
    expect([isAbandoned(120_000), isAbandoned(120_001)]).toEqual([false, true]);
  });
});
