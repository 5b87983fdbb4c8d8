import type { FixAttempt } from '../../domain/fix-attempt.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { anonymiseFix, fixPage } from '../../store/fix-attempts.ts';
import { eachConcurrently } from '../work/each-concurrently.ts';

const PAGE = 500;
const AT_ONCE = 10;

/** Where the clearing of a customer's fixes stopped: at the end, or after the fix with this sort key. */
export type Cleared = { readonly kind: 'all' } | { readonly kind: 'up_to'; readonly after: string };

/**
 * Removes titles, links and the caller's own data from up to `most` fixes after a sort key. Returns where the
 * next call continues. Idempotent; a cleared fix is not written again.
 * @throws BillingError ledger_unavailable, UnreadableItem
 */
export async function clearFixes(
  { table }: PaymentDeps,
  customerId: string,
  from: string | null,
  most: number,
): Promise<Cleared> {
  let after = from;
  for (let read = 0; read < most; read += PAGE) {
    const { fixes, next } = await fixPage(table, customerId, after, Math.min(PAGE, most - read));
    const named = fixes.filter((fix) => !isClear(fix));
    await eachConcurrently(
      named,
      AT_ONCE,
      () => false,
      ({ id }) => anonymiseFix(table, customerId, id),
    );
    if (next === null) return { kind: 'all' };
    after = next;
  }
  return after === null ? { kind: 'all' } : { kind: 'up_to', after };
}

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
