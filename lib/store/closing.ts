import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { dueAt } from './due-work.ts';
import { decode } from './items.ts';
import { keys } from './keys.ts';
import type { AlongsideWrite } from './ledger.ts';
import { type Item, type Table, writeOne } from './table.ts';

/* What is forgotten when an account is closed. */

const ClosingItem = z.object({ revision: z.int() });

/**
 * Notes that something is to be taken away from a closed account, so that the sweeper sees to it.
 * @param revision the head's, with this change: no two of a customer are the same
 */
export function openClosing(customerId: string, revision: number, at: Date): AlongsideWrite {
  return (table) => ({
    Put: {
      TableName: table.name,
      Item: { ...keys.closing(customerId), revision, ...dueAt('charge', at) },
    },
  });
}

/** Which closing was open when it was read; null where none was. */
export const openClosingOf = (item: Item | undefined): number | null =>
  item?.['due'] === undefined ? null : decode(ClosingItem, item).revision;

/** Everything is taken away that was to be, unless more came meanwhile. A repeat is safe. */
export async function endClosing(table: Table, customerId: string, revision: number): Promise<void> {
  await writeOne(table, {
    update: {
      Key: { ...keys.closing(customerId) },
      UpdateExpression: 'REMOVE due, due_at',
      ConditionExpression: CONDITIONS.CLOSING_UNMOVED,
      ExpressionAttributeValues: { ':revision': revision },
    },
  });
}

/** Gives an address free that a customer had claimed. */
export function forgetEmail(email: string, customerId: string): AlongsideWrite {
  return (table) => ({
    Delete: {
      TableName: table.name,
      Key: keys.email(email),
      ConditionExpression: CONDITIONS.EMAIL_IS_THEIRS,
      ExpressionAttributeValues: { ':customer': customerId },
    },
  });
}

/**
 * Takes titles, links and the caller's own data out of a fix attempt. What it was billed for stays: organisation, repository
 * and number are part of the ledger's hashes. A repeat is safe.
 */
export async function anonymiseFix(table: Table, customerId: string, fixId: string): Promise<void> {
  await writeOne(table, {
    update: {
      Key: { ...keys.fix(customerId, fixId) },
      UpdateExpression:
        'SET pr_title = :gone, pr_url = :gone, issue_number = :none, issue_title = :none, issue_url = :none, ' +
        'vulnerability_id = :none, metadata_json = :none',
      ConditionExpression: CONDITIONS.FIX_IS_THERE,
      ExpressionAttributeValues: { ':gone': '', ':none': null },
    },
  });
}
