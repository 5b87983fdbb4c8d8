import type { FixAttempt } from '../../domain/fix-attempt.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { anonymiseFix, fixPage } from '../../store/fix-attempts.ts';
import { eachConcurrently } from '../work/each-concurrently.ts';

const PAGE = 500;
const AT_ONCE = 10;

/** Where a search through fixes stopped: at the end, or after the fix with this sort key. */
export type Searched = { readonly kind: 'all' } | { readonly kind: 'up_to'; readonly after: string };

/**
 * Passes up to `most` fixes after a sort key to `act`, page by page. Returns where the next call continues.
 * @throws BillingError ledger_unavailable; UnreadableItem; any error of `act`
 */
export async function eachPageOfFixes(
  { table }: PaymentDeps,
  customerId: string,
  { from, most }: { readonly from: string | null; readonly most: number },
  act: (fixes: readonly FixAttempt[]) => Promise<void>,
): Promise<Searched> {
  let after = from;
  for (let left = most; ; left -= PAGE) {
    const { fixes, next } = await fixPage(table, customerId, after, Math.min(PAGE, left));
    await act(fixes);
    if (next === null) return { kind: 'all' };
    if (left <= PAGE) return { kind: 'up_to', after: next };
    after = next;
  }
}

/**
 * Removes titles, links and the caller's own data from fixes. Idempotent; a cleared fix is not written again.
 * @throws BillingError ledger_unavailable
 */
export const clearFixes = (
  { table }: PaymentDeps,
  customerId: string,
  fixes: readonly FixAttempt[],
): Promise<void> =>
  eachConcurrently(
    fixes.filter((fix) => !isClear(fix)),
    AT_ONCE,
    () => false,
    ({ id }) => anonymiseFix(table, customerId, id),
  );

const isClear = ({
  prTitle,
  prUrl,
  issueNumber,
  issueTitle,
  issueUrl,
  vulnerabilityId,
  metadataJson,
}: FixAttempt): boolean =>
  [prTitle, prUrl].every((text) => text === '') &&
  [issueNumber, issueTitle, issueUrl, vulnerabilityId, metadataJson].every((value) => value === null);
