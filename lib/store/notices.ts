import type { CustomerHead } from '../domain/customer.ts';
import { isUnsent, type Notice, type NoticeState } from '../domain/notice.ts';
import { CONDITIONS } from './conditions.ts';
import { dueAt, storedWork } from './due-work.ts';
import { keys, type NoticeName } from './keys.ts';
import type { AlongsideWrite } from './ledger.ts';
import { encodeNewNotice, type FoundNotice, findNotice } from './notice-items.ts';
import { type Item, type Table, type WriteResult, writeOne, writeTogether } from './table.ts';

/* The outbox: a notice is written in the transaction that causes it, and the table's stream brings it to its delivery. */

/** Long enough for anybody to ask what they were told; a notice that was not sent stays. */
const KEPT_DAYS = 400;
const DAY_MS = 24 * 60 * 60 * 1000;

const keyOf = ({ customerId, kind, id }: NoticeName) => ({ ...keys.notice(customerId, kind, id) });

const itemOf = (notice: Notice): Item => ({
  ...encodeNewNotice(notice),
  ...dueAt('notice', new Date(notice.createdAt)),
});

/**
 * A notice, due until it is sent. Without a condition of its own: what it is written beside happens once, or again for a new
 * reason, and then it is told again.
 */
export function putNotice(notice: Notice): AlongsideWrite {
  return (table) => ({ Put: { TableName: table.name, Item: itemOf(notice) } });
}

/** A notice of something that can be heard of twice. */
export function putNewNotice(notice: Notice): AlongsideWrite {
  return (table) => ({
    Put: {
      TableName: table.name,
      Item: itemOf(notice),
      ConditionExpression: CONDITIONS.NOTICE_IS_NEW,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  });
}

/** Writes the warning that is due for a balance, and that it is not due any more. A repeat is refused. */
export function putWarning(
  table: Table,
  { customerId, raisedSeq, balanceLevel }: CustomerHead,
  warning: Notice | null,
): Promise<WriteResult> {
  return writeTogether(table, [
    {
      Update: {
        TableName: table.name,
        Key: keys.head(customerId),
        UpdateExpression: 'REMOVE due, due_at',
        ConditionExpression: CONDITIONS.WARNING_IS_DUE,
        ExpressionAttributeValues: { ':raised': raisedSeq, ':level': balanceLevel },
      },
    },
    ...(warning === null ? [] : [putNotice(warning)(table)]),
  ]);
}

/**
 * Takes a notice for sending. A transaction, though of one item: where its answer is lost the SDK sends it again, and it must not
 * be refused by itself, which would leave the notice taken by nobody.
 * @param abandonedBefore who took it before this moment, and was not heard of since, has lost it
 */
export function claimNotice(
  table: Table,
  name: NoticeName,
  at: Date,
  abandonedBefore: Date,
): Promise<WriteResult> {
  const Update = unclaimed(name, abandonedBefore, {
    UpdateExpression: 'SET #state = :to, claimed_at = :at ADD attempts :one',
    values: { ':to': 'sending' satisfies NoticeState, ':at': at.toISOString(), ':one': 1 },
  });
  return writeTogether(table, [{ Update: { TableName: table.name, ...Update } }]);
}

/** Puts a notice that was not sent into the stream once more. Refused where it was sent, or is being sent. */
export function requeueNotice(
  table: Table,
  name: NoticeName,
  at: Date,
  abandonedBefore: Date,
): Promise<WriteResult> {
  const update = unclaimed(name, abandonedBefore, {
    // The moment makes it a change, also where it is pending: the stream tells of changes only.
    UpdateExpression: 'SET #state = :to, requeued_at = :at',
    values: { ':to': 'pending' satisfies NoticeState, ':at': at.toISOString() },
  });
  return writeOne(table, { update });
}

/** A change of a notice that nobody is sending. */
const unclaimed = (
  name: NoticeName,
  abandonedBefore: Date,
  { UpdateExpression, values }: { readonly UpdateExpression: string; readonly values: Item },
) => ({
  Key: keyOf(name),
  UpdateExpression,
  ConditionExpression: CONDITIONS.NOTICE_IS_UNCLAIMED,
  ExpressionAttributeNames: { '#state': 'state' },
  ExpressionAttributeValues: {
    ...values,
    ':pending': 'pending',
    ':failed': 'failed',
    ':sending': 'sending',
    ':abandoned': abandonedBefore.toISOString(),
  },
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
  const facts: Item = {
    '#state': fate.state,
    ...(fate.state === 'sent' && { sent_at: at.toISOString(), message_id: fate.messageId }),
    ...(fate.state === 'failed'
      ? { failure: fate.failure }
      : { expires_at: Math.floor((at.getTime() + KEPT_DAYS * DAY_MS) / 1000) }),
  };
  const names = Object.keys(facts);
  const over = fate.state === 'failed' ? 'claimed_at' : 'claimed_at, failure, due, due_at';
  return writeOne(table, {
    update: {
      Key: keyOf(name),
      UpdateExpression: `SET ${names.map((fact, i) => `${fact} = :v${i}`).join(', ')} REMOVE ${over}`,
      ConditionExpression: CONDITIONS.CLAIM_IS_OURS,
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ...Object.fromEntries(names.map((fact, i) => [`:v${i}`, facts[fact]])),
        ':sending': 'sending',
        ':claimed': claimedAt.toISOString(),
      },
    },
  });
}

/** All notices that were not sent by `until`, the oldest first, page by page. One that was just written is among them. */
export async function* unsentNotices(table: Table, until: Date): AsyncGenerator<FoundNotice> {
  for await (const { stored } of storedWork(table, 'notice', until)) {
    const found = findNotice(stored);
    if ('unreadable' in found || isUnsent(found.notice)) yield found;
  }
}
