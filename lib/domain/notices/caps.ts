import type { NoticeKind } from '../notice-kinds.ts';

/** The most letters that a customer's address gets on one day (UTC). */
const MOST_UNCONFIRMED = 3;
const MOST_CONFIRMED = 20;
/** Urgent letters on one day, before they use what the others leave. */
const MOST_URGENT = 5;

/**
 * How a kind counts. `urgent`: its own cap comes first, so that other letters never delay it. `common`: every
 * other kind. `free`: a person waits for the letter, and its cause has a limit of its own. `digest`: counts
 * as a letter, and is never held.
 */
type Cap = 'urgent' | 'common' | 'free' | 'digest';

/** Urgent: keys, limit, disputes, failed payments and the end of the account. */
const CAPS: Readonly<Record<NoticeKind, Cap>> = {
  low_balance: 'common',
  exhausted: 'common',
  fix_blocked: 'common',
  card_declined: 'urgent',
  receipt: 'common',
  payment_failed: 'urgent',
  renewal_approval: 'urgent',
  grace_ending: 'urgent',
  pro_started: 'common',
  pro_renewed: 'common',
  pro_cancelled: 'common',
  pro_resumed: 'common',
  subscription_ended: 'common',
  card_added: 'common',
  card_replaced: 'common',
  card_removed: 'common',
  card_expiring: 'common',
  dispute: 'urgent',
  dispute_closed: 'urgent',
  refund_made: 'common',
  credits_removed: 'common',
  limit_near: 'urgent',
  limit_reached: 'urgent',
  limit_changed: 'urgent',
  key_issued: 'urgent',
  key_revoked: 'urgent',
  sign_in: 'free',
  // Not held, because the digest may go to another address. Few can be requested in a day.
  confirm_address: 'free',
  address_changed: 'free',
  closing_asked: 'urgent',
  digest: 'digest',
  // Not held, because its address is deleted within minutes. Sent once.
  account_closed: 'free',
};

export const isUrgent = (kind: NoticeKind): boolean => CAPS[kind] === 'urgent';

/** The letters that a customer got on a day. */
export interface LettersOfDay {
  /** All but those of `urgentLetters`. */
  readonly letters: number;
  /** Urgent letters, up to their own cap. */
  readonly urgentLetters: number;
}

/** How a letter is counted. `full`: the customer gets no more letters of this kind on this day. */
export type LetterCount =
  | { readonly kind: 'free' }
  | { readonly kind: 'full' }
  /** `most` is null for a letter that is sent in any case. */
  | { readonly kind: 'counted'; readonly field: keyof LettersOfDay; readonly most: number | null };

/** How the next letter of a kind is counted. An urgent letter may also use what the others have left. */
export function countOf(
  kind: NoticeKind,
  { letters, urgentLetters }: LettersOfDay,
  isConfirmed: boolean,
): LetterCount {
  const most = isConfirmed ? MOST_CONFIRMED : MOST_UNCONFIRMED;
  const common: LetterCount = letters < most ? { kind: 'counted', field: 'letters', most } : { kind: 'full' };
  const cap = CAPS[kind];
  switch (cap) {
    case 'free':
      return { kind: 'free' };
    case 'digest':
      return { kind: 'counted', field: 'letters', most: null };
    case 'urgent':
      return urgentLetters < MOST_URGENT
        ? { kind: 'counted', field: 'urgentLetters', most: MOST_URGENT }
        : common;
    case 'common':
      return common;
    default:
      return cap satisfies never;
  }
}

/** The UTC day of a time, such as 2026-12-01. */
export const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

/** The beginning of the next day (UTC). */
export const nextDay = (at: Date): Date => new Date(Date.parse(dayOf(at)) + 24 * 60 * 60 * 1000);
