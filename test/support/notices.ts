import type { Deps } from '../../lib/deps.ts';
import type { NoticeContent, NoticeKind } from '../../lib/domain/notice.ts';
import type { StoredNotice } from '../../lib/store/notice-items.ts';
import { readNotices } from '../../lib/store/survey.ts';

/** The notices of a customer, but for that of their sign-up. */
export async function noticesOf({ table }: Deps, customerId: string): Promise<StoredNotice[]> {
  const all = await readNotices(table, customerId);
  return all.filter(({ content }) => content.kind !== 'key_issued' || content.by !== 'sign_up');
}

/** What those of some kinds say, the oldest first. */
export async function toldOf(
  deps: Deps,
  customerId: string,
  ...kinds: NoticeKind[]
): Promise<NoticeContent[]> {
  const notices = await noticesOf(deps, customerId);
  return notices
    .filter(({ content }) => kinds.length === 0 || kinds.includes(content.kind))
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
    .map(({ content }) => content);
}
