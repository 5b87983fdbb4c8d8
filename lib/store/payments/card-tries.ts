import * as z from 'zod/mini';
import type { TriesByCard } from '../../domain/payments/card-tries.ts';
import { CONDITIONS } from '../conditions.ts';
import { keys } from '../keys.ts';
import { count, record, text } from '../record.ts';
import { type Item, readOne, type Table, type Write } from '../table.ts';
import { put } from '../write.ts';

/*
 * The tries of a customer's cards, in one item. Stored under the domain's own names: it is read and written
 * whole.
 */

const Card = z.object({
  declines: z.readonly(z.array(text)),
  underWay: z.readonly(z.array(z.object({ id: text, startedAt: text }))),
  lastCode: z.nullable(text),
  isHard: z.boolean(),
  isWaitSkipped: z.boolean(),
  letterDay: z.nullable(text),
});

const Stored = z.object({ version: count, cards: z.record(text, Card) });

/** The record of all cards, and the version that was read. */
export interface StoredTries {
  readonly version: number;
  readonly cards: TriesByCard;
}

const tries = record<StoredTries>(Stored);

const NONE: StoredTries = { version: 0, cards: {} };

/** The item is undefined if no card of the customer was tried yet. */
export const decodeCardTries = (item: Item | undefined): StoredTries =>
  item === undefined ? NONE : tries.decode(item);

export const readCardTries = async (table: Table, customerId: string): Promise<StoredTries> =>
  (await readOne(table, keys.cardTries(customerId), tries.decode)) ?? NONE;

/** Replaces the record that was read. */
export const keepCardTries = (customerId: string, { version }: StoredTries, cards: TriesByCard): Write =>
  put(
    { ...keys.cardTries(customerId), ...tries.encode({ version: version + 1, cards }) },
    CONDITIONS.TRIES_UNMOVED,
    { version },
  );
