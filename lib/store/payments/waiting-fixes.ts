import type { FixAttempt } from '../../domain/fix-attempt.ts';
import { isWaiting } from '../../domain/payments/waiting-fixes.ts';
import { decodeFix } from '../fix-attempts.ts';
import { keys, prefixes } from '../keys.ts';
import { pages } from '../paging.ts';
import type { Table } from '../table.ts';

/** Of 1 MB each: several thousand fixes. */
const MAX_PAGES = 4;

export interface WaitingFixes {
  readonly fixes: readonly FixAttempt[];
  /** The customer has more fixes than were searched. */
  readonly isPartial: boolean;
}

/**
 * The fixes whose billing was asked for and did not succeed. Reads a bounded part of the customer's fixes:
 * a fix that is billed leaves the filter, so a later search finds others.
 */
export async function readWaitingFixes(
  table: Table,
  customerId: string,
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
  let read = 0;
  for await (const page of pages(table, query)) {
    if (read === maxPages) return { fixes, isPartial: true };
    read += 1;
    fixes.push(...page.map(decodeFix).filter(isWaiting));
  }
  return { fixes, isPartial: false };
}
