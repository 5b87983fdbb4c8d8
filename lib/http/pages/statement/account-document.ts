import type { CustomerHead } from '../../../domain/customer.ts';
import { monthOf } from '../../../domain/payments/spending.ts';
import type { Download } from '../../../operations/statement/read-download.ts';
import { decodeSpending } from '../../../store/payments/spending.ts';
import type { Item } from '../../../store/table.ts';
import type { Reply } from '../../reply.ts';
import { accountFacts } from '../../views/account-download.ts';

const FORMAT = 'rsolv-account-1';

/**
 * Everything about an account as JSON, in parts. `next` is the address of the next part, null in the last.
 * @param spent the item of this month's spending
 */
export function accountDocument(
  head: CustomerHead,
  spent: Item | undefined,
  { lists, next }: Download<object>,
  at: Date,
): Reply {
  const body = {
    format: FORMAT,
    made_at: at.toISOString(),
    ...accountFacts(head, decodeSpending(spent, monthOf(at)), at),
    ...lists,
    next: next === null ? null : addressOf(next),
  };
  const name = `rsolv-account-${at.toISOString().slice(0, 10)}.json`;
  return { status: 200, headers: { 'content-disposition': `attachment; filename="${name}"` }, body };
}

function addressOf({ part, after }: NonNullable<Download<object>['next']>): string {
  const query = new URLSearchParams({ list: part, ...(after !== null && { after }) });
  return `/billing/account.json?${query.toString()}`;
}
