import * as z from 'zod/mini';
import type { CustomerHead } from '../domain/customer.ts';
import type { Notice } from '../domain/notice.ts';
import type { NoticeKind } from '../domain/notice-kinds.ts';
import { isUnsent, NOTICE_STATES, type NoticeState } from '../domain/notices/delivery.ts';
import { CONDITIONS } from './conditions.ts';
import { type DueKind, dueAt, NOT_DUE, storedWork } from './due-work.ts';
import { blockedSince, customerIdOf, keys, type NoticeName, noticeLabelOf, prefixes } from './keys.ts';
import { noticeContents } from './outbox/notice-content.ts';
import { itemsOf, readPage } from './paging.ts';
import { count, orNull, readable, record, text, UnreadableItem } from './record.ts';
import { type Item, readTogether, type Table, type Write, type WriteResult, writeTogether } from './table.ts';
import { type Change, put, update } from './write.ts';

/*
 * The outbox: the transaction of the cause writes the notice, and the table's stream triggers its delivery.
 */

const storedNotice = () =>
  z.object({
    customerId: text,
    id: text,
    createdAt: text,
    content: noticeContents(),
    state: z.enum(NOTICE_STATES),
    /** Number of delivery attempts. */
    attempts: count,
    claimedAt: orNull(text),
    sentAt: orNull(text),
    /** The mail service's message id. */
    messageId: orNull(text),
    /** Why the last attempt failed, for people. */
    failure: orNull(text),
    /** The day (UTC) whose letters count this one. */
    countedOn: orNull(text),
    /** The id of the digest that has this notice. */
    joinedIn: orNull(text),
  });

/** A notice and the state of its delivery. */
export type StoredNotice = Notice & Readonly<z.output<ReturnType<typeof storedNotice>>>;

const newCodec = () => record<StoredNotice>(storedNotice(), { id: 'notice_id' });
let codec: ReturnType<typeof newCodec> | undefined;
/** Made on first use, like the contents. */
const notices = () => {
  codec ??= newCodec();
  return codec;
};

/** An unreadable notice: its name, and the attributes at fault. */
export interface UnreadableNotice {
  readonly customerId: string;
  /** `kind#id`. */
  readonly label: string;
  readonly attributes: readonly string[];
}

export type FoundNotice = { readonly notice: StoredNotice } | { readonly unreadable: UnreadableNotice };

/** @throws UnreadableItem */
export const decodeNotice = (item: Item): StoredNotice => notices().decode(item);

/**
 * For batch reads: returns the fault of an unreadable notice, so that one bad notice does not stop the batch.
 */
export function findNotice(item: Item): FoundNotice {
  const notice = readable(decodeNotice, item);
  if (!(notice instanceof UnreadableItem)) return { notice };
  const { key, attributes } = notice;
  return { unreadable: { customerId: customerIdOf(key.pk), label: noticeLabelOf(key.sk), attributes } };
}

/** The item of a new notice. */
export const encodeNewNotice = ({ customerId, id, createdAt, content }: Notice): Item => ({
  ...keys.notice(customerId, content.kind, id),
  ...notices().encodePart({ customerId, id, createdAt, content, state: 'pending', attempts: 0 }),
});

/** Some attributes of a notice. */
export const noticePart = (part: Partial<StoredNotice>): Item => notices().encodePart(part);

/** Long enough for questions about a notice. Unsent notices do not expire. */
const KEPT_DAYS = 400;
const DAY_MS = 24 * 60 * 60 * 1000;

/** How long a notice is kept that was sent, or is never sent. */
export const noticeKept = (at: Date): Item => ({
  expires_at: Math.floor((at.getTime() + KEPT_DAYS * DAY_MS) / 1000),
});

const itemOf = (notice: Notice): Item => ({
  ...encodeNewNotice(notice),
  ...dueAt('notice', new Date(notice.createdAt)),
});

/**
 * Writes a notice, due until it is sent. It needs no condition: the write beside it happens once, or again
 * for a new reason, and then the notice must be sent again.
 */
export const putNotice = (notice: Notice): Write => put(itemOf(notice));

/** Writes a notice whose cause can arrive twice. */
export const putNewNotice = (notice: Notice): Write => put(itemOf(notice), CONDITIONS.NOTICE_IS_NEW);

/** Writes a notice that waits for its time. The same notice again replaces it. */
export const scheduleNotice = (notice: Notice, sendAt: Date): Write =>
  put({
    ...encodeNewNotice(notice),
    ...notices().encodePart({ state: 'scheduled' }),
    ...dueAt('reminder', sendAt),
  });

/** Sends a scheduled notice now, or drops it. A repeat is refused. */
export function endSchedule(
  table: Table,
  name: NoticeName,
  fate: 'send' | 'drop',
  at: Date,
): Promise<WriteResult> {
  const { customerId, kind, id } = name;
  const change: Change =
    fate === 'send'
      ? {
          set: {
            ...notices().encodePart({ state: 'pending', createdAt: at.toISOString() }),
            ...dueAt('notice', at),
          },
        }
      : fateChange({ state: 'muted' }, at);
  const key = keys.notice(customerId, kind, id);
  const scheduled = { scheduled: 'scheduled' };
  return writeTogether(table, [update(key, change, CONDITIONS.NOTICE_IS_SCHEDULED, scheduled)]);
}

/** Writes the due warning for a balance, and makes the head not due. A repeat is refused. */
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
 * Claims a notice for sending. Uses a transaction, because the SDK retries it under one idempotency token. A
 * retried plain write would be refused by its own first try, and the notice would stay claimed.
 * @param abandonedBefore an older claim without an outcome is void
 * @param counted the day whose letters count it
 * @param alongside what the claim writes too; the claim is the first write
 */
export function claimNotice(
  table: Table,
  name: NoticeName,
  at: Date,
  abandonedBefore: Date,
  counted: { readonly countedOn?: string } = {},
  alongside: readonly Write[] = [],
): Promise<WriteResult> {
  const set = notices().encodePart({ state: 'sending', claimedAt: at.toISOString(), ...counted });
  return writeTogether(table, [
    updateUnclaimed(name, { set, add: { attempts: 1 } }, abandonedBefore),
    ...alongside,
  ]);
}

/** Puts an unsent notice into the stream again. Refused if it was sent or is being sent. */
export function requeueNotice(
  table: Table,
  name: NoticeName,
  at: Date,
  abandonedBefore: Date,
): Promise<WriteResult> {
  // The time makes this a change even if the notice is pending: the stream has only changes.
  const set = { state: 'pending' satisfies NoticeState, requeued_at: at.toISOString() };
  return writeTogether(table, [updateUnclaimed(name, { set }, abandonedBefore)]);
}

/** Changes an unsent notice that is not being sent. */
export const updateUnclaimed = (
  { customerId, kind, id }: NoticeName,
  change: Change,
  abandonedBefore: Date,
) =>
  update(keys.notice(customerId, kind, id), change, CONDITIONS.NOTICE_IS_UNCLAIMED, {
    ...{ pending: 'pending', failed: 'failed', sending: 'sending' },
    abandoned: abandonedBefore.toISOString(),
  });

export type NoticeFate =
  | { readonly state: 'sent'; readonly messageId: string }
  | { readonly state: 'muted' }
  | { readonly state: 'failed'; readonly failure: string };

/** Stores the outcome of a claimed notice. A failed notice stays due. */
export function noteFate(
  table: Table,
  { customerId, kind, id }: NoticeName,
  claimedAt: Date,
  fate: NoticeFate,
  at: Date,
): Promise<WriteResult> {
  const claim = { sending: 'sending', claimed: claimedAt.toISOString() };
  const key = keys.notice(customerId, kind, id);
  const change = fateChange(fate, at);
  const set = { ...change.set, ...(fate.state !== 'failed' && withoutAddress(kind)) };
  return writeTogether(table, [update(key, { ...change, set }, CONDITIONS.CLAIM_IS_OURS, claim)]);
}

/** An earlier address is kept only until its letter is sent. */
const withoutAddress = (kind: NoticeKind): Item =>
  kind === 'address_changed' ? notices().encodePart({ content: { kind, to: null } }) : {};

function fateChange(fate: NoticeFate, at: Date): Change {
  const sentAt = fate.state === 'sent' ? { sentAt: at.toISOString() } : {};
  const set = notices().encodePart({ ...fate, ...sentAt });
  if (fate.state === 'failed') return { set, remove: ['claimed_at'] };
  return { set: { ...set, ...noticeKept(at) }, remove: ['claimed_at', 'failure', ...NOT_DUE] };
}

/** All notices due by `until` and not sent, the oldest first, page by page. Includes notices just written. */
export const unsentNotices = (table: Table, until: Date): AsyncGenerator<FoundNotice> =>
  unsentIn(table, 'notice', until);

/** The notices that wait for a digest. */
export const heldNotices = (table: Table): AsyncGenerator<FoundNotice> => unsentIn(table, 'held', null);

async function* unsentIn(table: Table, due: DueKind, until: Date | null): AsyncGenerator<FoundNotice> {
  for await (const { stored } of storedWork(table, due, until)) {
    const found = findNotice(stored);
    if ('unreadable' in found || isUnsent(found.notice)) yield found;
  }
}

/** All notices of a customer, sent or not. */
export async function readNotices(table: Table, customerId: string): Promise<FoundNotice[]> {
  const notices: FoundNotice[] = [];
  for await (const item of itemsOf(table, customerId, prefixes.notice)) notices.push(findNotice(item));
  return notices;
}

/** Notices of blocked fixes: how many are read at once, and how often for one letter. */
const BLOCKED_PAGE = 100;
const MAX_BLOCKED_PAGES = 20;

/**
 * The readable notices about a balance of 0 since a raise of the balance: of the balance itself, and, page by
 * page, of fixes that were blocked; of very many, the first 2,000.
 */
export async function* noticesOfRaise(
  table: Table,
  customerId: string,
  raise: string,
): AsyncGenerator<readonly StoredNotice[]> {
  const query = {
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': keys.customer(customerId), ':prefix': blockedSince(raise) },
    ConsistentRead: true,
    Limit: BLOCKED_PAGE,
  };
  const [first, exhausted] = await Promise.all([
    readPage(table, query),
    readTogether(table, [keys.notice(customerId, 'exhausted', raise)]),
  ]);
  yield readableOf(exhausted.filter((item) => item !== undefined));
  let page = first;
  for (let read = 1; ; read++) {
    yield readableOf(page.items);
    if (page.next === undefined || read === MAX_BLOCKED_PAGES) return;
    page = await readPage(table, query, page.next);
  }
}

const readableOf = (items: readonly Item[]): StoredNotice[] =>
  items.map(findNotice).flatMap((one) => ('notice' in one ? [one.notice] : []));
