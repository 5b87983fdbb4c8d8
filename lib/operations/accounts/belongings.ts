import { decodeBonusCard } from '../../store/guards.ts';
import { itemKind, type Key, keys } from '../../store/keys.ts';
import { decodeOwner } from '../../store/owners.ts';
import { itemsOf } from '../../store/paging.ts';
import { type Item, readFound, type Table, type WriteResult, writeTogether } from '../../store/table.ts';
import { remove } from '../../store/write.ts';

/* Deletes every trace of a customer from the table. Only customers of the smoke test are deleted. */

/** The scopes of the rate limits that are counted per customer. Scope and window are the item's key. */
const RATE_SCOPES = ['card', 'subscription', 'keys', 'billing-link', 'address', 'letter', 'page'] as const;
const RATE_WINDOWS_SECONDS = [60 * 60, 24 * 60 * 60] as const;
/** The most items that one call accepts. */
const AT_ONCE = 100;

/** The stored items of a customer. */
export interface Belongings {
  /** Outside the customer's partition. */
  readonly outside: readonly Key[];
  /** In the customer's partition, without the head. */
  readonly own: readonly Key[];
  /** Empty once the head is deleted. */
  readonly head: readonly Key[];
}

/**
 * Everything stored about a customer, except the e-mail address. Items outside the partition are found by the
 * card bonus in it and by the customer's Stripe ids. Items that now belong to another customer are left out.
 * @param stripeIds Stripe customers and payment methods
 */
export async function readBelongings(
  table: Table,
  customerId: string,
  { stripeIds, eventIds }: { readonly stripeIds: readonly string[]; readonly eventIds: readonly string[] },
): Promise<Belongings> {
  const own: Key[] = [];
  const head: Key[] = [];
  const cards: Key[] = [];
  for await (const item of itemsOf(table, customerId, null)) {
    if ('card_fingerprint' in item) cards.push(keys.card(decodeBonusCard(item)));
    (itemKind(item['sk']) === 'head' ? head : own).push(keyOf(item));
  }
  const bound = await readAll(table, [...stripeIds.map(keys.stripe), ...cards]);
  const named = await readAll(table, [
    ...RATE_SCOPES.flatMap((scope) =>
      RATE_WINDOWS_SECONDS.map((seconds) => keys.rate(`${scope}#${customerId}`, seconds)),
    ),
    ...eventIds.map(keys.event),
  ]);
  const theirs = bound.filter((item) => decodeOwner(item) === customerId);
  return { outside: [...theirs, ...named].map(keyOf), own, head };
}

/** Deletes at most 100 items, all or none. Idempotent. */
export function removeTogether(table: Table, items: readonly Key[]): Promise<WriteResult> {
  return writeTogether(
    table,
    items.map((key) => remove(key)),
  );
}

/** Keys in parts that fit one call of `removeTogether`. */
export const inBatches = (items: readonly Key[]): Key[][] =>
  Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, i) =>
    items.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
  );

async function readAll(table: Table, wanted: readonly Key[]): Promise<Item[]> {
  const found: Item[] = [];
  for (const part of inBatches(wanted)) {
    const items = await readFound(table, part, (key) => key);
    found.push(...items.map(([, item]) => item));
  }
  return found;
}

const keyOf = ({ pk, sk }: Item): Key => ({ pk: String(pk), sk: String(sk) });
