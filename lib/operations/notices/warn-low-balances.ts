import type { CustomerHead } from '../../domain/customer.ts';
import { balanceWarning } from '../../domain/notice.ts';
import { monthOf, type Spending } from '../../domain/payments/spending.ts';
import type { Deps } from '../../runtime/deps.ts';
import { dueWorkPages } from '../../store/due-work.ts';
import { decodeHead } from '../../store/heads.ts';
import { customerIdOf, keys } from '../../store/keys.ts';
import { putWarning } from '../../store/notices.ts';
import { decodeCardTries, type StoredTries } from '../../store/payments/card-tries.ts';
import { decodeSpending } from '../../store/payments/spending.ts';
import { readTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { eachConcurrently } from '../work/each-concurrently.ts';
import { sendReminders, type Warned } from './send-reminders.ts';

/** One call reads at most 100 items: each customer's head, card tries and spending. */
const PAGE = 33;
const AT_ONCE = 10;
/** Below the function's timeout. The next run warns the remaining customers. */
const MAX_RUN_MS = 180_000;

/**
 * Writes a warning for every customer whose spending took the balance below a threshold since it was last
 * raised: one warning for a low balance, one for an empty one. Then sends the reminders whose time has come.
 * Reads only the customers who are due. Idempotent, also concurrently and after a crash: writing a warning
 * also takes the customer out of the index of due work.
 * @throws BillingError ledger_unavailable if the customers cannot be read
 */
export async function warnLowBalances(deps: Deps): Promise<Warned> {
  const startedAt = deps.now();
  const isLate = () => deps.now().getTime() - startedAt.getTime() > MAX_RUN_MS;
  const failed: { customerId: string; error: unknown }[] = [];
  let warned = 0;
  for await (const page of dueWorkPages(deps.table, 'low_balance', startedAt, PAGE)) {
    const customers = page.map(({ key }) => key);
    const month = monthOf(deps.now());
    const items = await readTogether(deps.table, [
      ...customers,
      ...customers.map(({ pk }) => keys.cardTries(customerIdOf(pk))),
      ...customers.map(({ pk }) => keys.spending(customerIdOf(pk), month)),
    ]);
    const found = customers.flatMap(({ pk }, i) => {
      const [head, tries, spent] = [0, 1, 2].map((n) => items[n * customers.length + i]);
      return head === undefined ? [] : [{ pk, head, tries, spent }];
    });
    await eachConcurrently(found, AT_ONCE, isLate, async ({ pk, head, tries, spent }) => {
      try {
        // Decoded one by one, so an unreadable head does not stop the other warnings.
        const spending = decodeSpending(spent, month);
        if (await warn(deps, decodeHead(head), decodeCardTries(tries), spending)) warned += 1;
      } catch (error) {
        const customerId = customerIdOf(pk);
        failed.push({ customerId, error });
        deps.report({ kind: 'customer_not_warned', customerId, error });
      }
    });
    if (isLate()) break;
  }
  const reminded = await sendReminders(deps, isLate);
  warned += reminded.warned;
  failed.push(...reminded.failed);
  deps.report({ kind: 'balances_warned', warned, failed: failed.length });
  return { warned, failed };
}

/** Whether this call wrote a warning. */
async function warn(
  deps: Deps,
  head: CustomerHead,
  { cards }: StoredTries,
  spending: Spending,
): Promise<boolean> {
  const warning = head.closedAt === null ? balanceWarning(head, cards, spending, deps.now()) : null;
  const result = await retryContended(deps, () => putWarning(deps.table, head, warning));
  // Refused: another call was first, or the balance has changed and is due again if necessary.
  return result.kind === 'written' && warning !== null;
}
