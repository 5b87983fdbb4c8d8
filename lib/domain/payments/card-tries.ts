/** The tries of a card since it last paid. Times in ISO 8601. */
export interface CardTries {
  /** Declines since the last success, the oldest first. */
  readonly declines: readonly string[];
  /** Announced tries without an outcome. */
  readonly underWay: readonly { readonly id: string; readonly startedAt: string }[];
  /** Why the newest try was declined; null before the first decline. */
  readonly lastCode: string | null;
  /** The bank declines this card permanently. */
  readonly isHard: boolean;
  /** A person added the card again, so the next try skips the wait. */
  readonly isWaitSkipped: boolean;
  /** The day (UTC) of the newest letter about a decline of this card. */
  readonly letterDay: string | null;
}

/** By card key: the fingerprint, or the payment method's id if there is none. */
export type TriesByCard = Readonly<Record<string, CardTries>>;

export type Admission =
  | { readonly kind: 'allowed' }
  /** `retryAt` is null if only another card can help. */
  | { readonly kind: 'refused'; readonly code: string; readonly retryAt: Date | null }
  /** Nothing was declined, but the maximum number of tries is in flight. */
  | { readonly kind: 'busy' };

export const NO_TRIES: CardTries = {
  declines: [],
  underWay: [],
  lastCode: null,
  isHard: false,
  isWaitSkipped: false,
  letterDay: null,
};

/** The card networks' limit. More tries of a declining card cost fees, and the networks may forbid them. */
const MAX_TRIES = 15;
const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const WINDOW_MS = 30 * DAY_MS;
/** Waits after the first, the second and each further decline. */
const WAITS_MS = [HOUR_MS, 6 * HOUR_MS, DAY_MS] as const;
/** When to retry while another try of the same card is in flight. */
const SOON_MS = 60 * 1000;
/** Stripe decides long before this; only a lost write leaves a try this old. */
const ABANDONED_MS = 2 * DAY_MS;
/** Number of cards stored per customer. */
const MAX_CARDS = 50;

/**
 * What the tries of a card are counted by: the fingerprint, shared by all its payment methods, else the id.
 */
export const cardKeyOf = ({
  fingerprint,
  paymentMethodId,
}: {
  readonly fingerprint: string | null;
  readonly paymentMethodId: string;
}): string => fingerprint ?? paymentMethodId;

/** Decline codes after which the bank never accepts this card again. */
const HARD_DECLINES: ReadonlySet<string> = new Set([
  'lost_card',
  'stolen_card',
  'pickup_card',
  'restricted_card',
  'invalid_account',
  'revocation_of_authorization',
  'revocation_of_all_authorizations',
]);

/**
 * Whether a card may be tried now: at most 15 declines since the last success and tries in flight in 30 days.
 * @param byPerson a person asks right now: skips the wait, not the limit of 15
 */
export function admit(stored: CardTries | undefined, at: Date, byPerson: boolean): Admission {
  const { declines, underWay, lastCode, isHard, isWaitSkipped } = recent(stored, at);
  const refused = (retryAt: Date | null): Admission => ({
    kind: 'refused',
    code: lastCode ?? 'card_declined',
    retryAt,
  });
  if (isHard) return refused(null);
  const isFull = declines.length + underWay.length >= MAX_TRIES;
  const [first] = declines;
  if (first === undefined) return isFull ? { kind: 'busy' } : { kind: 'allowed' };
  // After a decline, only one try at a time.
  if (underWay.length > 0) return refused(later(at, SOON_MS));
  if (isFull) return refused(later(new Date(first), WINDOW_MS));
  const wait = WAITS_MS[Math.min(declines.length, WAITS_MS.length) - 1] ?? DAY_MS;
  const due = later(new Date(declines.at(-1) ?? first), wait);
  return byPerson || isWaitSkipped || due <= at ? { kind: 'allowed' } : refused(due);
}

/** Announces a try. The try counts from now on. */
export const reserve = (stored: CardTries | undefined, id: string, at: Date): CardTries => {
  const tries = released(stored, id, at);
  const underWay = [...tries.underWay, { id, startedAt: at.toISOString() }];
  return { ...tries, underWay, isWaitSkipped: false };
};

/** Ends a try without a decline: never made, cancelled, or the bank asked the cardholder. */
export function released(stored: CardTries | undefined, id: string, at: Date): CardTries {
  const tries = recent(stored, at);
  return { ...tries, underWay: tries.underWay.filter((one) => one.id !== id) };
}

export function declined(stored: CardTries | undefined, id: string, code: string, at: Date): CardTries {
  const tries = released(stored, id, at);
  return {
    ...tries,
    declines: [...tries.declines, at.toISOString()],
    lastCode: code,
    isHard: tries.isHard || HARD_DECLINES.has(code),
  };
}

/** The card paid. Earlier declines no longer count. */
export const succeeded = (stored: CardTries | undefined, id: string, at: Date): CardTries => {
  const { underWay, letterDay } = released(stored, id, at);
  return { ...NO_TRIES, underWay, letterDay };
};

/** The day (UTC) by which letters about a card are counted. */
export const letterDayOf = (at: Date): string => at.toISOString().slice(0, 10);

/** Replaces the record of one card, and drops cards that no longer matter. */
export function withCard(all: TriesByCard, card: string, tries: CardTries, at: Date): TriesByCard {
  const others = Object.entries(all).filter(([key, one]) => key !== card && matters(one, at));
  return Object.fromEntries([...others.slice(-(MAX_CARDS - 1)), [card, tries]]);
}

function matters(tries: CardTries, at: Date): boolean {
  const { declines, underWay, isHard, letterDay } = recent(tries, at);
  return declines.length > 0 || underWay.length > 0 || isHard || letterDay === letterDayOf(at);
}

function recent(stored: CardTries = NO_TRIES, at: Date): CardTries {
  const after = (time: string, ms: number) => Date.parse(time) > at.getTime() - ms;
  return {
    ...stored,
    declines: stored.declines.filter((time) => after(time, WINDOW_MS)),
    underWay: stored.underWay.filter(({ startedAt }) => after(startedAt, ABANDONED_MS)),
  };
}

const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms);
