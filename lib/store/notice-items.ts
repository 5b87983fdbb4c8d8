import * as z from 'zod/mini';
import { NOTICE_STATES, type Notice, type NoticeContent, type NoticeState } from '../domain/notice.ts';
import { decode, readable, UnreadableItem } from './items.ts';
import { customerIdOf, keys, noticeLabelOf } from './keys.ts';
import type { Item } from './table.ts';

/* Notices as they are stored, and the way between them and the domain; checked as the items in items.ts are. */

const cents = z.int().check(z.nonnegative());
const rate = z.enum(['pay_as_you_go', 'pro']);
const withoutCredits = {
  hasCard: z.boolean(),
  /** Notices of the first release do not say it. */
  isDisputed: z._default(z.boolean(), false),
  rate,
};
const pullRequest = { repo: z.string(), prNumber: z.int() };

/** Stored in the domain's own words: a message that is read whole, by nobody else. */
const Content = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('low_balance'), credits: z.int(), ...withoutCredits }),
  z.object({ kind: z.literal('exhausted'), ...withoutCredits }),
  z.object({
    kind: z.literal('fix_blocked'),
    reason: z.enum(['no_billing_info', 'account_disputed']),
    ...pullRequest,
  }),
  z.object({
    kind: z.literal('card_declined'),
    amountCents: cents,
    declineCode: z.nullable(z.string()),
    ...pullRequest,
  }),
  z.object({
    kind: z.literal('payment_failed'),
    invoiceId: z.string(),
    amountCents: cents,
    attempt: z.int(),
    nextAttemptAt: z.nullable(z.string()),
  }),
  z.object({
    kind: z.literal('subscription_ended'),
    subscriptionId: z.string(),
    unpaid: z.boolean(),
    credits: z.int(),
  }),
  z.object({ kind: z.literal('dispute'), disputeId: z.string(), amountCents: cents }),
  z.object({
    kind: z.literal('key_issued'),
    keyId: z.string(),
    by: z.enum(['sign_up', 'customer', 'operator']),
  }),
]);

const NoticeItem = z.object({
  customer_id: z.string(),
  notice_id: z.string(),
  created_at: z.string(),
  content: Content,
  state: z.enum(NOTICE_STATES),
  attempts: z.int().check(z.nonnegative()),
  claimed_at: z.optional(z.string()),
  sent_at: z.optional(z.string()),
  message_id: z.optional(z.string()),
  failure: z.optional(z.string()),
});

/** A notice and how far it has come. */
export interface StoredNotice extends Notice {
  readonly state: NoticeState;
  /** How often it was tried to send it. */
  readonly attempts: number;
  readonly claimedAt: string | null;
  readonly sentAt: string | null;
  /** The mail service's own id of the message. */
  readonly messageId: string | null;
  /** Why the last attempt failed, for people. */
  readonly failure: string | null;
}

/** A notice that cannot be read, by what it is called. */
export interface UnreadableNotice {
  readonly customerId: string;
  /** `kind#id`. */
  readonly label: string;
  /** Which of its attributes are at fault. */
  readonly attributes: readonly string[];
}

export type FoundNotice = { readonly notice: StoredNotice } | { readonly unreadable: UnreadableNotice };

/** For who reads many: one that cannot be read keeps nobody from the others. */
export function findNotice(item: Item): FoundNotice {
  const notice = readable(decodeNotice, item);
  if (!(notice instanceof UnreadableItem)) return { notice };
  const { key, attributes } = notice;
  return { unreadable: { customerId: customerIdOf(key.pk), label: noticeLabelOf(key.sk), attributes } };
}

/** @throws UnreadableItem */
export function decodeNotice(item: Item): StoredNotice {
  const notice = decode(NoticeItem, item);
  return {
    customerId: notice.customer_id,
    id: notice.notice_id,
    createdAt: notice.created_at,
    content: notice.content satisfies NoticeContent,
    state: notice.state,
    attempts: notice.attempts,
    claimedAt: notice.claimed_at ?? null,
    sentAt: notice.sent_at ?? null,
    messageId: notice.message_id ?? null,
    failure: notice.failure ?? null,
  };
}

/** As it is when it has just been caused. */
export const encodeNewNotice = ({ customerId, id, createdAt, content }: Notice): Item => ({
  ...keys.notice(customerId, content.kind, id),
  customer_id: customerId,
  notice_id: id,
  created_at: createdAt,
  content,
  state: 'pending' satisfies NoticeState,
  attempts: 0,
});
