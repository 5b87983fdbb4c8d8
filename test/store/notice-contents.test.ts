import { describe, expect, it } from 'vitest';
import type { NoticeContent } from '../../lib/domain/notice.ts';
import { NOTICE_KINDS } from '../../lib/domain/notice-kinds.ts';
import { noticeContents } from '../../lib/store/outbox/notice-content.ts';
import { LETTERS } from '../support/letters.ts';

/* The facts of every kind of notice, as they are stored, and those of earlier releases. */

const read = (content: object) => noticeContents().safeParse(content);

/** Values of the facts that no letter of the fixtures has. */
const FURTHER: readonly NoticeContent[] = [
  ...(['no_billing_info', 'account_disputed', 'spending_limit_reached'] as const).map((reason) => ({
    ...{ kind: 'fix_blocked' as const, repo: 'acme/webshop', prNumber: 1 },
    reason,
  })),
  ...(['sign_up', 'customer', 'operator'] as const).map((by) => ({
    ...{ kind: 'key_issued' as const, keyId: 'k', scope: 'account' as const, replaced: null, ended: 0 },
    by,
  })),
  ...(['customer', 'operator'] as const).map((by) => ({
    ...{ kind: 'key_revoked' as const, keyId: 'k', scope: 'account' as const },
    by,
  })),
];

describe('the facts of a notice', () => {
  it('the facts of every kind are read back as they were written, and none is lost', () => {
    const contents = [...LETTERS.map(([content]) => content), ...FURTHER];
    expect(new Set(contents.map(({ kind }) => kind))).toEqual(new Set(NOTICE_KINDS));
    for (const content of contents) expect(read(content)).toEqual({ success: true, data: content });
  });

  it('a limit is near at 50 and 80 percent only', () => {
    const near = { kind: 'limit_near', limitCents: 1, committedCents: 1, renewsAt: 'then' };
    const isRead = (percent: number) => read({ ...near, percent }).success;
    expect([50, 80, 0, 79, 100].map(isRead)).toEqual([true, true, false, false, false]);
  });

  it('notices of earlier releases lack some facts, and have the values of that time', () => {
    const ended = { kind: 'subscription_ended', subscriptionId: 'sub_1', unpaid: true, credits: 3 };
    expect(read(ended).data).toEqual({ ...ended, atOnce: false });
    const issued = { kind: 'key_issued', keyId: 'k', by: 'customer' };
    expect(read(issued).data).toEqual({ ...issued, scope: 'account', replaced: null, ended: 0 });
  });
});
