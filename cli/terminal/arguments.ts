import { userInfo } from 'node:os';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import { KEY_SCOPES } from '../../lib/domain/api-key.ts';
import { mailForm } from '../../lib/domain/email.ts';
import { decodeCursor } from '../../lib/http/cursor.ts';
import { Credits, CustomerId, EventId, IdempotencyKey, NoticeLabel } from '../../lib/operators/contract.ts';
import { RunName } from '../../lib/operators/reconcile-contract.ts';
import type { ListPosition } from '../../lib/store/audit/survey.ts';
import { decodeListCursor } from '../reports/list-cursor.ts';

/* Parsers of command-line values. They check the format before anything is called. */

const parser =
  <T>(schema: z.ZodMiniType<T>, expected: string) =>
  (text: string): T => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`It must be ${expected}.`);
  };

const A_CUSTOMER_ID = 'a customer id, 32 hexadecimal digits; find one with: customer show <e-mail>';

export const customerId = parser(CustomerId, A_CUSTOMER_ID);

/** For an argument that can be repeated. Duplicates are dropped. */
const listOf =
  (parse: (text: string) => string) =>
  (text: string, before: readonly string[] = []): string[] => [...new Set([...before, parse(text)])];

export const customerIds = listOf(customerId);

/** Also addresses that sign-up would refuse today. A domain is looked up in its stored form. */
const Email = z.pipe(z.string().check(z.regex(/^[^\s@]+@[^\s@]+$/)), z.transform(mailForm));

/** A customer's id, or the e-mail address of the account: `customerIdFor` resolves both to the id. */
export const customerIdOrEmail = parser(
  z.union([CustomerId, Email]),
  'a customer id, 32 hexadecimal digits, or an e-mail address',
);

export const isEmail = (name: string): boolean => name.includes('@');

export const eventId = parser(EventId, 'the id of an event at Stripe, evt_…');

export const eventIds = listOf(eventId);

export const keyScope = parser(z.enum(KEY_SCOPES), KEY_SCOPES.join(' or '));

/** A key id, or a prefix of it that is unique among the customer's keys. */
const KeyName = z.string().check(z.regex(/^[0-9a-f]{8,64}$/));
export const keyName = parser(KeyName, 'a key id, or at least the first 8 of its 64 hexadecimal digits');

export const noticeName = parser(
  NoticeLabel,
  'the kind and the id of a notice, kind#id, as the list shows it',
);

export const runName = parser(RunName, '1 to 64 letters, digits and _.-, beginning with a letter or digit');

export const idempotencyKey = parser(
  IdempotencyKey,
  '1 to 128 letters, digits and _.:-; use the key that was printed',
);

export const amount = parser(
  z.pipe(z.pipe(z.string().check(z.regex(/^[+-]?\d+$/)), z.transform(Number)), Credits),
  'a whole number of credits, not zero, at most 1,000,000 either way',
);

const wholeNumber = (min: number, max: number) =>
  z.pipe(
    z.pipe(z.string().check(z.regex(/^\d+$/)), z.transform(Number)),
    z.int().check(z.minimum(min), z.maximum(max)),
  );

export const MAX_LIMIT = 1_000;
export const limit = parser(wholeNumber(1, MAX_LIMIT), `a whole number from 1 to ${MAX_LIMIT}`);

const A_DAY_SECONDS = 24 * 60 * 60;
export const seconds = parser(wholeNumber(0, A_DAY_SECONDS), 'a whole number of seconds, at most a day');

export const text = (max: number) =>
  parser(z.string().check(z.trim(), z.minLength(1), z.maxLength(max)), `1 to ${max} characters`);
export const reason = text(500);
export const actor = text(100);
export const keyLabel = text(100);

export const outputFile = parser(z.string().check(z.minLength(1)), 'the name of a file, or - for stdout');

/** The user name of the operator. The user id if the system has no name for it, as in some containers. */
export function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

const invalidCursor = () => new InvalidArgumentError('It must be a cursor from an earlier page.');

export function entryCursor(text: string): number {
  try {
    return decodeCursor(text);
  } catch {
    throw invalidCursor();
  }
}

export function listCursor(text: string): ListPosition {
  const position = decodeListCursor(text);
  if (position === null) throw invalidCursor();
  return position;
}
