import {
  type Admission,
  admit,
  type CardTries,
  cardKeyOf,
  declined,
  letterDayOf,
  released,
  reserve,
  succeeded,
  withCard,
} from '../../domain/payments/card-tries.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { keepCardTries, readCardTries, type StoredTries } from '../../store/payments/card-tries.ts';
import { type Write, type WriteResult, writeTogether } from '../../store/table.ts';
import type { DefaultCard } from '../../stripe/port.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { cardDeclined } from './payment-problems.ts';

/* The budget of a card's tries, updated in the transactions that announce a payment and write its outcome. */

/**
 * One try of a card. `cardKey` is null for a payment that an earlier release announced; such a try is not
 * counted.
 */
export interface CardTry {
  readonly cardKey: string | null;
  readonly id: string;
  /** A person waits for the response, so no letter is needed. */
  readonly isAnswered?: true;
}

export type TryOutcome =
  /** `asked`: the bank requires the cardholder's confirmation, which is no decline. `released`: no result. */
  | { readonly kind: 'succeeded' | 'asked' | 'released' }
  | { readonly kind: 'declined'; readonly code: string };

export const admission = (stored: StoredTries, cardKey: string, at: Date, byPerson: boolean): Admission =>
  admit(stored.cards[cardKey], at, byPerson);

/** Reserves a try, in the transaction that announces it. */
export const reserveTry = (
  customerId: string,
  stored: StoredTries,
  { cardKey, id }: { readonly cardKey: string; readonly id: string },
  at: Date,
): Write =>
  keepCardTries(
    customerId,
    stored,
    withCard(stored.cards, cardKey, reserve(stored.cards[cardKey], id, at), at),
  );

/** How a try ends. */
export interface EndedTry {
  /** The try's outcome, for the transaction that writes the payment's outcome. */
  readonly writes: readonly Write[];
  /** Whether the customer gets a letter about the outcome. */
  readonly getsLetter: boolean;
}

/** One letter per card and day. Without a card key nothing is counted, and each outcome gets a letter. */
export function endTry(
  customerId: string,
  stored: StoredTries | undefined,
  { cardKey, id, isAnswered }: CardTry,
  outcome: TryOutcome,
  at: Date,
): EndedTry {
  if (cardKey === null || stored === undefined) return { writes: [], getsLetter: true };
  const before = stored.cards[cardKey];
  const today = letterDayOf(at);
  const isWorthALetter = outcome.kind === 'declined' || outcome.kind === 'asked';
  const getsLetter = isWorthALetter && !isAnswered && before?.letterDay !== today;
  const after = { ...afterTry(before, id, outcome, at), ...(getsLetter && { letterDay: today }) };
  const write = keepCardTries(customerId, stored, withCard(stored.cards, cardKey, after, at));
  return { writes: [write], getsLetter };
}

function afterTry(before: CardTries | undefined, id: string, outcome: TryOutcome, at: Date): CardTries {
  switch (outcome.kind) {
    case 'succeeded':
      return succeeded(before, id, at);
    case 'declined':
      return declined(before, id, outcome.code, at);
    case 'asked':
    case 'released':
      return released(before, id, at);
    default:
      return outcome satisfies never;
  }
}

/** How often the card record is read again after another call changed it. */
const MAX_LOOKS = 20;

/**
 * Writes the outcome of an attempt, paid or unpaid, without a change of the ledger: `own`, which must have
 * its own condition, together with the try's outcome.
 * @returns `refused` if `own` was refused: another call has changed the attempt
 * @throws BillingError ledger_busy, ledger_unavailable
 */
export async function endAttempt(
  deps: Deps,
  customerId: string,
  card: CardTry,
  outcome: TryOutcome,
  own: (getsLetter: boolean) => readonly Write[],
): Promise<WriteResult> {
  let result: WriteResult = { kind: 'contended' };
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const stored = card.cardKey === null ? undefined : await readCardTries(deps.table, customerId);
    const { writes, getsLetter } = endTry(customerId, stored, card, outcome, deps.now());
    const owned = own(getsLetter);
    result = await retryContended(deps, () => writeTogether(deps.table, [...owned, ...writes]));
    const isMoved = result.kind === 'refused' && result.failed.slice(0, owned.length).includes(true);
    if (result.kind === 'written' || isMoved) return result;
  }
  return result;
}

/** A person added this card again, so its next try skips the wait. */
export async function skipWait(deps: Deps, customerId: string, card: DefaultCard): Promise<void> {
  const stored = await readCardTries(deps.table, customerId);
  const cardKey = cardKeyOf(card);
  const before = stored.cards[cardKey];
  if (before === undefined || before.declines.length === 0 || before.isWaitSkipped) return;
  const cards = withCard(stored.cards, cardKey, { ...before, isWaitSkipped: true }, deps.now());
  await retryContended(deps, () => writeTogether(deps.table, [keepCardTries(customerId, stored, cards)]));
}

/** The error for a card with as many tries in flight as it may have. */
export const cardBusy = (): BillingError =>
  new BillingError('ledger_busy', 'Too many concurrent payments for this card. Send the same request again.');

/**
 * The error for a card that is not tried now. It says when the card is tried again, or that only another card
 * helps.
 */
export function notTried(
  { code, retryAt }: Pick<Extract<Admission, { kind: 'refused' }>, 'code' | 'retryAt'>,
  at: Date,
  balance: number,
): BillingError {
  const whatNext =
    retryAt === null
      ? 'Its bank will not accept it again. Add another card, then send the request again.'
      : `It is not tried again before ${retryAt.toISOString()}. Add another card, or send the request ` +
        'again then.';
  return cardDeclined({ code, declineCode: null }, whatNext, {
    credit_balance: balance,
    ...(retryAt !== null && {
      retryAfterSeconds: Math.max(1, Math.ceil((retryAt.getTime() - at.getTime()) / 1000)),
    }),
  });
}
