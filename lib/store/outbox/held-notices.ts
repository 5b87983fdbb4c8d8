import type { Notice } from '../../domain/notice.ts';
import { CONDITIONS } from '../conditions.ts';
import { dueAt, NOT_DUE } from '../due-work.ts';
import { keys, type NoticeName, noticeLabel } from '../keys.ts';
import { encodeNewNotice, noticeKept, noticePart, updateUnclaimed } from '../notices.ts';
import { type Table, type Write, type WriteResult, writeTogether } from '../table.ts';
import { put, update, updateBy } from '../write.ts';

/*
 * Notices beyond the day's cap of letters. They are held until the next day, and then joined into one digest,
 * which is a notice itself. The digest is held too, until it is complete and put into the stream.
 */

const HELD = { held: 'held' } as const;

/** The most notices that one transaction joins. A transaction has at most 100 writes. */
export const JOINED_AT_ONCE = 95;

/** Holds an unsent notice until a time. Refused if it was sent or is being sent. */
export function holdNotice(
  table: Table,
  name: NoticeName,
  until: Date,
  abandonedBefore: Date,
): Promise<WriteResult> {
  const set = { ...noticePart({ state: 'held' }), ...dueAt('held', until) };
  return writeTogether(table, [updateUnclaimed(name, { set, remove: ['claimed_at'] }, abandonedBefore)]);
}

/** What becomes of some held notices of a customer, together at most `JOINED_AT_ONCE`. */
export interface Gathered {
  readonly joined: readonly NoticeName[];
  /** The customer turned their kinds off, or closed the account. */
  readonly muted: readonly NoticeName[];
}

/**
 * Joins held notices into a digest, and ends those that are not sent. Refused if one of them is no longer
 * held, or if the digest was released.
 * @param digest without its content: that is the labels of `joined`, added to a digest that `isStored`
 */
export function gatherHeld(
  table: Table,
  digest: Notice,
  isStored: boolean,
  { joined, muted }: Gathered,
  at: Date,
): Promise<WriteResult> {
  const key = keys.notice(digest.customerId, 'digest', digest.id);
  const labels = joined.map(noticeLabel);
  const content = { kind: 'digest', notices: labels } as const;
  const extended = isStored
    ? updateBy(
        key,
        'SET #content.#notices = list_append(#content.#notices, :more)',
        CONDITIONS.NOTICE_IS_HELD,
        { ...HELD, more: labels },
      )
    : put(
        {
          ...encodeNewNotice({ ...digest, content }),
          ...noticePart({ state: 'held' }),
          ...dueAt('held', at),
        },
        CONDITIONS.NOTICE_IS_NEW,
      );
  return writeTogether(table, [
    ...(joined.length > 0 ? [extended] : []),
    ...joined.map((name) => ended(name, noticePart({ state: 'joined', joinedIn: digest.id }), at)),
    ...muted.map((name) => ended(name, noticePart({ state: 'muted' }), at)),
  ]);
}

const ended = ({ customerId, kind, id }: NoticeName, fate: ReturnType<typeof noticePart>, at: Date): Write =>
  update(
    keys.notice(customerId, kind, id),
    { set: { ...fate, ...noticeKept(at) }, remove: NOT_DUE },
    CONDITIONS.NOTICE_IS_HELD,
    HELD,
  );

/** Puts a complete digest into the stream. Refused if it is there already. */
export const releaseDigest = (table: Table, { customerId, kind, id }: NoticeName, at: Date) =>
  writeTogether(table, [
    update(
      keys.notice(customerId, kind, id),
      { set: { ...noticePart({ state: 'pending' }), ...dueAt('notice', at) } },
      CONDITIONS.NOTICE_IS_HELD,
      HELD,
    ),
  ]);
