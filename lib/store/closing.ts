import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { dueAt, NOT_DUE } from './due-work.ts';
import { decode } from './items.ts';
import { keys } from './keys.ts';
import { type Item, type Table, type Write, writeOne } from './table.ts';
import { put, remove, update } from './write.ts';

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
export function openClosing(customerId: string, email: string, at: Date): Write {
  const closing = { email, closed_at: at.toISOString() };
  return put({ ...keys.closing(customerId), ...closing, ...dueAt('charge', at) });
}

/** Null where nothing is left to do. */
export function openClosingOf(item: Item | undefined): OpenClosing | null {
  if (item?.['due'] === undefined) return null;
  const { email, closed_at: closedAt } = decode(ClosingItem, item);
  return { email, closedAt };
}

/** Notes that everything is taken away, and forgets the address. A repeat is safe. */
export async function endClosing(table: Table, customerId: string): Promise<void> {
  const change = { remove: [...NOT_DUE, 'email'] };
  await writeOne(table, update(keys.closing(customerId), change, CONDITIONS.WORK_IS_DUE));
}

/** Releases the address that a customer had claimed. */
export const forgetEmail = (email: string, customerId: string): Write =>
  remove(keys.email(email), CONDITIONS.EMAIL_IS_THEIRS, { customer: customerId });

/**
 * Takes titles, links and the caller's own data out of a fix attempt. The pull request that it was billed for stays:
 * organisation, repository and number are part of the ledger's hashes. A repeat is safe.
 */
export async function anonymiseFix(table: Table, customerId: string, fixId: string): Promise<void> {
  const set = {
    pr_title: '',
    pr_url: '',
    issue_number: null,
    issue_title: null,
    issue_url: null,
    vulnerability_id: null,
    metadata_json: null,
  };
  await writeOne(table, update(keys.fix(customerId, fixId), { set }, CONDITIONS.FIX_IS_THERE));
}
