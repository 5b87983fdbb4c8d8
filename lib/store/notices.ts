import type { CustomerHead } from '../domain/customer.ts';
import { isUnsent, type Notice, type NoticeState } from '../domain/notice.ts';
import { CONDITIONS } from './conditions.ts';
import { dueAt, NOT_DUE, storedWork } from './due-work.ts';
import { keys, type NoticeName } from './keys.ts';
import { encodeNewNotice, type FoundNotice, findNotice } from './notice-items.ts';
import { type Item, type Table, type Write, type WriteResult, writeOne, writeTogether } from './table.ts';
import { type Change, put, update } from './write.ts';

/* The outbox: a notice is written in the transaction that causes it, and the table's stream brings it to its delivery. */

/** Long enough for anybody to ask what they were told; a notice that was not sent stays. */
const KEPT_DAYS = 400;
const DAY_MS = 24 * 60 * 60 * 1000;

const keyOf = ({ customerId, kind, id }: NoticeName) => keys.notice(customerId, kind, id);

const itemOf = (notice: Notice): Item => ({
  ...encodeNewNotice(notice),
  ...dueAt('notice', new Date(notice.createdAt)),
});

/**
 * A notice, due until it is sent. It needs no condition of its own: the write beside it happens once, or again for a new
 * reason, and then the notice is sent again.
 */
export const putNotice = (notice: Notice): Write => put(itemOf(notice));

/** A notice of a cause that can arrive twice. */
export const putNewNotice = (notice: Notice): Write => put(itemOf(notice), CONDITIONS.NOTICE_IS_NEW);

/** Writes the warning that is due for a balance, and that it is not due any more. A repeat is refused. */
export function putWarning(
  table: Table,
  { customerId, raisedSeq, balanceLevel }: CustomerHead,
  warning: Notice | null,
): Promise<WriteResult> {
  const found = { raised: raisedSeq, level: balanceLevel };
  return writeTogether(table, [
    update(keys.head(customerId), { remove: NOT_DUE }, CONDITIONS.WARNING_IS_DUE, found),
    ...(warning === null ? [] : [putNotice(warning)]),
  ]);
}

/**
 * Claims a notice for sending. A transaction, though of one item: the SDK repeats it under one token where its answer is lost.
 * A plain write that is repeated would be refused by its own first try, and the notice would stay claimed.
 * @param abandonedBefore a claim from before this moment whose outcome is unknown is void
 */
export function claimNotice(
  table: Table,
  name: NoticeName,
  at: Date,
  abandonedBefore: Date,
): Promise<WriteResult> {
  const set = { state: 'sending' satisfies NoticeState, claimed_at: at.toISOString() };
  return writeTogether(table, [updateUnclaimed(name, { set, add: { attempts: 1 } }, abandonedBefore)]);
}

/** Puts a notice that was not sent into the stream once more. Refused where it was sent, or is being sent. */
export function requeueNotice(
  table: Table,
  name: NoticeName,
  at: Date,
  abandonedBefore: Date,
): Promise<WriteResult> {
  // The moment makes this a change also where the notice is pending: the stream has changes only.
  const set = { state: 'pending' satisfies NoticeState, requeued_at: at.toISOString() };
  return writeOne(table, updateUnclaimed(name, { set }, abandonedBefore));
}

/** A change of a notice that is not being sent. */
const updateUnclaimed = (name: NoticeName, change: Change, abandonedBefore: Date) =>
  update(keyOf(name), change, CONDITIONS.NOTICE_IS_UNCLAIMED, {
    ...{ pending: 'pending', failed: 'failed', sending: 'sending' },
    abandoned: abandonedBefore.toISOString(),
  });

export type NoticeFate =
  | { readonly state: 'sent'; readonly messageId: string }
  | { readonly state: 'muted' }
  | { readonly state: 'failed'; readonly failure: string };

/** Notes what became of a notice that was taken. One that failed stays due. */
export function noteFate(
  table: Table,
  name: NoticeName,
  claimedAt: Date,
  fate: NoticeFate,
  at: Date,
): Promise<WriteResult> {
  const claim = { sending: 'sending', claimed: claimedAt.toISOString() };
  return writeOne(table, update(keyOf(name), fateChange(fate, at), CONDITIONS.CLAIM_IS_OURS, claim));
}

function fateChange(fate: NoticeFate, at: Date): Change {
  if (fate.state === 'failed') return { set: fate, remove: ['claimed_at'] };
  const sent = fate.state === 'sent' && { sent_at: at.toISOString(), message_id: fate.messageId };
  const expires_at = Math.floor((at.getTime() + KEPT_DAYS * DAY_MS) / 1000);
  const set = { state: fate.state, ...sent, expires_at };
  return { set, remove: ['claimed_at', 'failure', ...NOT_DUE] };
}

/** All notices that were not sent by `until`, the oldest first, page by page. One that was just written is among them. */
export async function* unsentNotices(table: Table, until: Date): AsyncGenerator<FoundNotice> {
  for await (const { stored } of storedWork(table, 'notice', until)) {
    const found = findNotice(stored);
    if ('unreadable' in found || isUnsent(found.notice)) yield found;
  }
}
