import * as z from 'zod/mini';
import { CONDITIONS } from '../conditions.ts';
import { dueAt } from '../due-work.ts';
import { keys } from '../keys.ts';
import { attemptNumber, count, orNull, record, text } from '../record.ts';
import type { Item, Write } from '../table.ts';
import { put } from '../write.ts';

/**
 * The outcome of a session. `superseded`: a newer card was on file already. `closed`: the account is closed.
 * `refused`: Stripe did not accept the card.
 */
const Outcome = z.object({
  kind: z.enum(['on_file', 'superseded', 'closed', 'refused']),
  bonusCredits: count,
  renewal: z.enum(['paid', 'declined', 'needs_approval', 'none']),
});
export type CardSessionOutcome = Readonly<z.output<typeof Outcome>>;

const CardSession = z.object({
  attempt: attemptNumber,
  /**
   * `opening` until Stripe has answered, `open` while the cardholder enters a card, `completing` from when we
   * know that a card was confirmed until it is on file here.
   */
  state: z.enum(['opening', 'open', 'completing', 'finished']),
  sessionId: z.nullable(text),
  stripeCustomerId: text,
  /** The default card when the session began. */
  cardBefore: z.nullable(text),
  startedAt: text,
  /** When the service learned of the card. */
  completedAt: z.nullable(text),
  /** Where the newest click came from, for the consent. */
  sourceIp: text,
  userAgent: z.nullable(text),
  page: text,
  /** The id of the letter's link that opened the session; null for the billing page. */
  linkId: z.nullable(text),
  outcome: orNull(Outcome),
});

/**
 * A Checkout session in which a customer adds a card. One per customer: the next one replaces it, after it
 * is finished or can no longer be completed.
 */
export type CardSession = Readonly<z.output<typeof CardSession>>;

const sessions = record<CardSession>(CardSession);

export const decodeCardSession = (item: Item): CardSession => sessions.decode(item);

/** Replaces `before` with a session. A session whose card is not on file yet is due. */
export function keepCardSession(customerId: string, session: CardSession, before: CardSession | null): Write {
  const { state, completedAt } = session;
  const due = state === 'completing' && completedAt !== null ? dueAt('charge', new Date(completedAt)) : {};
  const item = { ...keys.cardSession(customerId), ...sessions.encode(session), ...due };
  return put(item, CONDITIONS.CARD_SESSION_UNMOVED, {
    attempt: before?.attempt ?? 0,
    state: before?.state ?? 'none',
  });
}
