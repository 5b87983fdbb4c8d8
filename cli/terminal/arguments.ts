import { userInfo } from 'node:os';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import { decodeCursor } from '../../lib/http/cursor.ts';
import { Credits, CustomerId, EventId, IdempotencyKey, NoticeLabel } from '../../lib/operators/contract.ts';
import { RunName } from '../../lib/operators/reconcile-contract.ts';
import type { ListPosition } from '../../lib/store/audit/survey.ts';
import { decodeListCursor } from '../reports/list-cursor.ts';

/* What is given on the command line, checked for its shape before anything is called. */

const checked =
  <T>(schema: z.ZodMiniType<T>, expected: string) =>
  (text: string): T => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`It must be ${expected}.`);
  };

const A_CUSTOMER_ID = 'a customer id, 32 hexadecimal digits; find one with: customer show <e-mail>';

export const customerId = checked(CustomerId, A_CUSTOMER_ID);

/** For an argument that is given several times; what is named twice is taken once. */
const gathered =
  (parse: (text: string) => string) =>
  (text: string, before: readonly string[] = []): string[] => [...new Set([...before, parse(text)])];

export const customerIds = gathered(customerId);

/** How a customer is named: by id, or by the address they signed up with. */
export const customerName = checked(
  z.union([CustomerId, z.email()]),
  'a customer id, 32 hexadecimal digits, or an e-mail address',
);

export const isEmail = (name: string): boolean => name.includes('@');

export const eventId = checked(EventId, 'the id of an event at Stripe, evt_…');

export const eventIds = gathered(eventId);

/** A key's id is long; its beginning will do where it is the only one. */
const KeyName = z.string().check(z.regex(/^[0-9a-f]{8,64}$/));
export const keyName = checked(KeyName, 'a key id, or at least the first 8 of its 64 hexadecimal digits');

export const noticeName = checked(
  NoticeLabel,
  'the kind and the id of a notice, kind#id, as the list shows it',
);

export const runName = checked(RunName, '1 to 64 letters, digits and _.-, beginning with a letter or digit');

export const idempotencyKey = checked(
  IdempotencyKey,
  '1 to 128 letters, digits and _.:-; use the one that was printed',
);

export const amount = checked(
  z.pipe(z.pipe(z.string().check(z.regex(/^[+-]?\d+$/)), z.transform(Number)), Credits),
  'a whole number of credits, not zero, at most 1,000,000 either way',
);

const wholeNumber = (min: number, max: number) =>
  z.pipe(
    z.pipe(z.string().check(z.regex(/^\d+$/)), z.transform(Number)),
    z.int().check(z.minimum(min), z.maximum(max)),
  );

export const MAX_LIMIT = 1_000;
export const limit = checked(wholeNumber(1, MAX_LIMIT), `a whole number from 1 to ${MAX_LIMIT}`);

const A_DAY_SECONDS = 24 * 60 * 60;
export const seconds = checked(wholeNumber(0, A_DAY_SECONDS), 'a whole number of seconds, at most a day');

export const text = (max: number) =>
  checked(z.string().check(z.trim(), z.minLength(1), z.maxLength(max)), `1 to ${max} characters`);
export const reason = text(500);
export const actor = text(100);

export const outputFile = checked(z.string().check(z.minLength(1)), 'the name of a file, or - for stdout');

/** Who is at the keyboard, as the operating system knows them; by number where it has no name for them, as in a container. */
export function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

const noCursor = () => new InvalidArgumentError('It must be a cursor that a page before it ended with.');

export function entryCursor(text: string): number {
  try {
    return decodeCursor(text);
  } catch {
    throw noCursor();
  }
}

export function listCursor(text: string): ListPosition {
  const position = decodeListCursor(text);
  if (position === null) throw noCursor();
  return position;
}
