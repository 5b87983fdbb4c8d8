import type { CustomerHead } from '../../domain/customer.ts';
import { balanceWarning } from '../../domain/notice.ts';
import type { Deps } from '../../runtime/deps.ts';
import { dueWorkPages } from '../../store/due-work.ts';
import { decodeHead } from '../../store/heads.ts';
import { customerIdOf, keys } from '../../store/keys.ts';
import { putWarning } from '../../store/notices.ts';
import { decodeCardTries, type StoredTries } from '../../store/payments/card-tries.ts';
import { readTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { eachAtOnce } from '../work/at-once.ts';

/** One call reads 100 items: for each customer the head, and how their cards have behaved. */
const PAGE = 50;
const AT_ONCE = 10;
/** Below the function's timeout; the next run goes on with whoever is left. */
const MAX_RUN_MS = 180_000;

export interface Warned {
  /** Notices written. */
  readonly warned: number;
  readonly failed: readonly { readonly customerId: string; readonly error: unknown }[];
}

/**
 * Writes the warning of every customer whose balance has crossed a threshold by spending since it was last raised: one when it
 * is low, one when nothing is left. Reads those who are due and nobody else. Safe at any time, also twice at once and after a
 * crash: a warning is written together with its not being due any more.
 * @throws BillingError ledger_unavailable when they cannot be read
 */
export async function warnLowBalances(deps: Deps): Promise<Warned> {
  const startedAt = deps.now();
  const isLate = () => deps.now().getTime() - startedAt.getTime() > MAX_RUN_MS;
  const failed: { customerId: string; error: unknown }[] = [];
  let warned = 0;
  for await (const page of dueWorkPages(deps.table, 'low_balance', startedAt, PAGE)) {
    const customers = page.map(({ key }) => key);
    const items = await readTogether(deps.table, [
      ...customers,
      ...customers.map(({ pk }) => keys.cardTries(customerIdOf(pk))),
    ]);
    const found = customers.flatMap(({ pk }, i) => {
      const head = items[i];
      return head === undefined ? [] : [{ pk, head, tries: items[customers.length + i] }];
    });
    await eachAtOnce(found, AT_ONCE, isLate, async ({ pk, head, tries }) => {
      try {
        // Decoded one by one: a head that is not readable does not stop the other warnings.
        if (await warn(deps, decodeHead(head), decodeCardTries(tries))) warned += 1;
      } catch (error) {
        const customerId = customerIdOf(pk);
        failed.push({ customerId, error });
        deps.report({ kind: 'customer_not_warned', customerId, error });
      }
    });
    if (isLate()) break;
  }
  deps.report({ kind: 'balances_warned', warned, failed: failed.length });
  return { warned, failed };
}

/** Whether this call wrote a warning. */
async function warn(deps: Deps, head: CustomerHead, { cards }: StoredTries): Promise<boolean> {
  const warning = head.closedAt === null ? balanceWarning(head, cards, deps.now()) : null;
  const result = await retryContended(deps, () => putWarning(deps.table, head, warning));
  // Refused: somebody else was first, or the balance has moved on, and is due again if it has to be.
  return result.kind === 'written' && warning !== null;
}
