import type { PaymentDeps } from '../../runtime/deps.ts';
import { type DueWork, listDueWork, postponeWork } from '../../store/due-work.ts';
import { readTogether } from '../../store/table.ts';
import { IN_FLIGHT_MS } from '../payments/attempt.ts';
import { refreshSoldPrices } from '../plans/refresh-sold-prices.ts';
import { eachConcurrently } from './each-concurrently.ts';
import { WORK_KINDS } from './kinds.ts';
import { measureOpenWork } from './measure-open-work.ts';
import { type Finish, isOpenKind } from './work-kind.ts';

/** Per run. The next run, five minutes later, continues. */
const MAX_WORK = 200;
/** No item starts later. The function's timeout leaves time for one item while Stripe does not respond. */
const MAX_RUN_MS = 180_000;
/** Keeps well below Stripe's rate limit. */
const AT_ONCE = 5;
/** The index that the sweeper processes. */
const SWEPT = 'charge';

export interface SettledCharges {
  readonly settled: number;
  /** Stripe has not decided yet. This is not a failure. */
  readonly waiting: readonly DueWork[];
  /** Finishing failed. */
  readonly failed: readonly { readonly work: DueWork; readonly error: unknown }[];
}

/**
 * One run of the sweeper: refreshes the prices shown to customers, finishes open work, and measures what is
 * left.
 * @param ageMs as for `settlePendingCharges`
 * @throws BillingError ledger_unavailable when the work cannot be listed
 */
export async function sweep(deps: PaymentDeps, ageMs?: number): Promise<SettledCharges> {
  const startedMs = deps.now().getTime();
  await refreshSoldPrices(deps);
  const outcome = await settlePendingCharges(deps, ageMs, startedMs);
  deps.report({ kind: 'work_measured', gauges: await measureOpenWork(deps) });
  return outcome;
}

/**
 * Finishes open work of every kind: charges, orders and renewals without an outcome, payments to return,
 * accounts to clear. Safe to run at any time, also concurrently.
 * @param ageMs the minimum age of the work: the request that started younger work may still be running
 * @param startedMs the start of the enclosing run
 * @throws BillingError ledger_unavailable when the work cannot be listed
 */
export async function settlePendingCharges(
  deps: PaymentDeps,
  ageMs = IN_FLIGHT_MS,
  startedMs = deps.now().getTime(),
): Promise<SettledCharges> {
  const until = new Date(startedMs - ageMs);
  const due = await listDueWork(deps.table, SWEPT, until, MAX_WORK);
  const waiting: DueWork[] = [];
  const failed: { work: DueWork; error: unknown }[] = [];
  let settled = 0;
  const isOver = () => deps.now().getTime() - startedMs > MAX_RUN_MS;
  await eachConcurrently(due, AT_ONCE, isOver, async (work) => {
    try {
      if ((await settleOne(deps, work)) === 'finished') {
        settled += 1;
        return;
      }
      waiting.push(work);
    } catch (error) {
      failed.push({ work, error });
      deps.report({ kind: 'work_still_open', work: work.item, key: work.key, error });
    }
    // Work that stays open moves to the end of the queue, so that other work gets its turn.
    await postponeWork(deps.table, work, deps.now());
  });
  deps.report({ kind: 'work_settled', settled, waiting: waiting.length, failed: failed.length });
  return { settled, waiting, failed };
}

/** @throws Error if the index lists an item that is no open work; any error of finishing */
async function settleOne(deps: PaymentDeps, { key, item }: DueWork): Promise<Finish> {
  const kind = isOpenKind(item.kind) ? WORK_KINDS[item.kind] : null;
  if (kind?.due !== SWEPT) throw new Error(`${key.pk} ${key.sk} is listed among the charges`);
  // The index may be stale: the item itself shows what is still to do.
  const [stored] = await readTogether(deps.table, [key]);
  const work = stored === undefined ? null : kind.open(stored, item);
  return work === null ? 'finished' : work.finish(deps);
}
