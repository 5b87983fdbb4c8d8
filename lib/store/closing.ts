import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { dueAt } from './due-work.ts';
import { decode } from './items.ts';
import { keys } from './keys.ts';
import type { AlongsideWrite } from './ledger.ts';
import { type Item, type Table, writeOne } from './table.ts';

/* What is forgotten when an account is closed. */

const ClosingItem = z.object({ email: z.string(), closed_at: z.string() });

/** An account that is closed, and not everything is taken away yet. */
export interface OpenClosing {
  readonly email: string;
  /** ISO 8601; when it came due says little, for each try of the sweeper that fails puts that off. */
  readonly closedAt: string;
}

/**
 * Notes that an account is closed and not everything is taken away yet: the sweeper comes back to it when no request of before can
 * be under way any more. Until then the address is kept, for it is what Stripe's customers are found by.
 */
export function openClosing(customerId: string, email: string, at: Date): AlongsideWrite {
  return (table) => ({
    Put: {
      TableName: table.name,
      Item: {
        ...keys.closing(customerId),
        email,
        closed_at: at.toISOString(),
        ...dueAt('charge', at),
      },
    },
  });
}

/** Null where nothing is left to do. */
export function openClosingOf(item: Item | undefined): OpenClosing | null {
  if (item?.['due'] === undefined) return null;
  const { email, closed_at: closedAt } = decode(ClosingItem, item);
  return { email, closedAt };
}

/** Everything is taken away; so is the address. A repeat is safe. */
export async function endClosing(table: Table, customerId: string): Promise<void> {
  await writeOne(table, {
    update: {
      Key: { ...keys.closing(customerId) },
      UpdateExpression: 'REMOVE due, due_at, email',
      ConditionExpression: CONDITIONS.WORK_IS_DUE,
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
