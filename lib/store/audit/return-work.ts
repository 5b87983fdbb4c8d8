import * as z from 'zod/mini';
import { keys } from '../keys.ts';
import type { Meter } from '../paging.ts';
import { readFound, type Table } from '../table.ts';

/**
 * An announced return of a payment. The auditor decodes it leniently, so that it still sees a malformed one.
 */
export interface AnnouncedReturn {
  readonly refundId: string | null;
  /** Whether it is still open work. */
  readonly isOpen: boolean;
}

const Stored = z.object({
  refund_id: z.catch(z.nullable(z.string()), null),
  due: z.optional(z.string()),
});

/** The announced returns among these payments, at most 100. */
export async function readAnnouncedReturns(
  table: Table,
  customerId: string,
  paymentIntentIds: readonly string[],
  meter?: Meter,
): Promise<ReadonlyMap<string, AnnouncedReturn>> {
  if (paymentIntentIds.length === 0) return new Map();
  const found = await readFound(table, paymentIntentIds, (id) => keys.once(customerId, 'double_payment', id));
  await meter?.(paymentIntentIds.length);
  return new Map(
    found.map(([id, item]) => {
      const { refund_id: refundId, due } = Stored.parse(item);
      return [id, { refundId, isOpen: due !== undefined }];
    }),
  );
}
