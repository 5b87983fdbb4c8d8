import type { FixAttempt } from '../../domain/fix-attempt.ts';
import { isWaiting } from '../../domain/payments/waiting-fixes.ts';
import { decodeFix } from '../fix-attempts.ts';
import { keys, prefixes } from '../keys.ts';
import { readPage } from '../paging.ts';
import type { Item, Table } from '../table.ts';

/** Pages of 1 MB: together several thousand fixes. */
const MAX_PAGES = 4;

export interface WaitingFixes {
  /** The oldest first. */
  readonly fixes: readonly FixAttempt[];
  /** The fix after which the next search begins. Null if all fixes were searched. */
  readonly next: string | null;
}

/**
 * The fixes whose billing was asked for and did not succeed. One call searches a few pages of the customer's
 * fixes, in the order of their ids. Billed fixes fill these pages too, because a query filters what it has
 * read.
 * @param after where an earlier search ended, from its `next`; null for the first one
 */
export async function readWaitingFixes(
  table: Table,
  customerId: string,
  after: string | null,
  maxPages = MAX_PAGES,
): Promise<WaitingFixes> {
  const query = {
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    FilterExpression:
      'attribute_not_exists(billed) AND (attribute_exists(charge) OR attribute_exists(blocked_at_raise))',
    ExpressionAttributeValues: { ':pk': keys.customer(customerId), ':prefix': prefixes.fix },
    ConsistentRead: true,
  };
  const fixes: FixAttempt[] = [];
  const oldestFirst = () => fixes.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  let from: Item | undefined = after === null ? undefined : { ...keys.fix(customerId, after) };
  for (let read = 0; read < maxPages; read++) {
    const { items, next } = await readPage(table, query, from);
    fixes.push(...items.map(decodeFix).filter(isWaiting));
    if (next === undefined) return { fixes: oldestFirst(), next: null };
    from = next;
  }
  return { fixes: oldestFirst(), next: String(from?.['sk']).slice(prefixes.fix.length) };
}
