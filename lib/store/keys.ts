/** Every key of the table is built and parsed here, and nowhere else. */

import { NOTICE_KINDS, type NoticeKind } from '../domain/notice-kinds.ts';
import type { SoldPlan } from '../domain/plans.ts';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

const SEQ_DIGITS = 12;
const HEAD = 'LEDGER#HEAD';
const ENTRY_PREFIX = 'LEDGER#';

const ONCE_PREFIX = 'ONCE#';
const DOUBLE_PAYMENT_PREFIX = `${ONCE_PREFIX}double_payment#`;
const FIX_PREFIX = 'FIX#';
const NOTICE_PREFIX = 'NOTICE#';
const API_KEY_PREFIX = 'KEY#';
const CUSTOMER_PREFIX = 'CUSTOMER#';
const ORDER = 'ORDER#PRO';
const RENEWAL = 'RENEWAL#PRO';
const CLOSING = 'CLOSING';
const CARD_TRIES = 'CARD_TRIES';
const CARD_SESSION = 'CARD_SESSION';
const CONSENT_PREFIX = 'CONSENT#';
const LINK_PREFIX = 'LINK#';
const SESSION_PREFIX = 'SESSION#';
const LETTER_LINK_PREFIX = 'LETTER_LINK#';
const RECORDED_PREFIX = 'RECORDED#';
const SPENDING_PREFIX = 'SPENDING#';
const LETTERS_PREFIX = 'LETTERS#';
const UNSUBSCRIBE_PREFIX = 'UNSUBSCRIBE#';
const CALLER_PREFIX = 'CALLER#';

/**
 * Effects that happen once: an operator's adjustment, an invoice's grant, a customer's card bonus, the return
 * of a double payment.
 */
export type OnceKind = 'adjustment' | 'invoice' | 'card_bonus' | 'double_payment';

const customer = (customerId: string): string => CUSTOMER_PREFIX + customerId;
/** A key in the customer's own partition. */
const within = (customerId: string, sk: string): Key => ({ pk: customer(customerId), sk });
const entrySk = (seq: number): string => ENTRY_PREFIX + String(seq).padStart(SEQ_DIGITS, '0');

export const keys = {
  customer,
  head: (customerId: string): Key => within(customerId, HEAD),
  entry: (customerId: string, seq: number): Key => within(customerId, entrySk(seq)),
  fix: (customerId: string, fixId: string): Key => within(customerId, FIX_PREFIX + fixId),
  apiKey: (customerId: string, keyId: string): Key => within(customerId, API_KEY_PREFIX + keyId),
  once: (customerId: string, kind: OnceKind, id: string): Key =>
    within(customerId, `${ONCE_PREFIX}${kind}#${id}`),
  /** The same key by the guard's name, kind#id. */
  guard: (customerId: string, name: string): Key => within(customerId, ONCE_PREFIX + name),
  notice: (customerId: string, kind: NoticeKind, id: string): Key =>
    within(customerId, `${NOTICE_PREFIX}${kind}#${id}`),
  /** A consent to be charged, by its time and its card. */
  consent: (customerId: string, givenAt: string, paymentMethodId: string): Key =>
    within(customerId, `${CONSENT_PREFIX}${givenAt}#${paymentMethodId}`),
  /** One of the parts that count the attempts recorded on a day. */
  recorded: (customerId: string, day: string, part: number): Key =>
    within(customerId, `${RECORDED_PREFIX}${day}#${part}`),
  /** The fix charges of a month (UTC), such as 2026-12. */
  spending: (customerId: string, month: string): Key => within(customerId, SPENDING_PREFIX + month),
  order: (customerId: string): Key => within(customerId, ORDER),
  /** The newest announced payment of an open renewal. */
  renewal: (customerId: string): Key => within(customerId, RENEWAL),
  /** The recent tries of the customer's cards. */
  cardTries: (customerId: string): Key => within(customerId, CARD_TRIES),
  /** The newest Checkout session in which the customer adds a card. */
  cardSession: (customerId: string): Key => within(customerId, CARD_SESSION),
  /** A link that signs a customer in, and a customer's session, by the hashes of their tokens. */
  link: (customerId: string, linkId: string): Key => within(customerId, LINK_PREFIX + linkId),
  session: (customerId: string, sessionId: string): Key => within(customerId, SESSION_PREFIX + sessionId),
  /** A link that turns one kind of notice off, by the hash of its token. */
  unsubscribe: (customerId: string, linkId: string): Key => within(customerId, UNSUBSCRIBE_PREFIX + linkId),
  /** A caller who has signed in, by the hash of the IP. */
  caller: (customerId: string, callerId: string): Key => within(customerId, CALLER_PREFIX + callerId),
  /** How many letters a customer got on a day (UTC). */
  lettersOfDay: (customerId: string, day: string): Key => within(customerId, LETTERS_PREFIX + day),
  /** A letter's link to one task, by the hash of its token. */
  letterLink: (customerId: string, linkId: string): Key => within(customerId, LETTER_LINK_PREFIX + linkId),
  /** The closing of an account. */
  closing: (customerId: string): Key => within(customerId, CLOSING),
  /** By the id of a Stripe customer or payment method. */
  stripe: (id: string): Key => ({ pk: `STRIPE#${id}`, sk: 'STRIPE' }),
  card: (fingerprint: string): Key => ({ pk: `CARD#${fingerprint}`, sk: 'CARD' }),
  event: (id: string): Key => ({ pk: `EVENT#${id}`, sk: 'EVENT' }),
  email: (email: string): Key => ({ pk: `EMAIL#${email.toLowerCase()}`, sk: 'EMAIL' }),
  /** By the name of a run of the reconciliation. */
  run: (run: string): Key => ({ pk: `RUN#${run}`, sk: 'RUN' }),
  rate: (scope: string, windowSeconds: number): Key => ({ pk: `RATE#${scope}`, sk: `${windowSeconds}s` }),
  /** Calls with one API key in a minute. */
  keyCalls: (keyId: string, minute: string): Key => ({ pk: `RATE#key#${keyId}`, sk: minute }),
  /** Sums of the movements at Stripe on a day. */
  day: (day: string): Key => ({ pk: 'DAYS', sk: day }),
  /** The sold price of a plan. */
  soldPrice: (plan: SoldPlan): Key => ({ pk: `PRICE#${plan}`, sk: 'SOLD' }),
  /** Nothing is stored here; reading it shows that the table answers. */
  health: { pk: 'HEALTH', sk: 'HEALTH' } satisfies Key,
} as const;

/**
 * Sort-key bounds within a customer's partition. `LEDGER#HEAD` sorts after every `LEDGER#0…`, so reading
 * `headAndEntries` downwards yields the head first and then the newest entries.
 */
export const ranges = {
  headAndEntries: { from: entrySk(0), to: HEAD },
  /** The counts of fixes recorded since a day. */
  recordedSince: (day: string) => ({ from: RECORDED_PREFIX + day, to: `${RECORDED_PREFIX}9999` }),
  /** All entries when `seq` is null. */
  entriesBelow: (seq: number | null) => ({
    from: entrySk(0),
    to: seq === null ? `${ENTRY_PREFIX}9` : entrySk(seq - 1),
  }),
  entriesBetween: (first: number, last: number) => ({ from: entrySk(first), to: entrySk(last) }),
} as const;

/** Sort-key prefixes of a customer's items, by kind. */
export const prefixes = {
  fix: FIX_PREFIX,
  notice: NOTICE_PREFIX,
  apiKey: API_KEY_PREFIX,
  consent: CONSENT_PREFIX,
  spending: SPENDING_PREFIX,
  /** Of the head and of every entry. */
  ledger: ENTRY_PREFIX,
  /** Of every entry, without the head. */
  entry: `${ENTRY_PREFIX}0`,
} as const;

/** The id of an API key, from its sort key. */
export const apiKeyIdOf = (sk: string): string => sk.slice(API_KEY_PREFIX.length);

/** The name of a guard, kind#id, from its sort key. */
export const guardNameOf = (sk: string): string => sk.slice(ONCE_PREFIX.length);

/** The day of a count of recorded fixes, from its sort key. */
export const recordedDayOf = (sk: string): string => sk.slice(RECORDED_PREFIX.length).split('#')[0] ?? '';

/** The month of a customer's fix charges, from its sort key. */
export const spendingMonthOf = (sk: string): string => sk.slice(SPENDING_PREFIX.length);

/** Identifies a notice: the customer, the kind and the id. */
export interface NoticeName {
  readonly customerId: string;
  readonly kind: NoticeKind;
  readonly id: string;
}

export type CustomerItemKind =
  | 'head'
  | 'entry'
  | 'fix'
  | 'api_key'
  | 'double_payment'
  | 'guard'
  | 'spending'
  | 'other';

/** The customer of a partition. @throws Error if it is not a customer's partition. */
export function customerIdOf(pk: string): string {
  if (!pk.startsWith(CUSTOMER_PREFIX)) throw new Error(`${pk} is no customer's partition`);
  return pk.slice(CUSTOMER_PREFIX.length);
}

/** An item in the index of due work. */
export interface DueItem {
  /** `unknown`: written by a newer release, or manually. */
  readonly kind:
    | 'fix'
    | 'order'
    | 'renewal'
    | 'card_session'
    | 'double_payment'
    | 'closing'
    | 'event'
    | 'head'
    | 'notice'
    | 'unknown';
  /** Null if the item is not in a customer's partition. */
  readonly customerId: string | null;
  /** Null for kinds that a customer has once. */
  readonly id: string | null;
}

/** Sort keys of due items in a customer's partition, or their prefixes where an id follows. */
const DUE_ITEMS = [
  { kind: 'fix', begins: FIX_PREFIX },
  { kind: 'double_payment', begins: DOUBLE_PAYMENT_PREFIX },
  { kind: 'notice', begins: NOTICE_PREFIX },
  { kind: 'head', is: HEAD },
  { kind: 'order', is: ORDER },
  { kind: 'renewal', is: RENEWAL },
  { kind: 'card_session', is: CARD_SESSION },
  { kind: 'closing', is: CLOSING },
] as const;

export function parseDueKey({ pk, sk }: Key): DueItem {
  if (pk.startsWith('EVENT#')) return { kind: 'event', customerId: null, id: pk.slice('EVENT#'.length) };
  const customerId = pk.slice(CUSTOMER_PREFIX.length);
  for (const item of DUE_ITEMS) {
    if ('is' in item ? sk === item.is : sk.startsWith(item.begins)) {
      return { kind: item.kind, customerId, id: 'is' in item ? null : sk.slice(item.begins.length) };
    }
  }
  return { kind: 'unknown', customerId: null, id: null };
}

/** The notice that a key names; null if it is not a notice. */
export function parseNoticeKey({ pk, sk }: Key): NoticeName | null {
  if (!sk.startsWith(NOTICE_PREFIX) || !pk.startsWith(CUSTOMER_PREFIX)) return null;
  return noticeName(pk.slice(CUSTOMER_PREFIX.length), sk.slice(NOTICE_PREFIX.length));
}

/** Sort-key prefix of the notices of fixes that were blocked since a raise of the balance. */
export const blockedSince = (raise: string): string => `${NOTICE_PREFIX}fix_blocked#${raise}-`;

/** The name of a notice for logs, from its key. Works also for kinds that only a newer release knows. */
export function noticeWords({ pk, sk }: Key) {
  const [kind = '', ...rest] = noticeLabelOf(sk).split('#');
  return { customerId: pk.slice(CUSTOMER_PREFIX.length), kind, id: rest.join('#') };
}

/** The notice that `kind#id` names; null if there is no such kind. */
export function noticeName(customerId: string, label: string): NoticeName | null {
  const [kindText, ...rest] = label.split('#');
  const kind = NOTICE_KINDS.find((one) => one === kindText);
  return kind === undefined ? null : { customerId, kind, id: rest.join('#') };
}

export const noticeLabel = ({ kind, id }: NoticeName): string => `${kind}#${id}`;

/** The same label from a notice's sort key, also for a kind that only a newer release knows. */
export const noticeLabelOf = (sk: string): string => sk.slice(NOTICE_PREFIX.length);

/** The kind of an item in a customer's partition, by its sort key. */
export function itemKind(sk: unknown): CustomerItemKind {
  if (sk === HEAD) return 'head';
  if (typeof sk !== 'string') return 'other';
  if (sk.startsWith(ENTRY_PREFIX)) return 'entry';
  if (sk.startsWith(DOUBLE_PAYMENT_PREFIX)) return 'double_payment';
  if (sk.startsWith(ONCE_PREFIX)) return 'guard';
  if (sk.startsWith(API_KEY_PREFIX)) return 'api_key';
  if (sk.startsWith(SPENDING_PREFIX)) return 'spending';
  return sk.startsWith(FIX_PREFIX) ? 'fix' : 'other';
}

/**
 * The only items that may have `expires_at`, by key prefix, with the reason. Everything else is the ledger:
 * an expired guard would allow a duplicate entry.
 */
export const MAY_EXPIRE: readonly { readonly pk: string; readonly sk?: string; readonly why: string }[] = [
  { pk: 'RATE#', why: 'calls are counted within a window' },
  { pk: 'RUN#', why: 'a reconciliation is finished after days' },
  { pk: 'EVENT#', why: 'Stripe repeats an event for 30 days; a parked event does not expire' },
  { pk: CUSTOMER_PREFIX, sk: NOTICE_PREFIX, why: 'a letter that was sent is kept for support' },
  { pk: CUSTOMER_PREFIX, sk: LINK_PREFIX, why: 'a link to the billing page works for minutes' },
  { pk: CUSTOMER_PREFIX, sk: SESSION_PREFIX, why: 'a session lasts for minutes' },
  { pk: CUSTOMER_PREFIX, sk: LETTER_LINK_PREFIX, why: "a letter's link works for days" },
  { pk: CUSTOMER_PREFIX, sk: RECORDED_PREFIX, why: 'new fixes are counted by the day' },
  { pk: CUSTOMER_PREFIX, sk: LETTERS_PREFIX, why: 'letters are counted by the day' },
  { pk: CUSTOMER_PREFIX, sk: UNSUBSCRIBE_PREFIX, why: 'the link of a letter works for 90 days' },
  { pk: CUSTOMER_PREFIX, sk: CALLER_PREFIX, why: 'a caller is known for 30 days after a sign-in' },
];

/** Whether an item with this key may have `expires_at`. */
export const mayExpire = ({ pk, sk }: Key): boolean =>
  MAY_EXPIRE.some((item) => pk.startsWith(item.pk) && sk.startsWith(item.sk ?? ''));
