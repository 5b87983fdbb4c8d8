import * as z from 'zod/mini';
import type { LetterCount, LettersOfDay } from '../../domain/notices/caps.ts';
import { CONDITIONS } from '../conditions.ts';
import { keys } from '../keys.ts';
import { count, record } from '../record.ts';
import type { Item, Write } from '../table.ts';
import { update } from '../write.ts';

/* How many letters a customer got on a day. The transaction that claims a notice counts its letter. */

const Letters = z.object({ letters: z._default(count, 0), urgentLetters: z._default(count, 0) });
const letters = record<LettersOfDay>(Letters);

/** @throws UnreadableItem */
export const decodeLettersOfDay = (item: Item | undefined): LettersOfDay => letters.decode(item ?? {});

const COUNTS = {
  letters: { stored: 'letters', hasRoom: CONDITIONS.LETTERS_HAVE_ROOM },
  urgentLetters: { stored: 'urgent_letters', hasRoom: CONDITIONS.URGENT_LETTERS_HAVE_ROOM },
} as const;

/** Longer than the day, in case clocks differ. */
const KEPT_SECONDS = 3 * 24 * 60 * 60;

/** Adds a letter to a day. Refused if the day has as many letters as the cap allows. */
export function countLetter(
  customerId: string,
  day: string,
  { field, most }: Extract<LetterCount, { kind: 'counted' }>,
): Write {
  const key = keys.lettersOfDay(customerId, day);
  const expires = Math.floor(Date.parse(day) / 1000) + KEPT_SECONDS;
  const { stored, hasRoom } = COUNTS[field];
  const change = { set: { expires_at: expires }, add: { [stored]: 1 } };
  return most === null ? update(key, change) : update(key, change, hasRoom, { most });
}
