import * as z from 'zod/mini';
import { CALLER_DAYS, callerHash } from '../../domain/access/tokens.ts';
import { type Key, keys } from '../keys.ts';
import { record, text } from '../record.ts';
import type { Item, Write } from '../table.ts';
import { put } from '../write.ts';
import { expiry } from './tokens.ts';

/* The IPs that a customer has signed in from, as hashes. */

const Caller = z.object({ knownUntil: text });
const callers = record<z.output<typeof Caller>>(Caller);

const DAY_MS = 24 * 60 * 60 * 1_000;

export const callerKey = (customerId: string, sourceIp: string): Key =>
  keys.caller(customerId, callerHash(customerId, sourceIp));

/** Remembers a caller for 30 days from now. A repeat begins the days again. */
export function rememberCaller(customerId: string, sourceIp: string, at: Date): Write {
  const until = new Date(at.getTime() + CALLER_DAYS * DAY_MS);
  const known = { knownUntil: until.toISOString() };
  return put({ ...callerKey(customerId, sourceIp), ...callers.encode(known), ...expiry(until) });
}

/** Whether the item of `callerKey` says that the caller has signed in of late. @throws UnreadableItem */
export const isKnownCaller = (item: Item | undefined, now: Date): boolean =>
  item !== undefined && callers.decode(item).knownUntil > now.toISOString();
