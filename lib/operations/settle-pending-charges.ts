import type { PaymentDeps } from '../deps.ts';
import { type DueWork, listDueWork, postponeWork } from '../store/due-work.ts';
import { decodeFix, decodeOrder } from '../store/items.ts';
import { readTogether } from '../store/table.ts';
import { finishCharge } from './charge-fix.ts';
import { returnDoublePayment } from './return-double-payment.ts';
import { finishOrder } from './subscribe-to-pro.ts';

/** Younger work is still in the hands of the request that began it. */
const LEFT_ALONE_MS = 2 * 60 * 1000;
/** In one run; the next one, five minutes later, goes on. */
const MAX_WORK = 200;
/** Keeps well below what Stripe lets through. */
const AT_ONCE = 5;

export interface SettledCharges {
  readonly settled: number;
  /** Work that is still open: it was postponed, and the next run comes back to it. */
  readonly failed: readonly { readonly work: DueWork; readonly error: unknown }[];
}

/**
 * Takes up what a crash or a silent Stripe left open: charges without an outcome, orders for Pro, payments that have to go
 * back. Each is taken up under the key it was begun with. Safe to run at any time, also twice at once.
 * @param ageMs only work that is at least this old
 * @throws BillingError ledger_unavailable when the work cannot be listed
 */
export async function settlePendingCharges(
  deps: PaymentDeps,
  ageMs = LEFT_ALONE_MS,
): Promise<SettledCharges> {
  const until = new Date(deps.now().getTime() - ageMs);
  const due = await listDueWork(deps.table, 'charge', until, MAX_WORK);
  const failed: { work: DueWork; error: unknown }[] = [];
  const waiting = [...due];
  const worker = async () => {
    for (let work = waiting.shift(); work !== undefined; work = waiting.shift()) {
      try {
        await settleOne(deps, work);
      } catch (error) {
        failed.push({ work, error });
        await postponeWork(deps.table, work, deps.now());
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { settled: due.length - failed.length, failed };
}

async function settleOne(deps: PaymentDeps, { key, item }: DueWork): Promise<void> {
  // The index may be behind: the item itself says what is still to do.
  const [stored] = await readTogether(deps.table, [key]);
  if (stored === undefined) return;
  switch (item.kind) {
    case 'fix': {
      const fix = decodeFix(stored);
      if (fix.charge?.state === 'charging') await finishCharge(deps, item.customerId, fix, fix.charge);
      return;
    }
    case 'order': {
      const order = decodeOrder(stored);
      if (order.state === 'ordering') await finishOrder(deps, item.customerId, order);
      return;
    }
    case 'double_payment':
      return returnDoublePayment(deps, item.customerId, item.paymentIntentId);
    case 'event':
      throw new Error(`event ${item.eventId} is listed among the charges`);
    default:
      return item satisfies never;
  }
}
