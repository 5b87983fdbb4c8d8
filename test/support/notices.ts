import type { NoticeContent } from '../../lib/domain/notice.ts';
import type { NoticeKind } from '../../lib/domain/notice-kinds.ts';
import type { MailPort } from '../../lib/mail/port.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { type FoundNotice, readNotices, type StoredNotice, unsentNotices } from '../../lib/store/notices.ts';
import type { Table } from '../../lib/store/table.ts';

function readable(found: FoundNotice): StoredNotice {
  if ('unreadable' in found) throw new Error(`the notice ${found.unreadable.label} is unreadable`);
  return found.notice;
}

/** All notices of a customer. */
export const allNoticesOf = async (table: Table, customerId: string): Promise<StoredNotice[]> =>
  (await readNotices(table, customerId)).map(readable);

/** The unsent notices of all customers, readable or not. */
export async function foundUnsent(table: Table, now: Date): Promise<FoundNotice[]> {
  const all: FoundNotice[] = [];
  for await (const found of unsentNotices(table, now)) all.push(found);
  return all;
}

/** The unsent notices of all customers. */
export const unsentOf = async (table: Table, now: Date): Promise<StoredNotice[]> =>
  (await foundUnsent(table, now)).map(readable);

/**
 * A customer's notices except those of signing up and of a card on file, which most fixtures cause: that it was
 * added, and that it will expire.
 */
export async function noticesOf({ table }: Deps, customerId: string): Promise<StoredNotice[]> {
  const all = await allNoticesOf(table, customerId);
  return all.filter(({ content, state }) => !isOfFixture(content) && state !== 'scheduled');
}

const isOfFixture = (content: NoticeContent): boolean => isOfSignUp(content) || content.kind === 'card_added';

const isOfSignUp = (content: NoticeContent): boolean =>
  content.kind === 'key_issued' && content.by === 'sign_up';

/** The contents of the notices of these kinds, or of all that `noticesOf` has; oldest first. */
export async function noticeContentsOf(
  deps: Deps,
  customerId: string,
  ...kinds: NoticeKind[]
): Promise<NoticeContent[]> {
  const all =
    kinds.length === 0 ? await noticesOf(deps, customerId) : await allNoticesOf(deps.table, customerId);
  return all
    .filter(({ content }) => !isOfSignUp(content) && (kinds.length === 0 || kinds.includes(content.kind)))
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
    .map(({ content }) => content);
}

/** A mail service with one message on its way: `reached` when it has the message, until the test answers. */
export function slowMail() {
  const reached = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  const mail: MailPort = {
    send: () => {
      reached.resolve();
      return answer.promise;
    },
  };
  return { mail, reached: reached.promise, answer };
}
