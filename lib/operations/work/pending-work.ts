import type { FixAttempt } from '../../domain/fix-attempt.ts';
import { openClosingOf } from '../../store/closing.ts';
import { storedWork } from '../../store/due-work.ts';
import { decodeFix } from '../../store/fix-attempts.ts';
import { type DoublePayment, decodeDoublePayment } from '../../store/guards.ts';
import type { DueItem } from '../../store/keys.ts';
import { decodeOrder, type ProOrder } from '../../store/orders.ts';
import { readable, UnreadableItem } from '../../store/record.ts';
import type { Item, Table } from '../../store/table.ts';

/** Unfinished work that moves money, or closes an account, as it is stored. */
export type PendingWork = { readonly customerId: string } & (
  | { readonly kind: 'fix'; readonly fix: FixAttempt }
  | { readonly kind: 'order'; readonly order: ProOrder }
  | { readonly kind: 'double_payment'; readonly double: DoublePayment }
  | { readonly kind: 'closing' }
);

/** All work of the sweeper that was due by `until`, the oldest first, page by page. */
export async function* pendingWork(table: Table, until: Date): AsyncGenerator<PendingWork | UnreadableItem> {
  for await (const { item, stored } of storedWork(table, 'charge', until)) {
    const work = readable((one) => stillPending(item, one), stored);
    if (work !== null) yield work;
  }
}

/** Null where the work is done and the index is behind. */
function stillPending(item: DueItem, stored: Item): PendingWork | null {
  switch (item.kind) {
    case 'fix': {
      const fix = decodeFix(stored);
      return fix.charge?.state === 'charging' ? { kind: 'fix', customerId: item.customerId, fix } : null;
    }
    case 'order': {
      const order = decodeOrder(stored);
      return order.state === 'ordering' ? { kind: 'order', customerId: item.customerId, order } : null;
    }
    case 'double_payment': {
      const double = decodeDoublePayment(stored);
      return double.refundId === null
        ? { kind: 'double_payment', customerId: item.customerId, double }
        : null;
    }
    case 'closing':
      return openClosingOf(stored) === null ? null : { kind: 'closing', customerId: item.customerId };
    case 'event':
    case 'head':
    case 'notice':
      return null;
    case 'unknown':
      throw new UnreadableItem(stored, ['sk']);
    default:
      return item satisfies never;
  }
}
