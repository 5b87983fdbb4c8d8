import { BillingError, type ProblemCode } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { type DueWork, listDueWork, postponeWork } from '../../store/due-work.ts';
import { decodeFix } from '../../store/fix-attempts.ts';
import { decodeOrder, type ProOrder } from '../../store/orders.ts';
import { readTogether } from '../../store/table.ts';
import { finishClosing } from '../accounts/close-customer.ts';
import { finishCharge } from '../fixes/charge-fix.ts';
import { returnDoublePayment } from '../payments/return-double-payment.ts';
import { finishOrder } from '../plans/finish-order.ts';
import { eachAtOnce } from './at-once.ts';

/**
 * Younger work is still in the hands of the request that began it. Longer than any request may take, too: when a closing comes up,
 * none of before it is under way.
 */
const LEFT_ALONE_MS = 2 * 60 * 1000;
/** In one run; the next one, five minutes later, goes on. */
const MAX_WORK = 200;
/** Below the function's timeout by more than one piece of work can take while Stripe is silent. */
const MAX_RUN_MS = 180_000;
/** What a customer who waits is told; the order has ended with it. */
const ENDS_AN_ORDER: ReadonlySet<ProblemCode> = new Set([
  'card_declined',
  'authentication_required',
  'no_billing_info',
  'account_disputed',
]);
/** Keeps well below what Stripe lets through. */
const AT_ONCE = 5;

export interface SettledCharges {
  readonly settled: number;
  /** Work that is still open: it was postponed, and the next run comes back to it. */
  readonly failed: readonly { readonly work: DueWork; readonly error: unknown }[];
}

/**
 * Takes up what a crash or a silent Stripe left open: charges without an outcome, orders for Pro, payments that have to go
 * back, accounts that are closed and not cleared. Each is taken up under the key it was begun with. Safe to run at any time,
 * also twice at once.
 * @param ageMs only work that is at least this old
 * @throws BillingError ledger_unavailable when the work cannot be listed
 */
export async function settlePendingCharges(
  deps: PaymentDeps,
  ageMs = LEFT_ALONE_MS,
): Promise<SettledCharges> {
  const startedMs = deps.now().getTime();
  const until = new Date(startedMs - ageMs);
  const due = await listDueWork(deps.table, 'charge', until, MAX_WORK);
  const failed: { work: DueWork; error: unknown }[] = [];
  let settled = 0;
  const isOver = () => deps.now().getTime() - startedMs > MAX_RUN_MS;
  await eachAtOnce(due, AT_ONCE, isOver, async (work) => {
    try {
      await settleOne(deps, work);
      settled += 1;
    } catch (error) {
      failed.push({ work, error });
      deps.report({ kind: 'work_still_open', work: work.item, key: work.key, error });
      await postponeWork(deps.table, work, deps.now());
    }
  });
  deps.report({ kind: 'work_settled', settled, failed: failed.length });
  return { settled, failed };
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
      if (order.state === 'ordering') await finishUnattended(deps, item.customerId, order);
      return;
    }
    case 'double_payment':
      return returnDoublePayment(deps, item.customerId, item.paymentIntentId);
    case 'closing':
      return finishClosing(deps, item.customerId);
    case 'event':
    case 'head':
    case 'notice':
    case 'unknown':
      throw new Error(`${key.pk} ${key.sk} is listed among the charges`);
    default:
      return item satisfies never;
  }
}

/** An order that is refused while nobody waits is no work that stays open. */
async function finishUnattended(deps: PaymentDeps, customerId: string, order: ProOrder): Promise<void> {
  try {
    await finishOrder(deps, customerId, order);
  } catch (error) {
    if (!(error instanceof BillingError && ENDS_AN_ORDER.has(error.code))) throw error;
  }
}
