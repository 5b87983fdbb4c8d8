import { isStillTrue } from '../../domain/notices/reminders.ts';
import type { Deps } from '../../runtime/deps.ts';
import { dueWorkPages } from '../../store/due-work.ts';
import { decodeHead } from '../../store/heads.ts';
import { customerIdOf, type Key, keys } from '../../store/keys.ts';
import { decodeNotice, endSchedule } from '../../store/notices.ts';
import { type Item, readTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { eachConcurrently } from '../work/each-concurrently.ts';

/** One call reads at most 100 items: each reminder and its customer's head. */
const PAGE = 50;
const AT_ONCE = 10;

export interface Warned {
  /** Notices written. */
  readonly warned: number;
  readonly failed: readonly { readonly customerId: string; readonly error: unknown }[];
}

/**
 * Sends the reminders whose time has come, or drops those whose reason no longer holds: the invoice is paid,
 * the card was replaced. Reads only what is due. Idempotent, also concurrently and after a crash.
 * @param isLate whether the run has used its time; the next run continues
 * @throws BillingError ledger_unavailable if the reminders cannot be read
 */
export async function sendReminders(deps: Deps, isLate: () => boolean): Promise<Warned> {
  const failed: { customerId: string; error: unknown }[] = [];
  let warned = 0;
  for await (const page of dueWorkPages(deps.table, 'reminder', deps.now(), PAGE)) {
    const items = await readTogether(deps.table, [
      ...page.map(({ key }) => key),
      ...page.map(({ key }) => keys.head(customerIdOf(key.pk))),
    ]);
    const found = page.map(({ key }, i) => ({ key, notice: items[i], head: items[page.length + i] }));
    await eachConcurrently(found, AT_ONCE, isLate, async (one) => {
      try {
        if (await send(deps, one)) warned += 1;
      } catch (error) {
        const customerId = customerIdOf(one.key.pk);
        failed.push({ customerId, error });
        deps.report({ kind: 'customer_not_warned', customerId, error });
      }
    });
    if (isLate()) break;
  }
  return { warned, failed };
}

interface Found {
  readonly key: Key;
  readonly notice: Item | undefined;
  readonly head: Item | undefined;
}

/** Whether this call sent a reminder. */
async function send(deps: Deps, { notice: item, head }: Found): Promise<boolean> {
  if (item === undefined) return false;
  const notice = decodeNotice(item);
  if (notice.state !== 'scheduled') return false;
  const at = deps.now();
  const { customerId, id, content } = notice;
  const isDue = head !== undefined && isStillTrue(decodeHead(head), notice, at);
  const name = { customerId, kind: content.kind, id };
  const ended = await retryContended(deps, () => endSchedule(deps.table, name, isDue ? 'send' : 'drop', at));
  return ended.kind === 'written' && isDue;
}
