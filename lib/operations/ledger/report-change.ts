import type { CustomerHead } from '../../domain/customer.ts';
import { isGrantSource, type LedgerEntry } from '../../domain/ledger.ts';
import { endingOf } from '../../domain/subscription.ts';
import type { Deps } from '../../runtime/deps.ts';

/**
 * Reports the credits that a change granted and whether it ended Pro. Call it once the change is stored: the
 * head's conditions let one caller store it, so each grant and each end counts once.
 */
export function reportChange(
  { report }: Deps,
  before: Pick<CustomerHead, 'subscription'>,
  next: Pick<CustomerHead, 'customerId' | 'subscription'>,
  entries: readonly LedgerEntry[],
): void {
  const { customerId } = next;
  for (const { source, amount: credits } of entries) {
    if (credits > 0 && isGrantSource(source))
      report({ kind: 'credits_granted', customerId, source, credits });
  }
  const how = endingOf(before.subscription, next.subscription);
  if (how === 'set_to_end') report({ kind: 'pro_set_to_end', customerId });
  else if (how !== null) report({ kind: 'pro_ended', customerId, how });
}
