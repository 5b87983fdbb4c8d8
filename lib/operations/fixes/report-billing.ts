import type { Deps } from '../../runtime/deps.ts';
import type { FixBilling } from './decide-step.ts';

/**
 * Reports a blocked fix, and a fix billed with a credit, as business events. Charges and declines are
 * reported where they are settled, because the webhook or the sweeper may settle them.
 */
export function reportCreditOrBlock(
  { report }: Deps,
  customerId: string,
  fixAttemptId: string,
  billing: FixBilling | { readonly kind: 'costs_more' | 'pending' },
): void {
  if (billing.kind === 'blocked') {
    report({ kind: 'fix_blocked', customerId, fixAttemptId, code: billing.code });
  }
  if (billing.kind !== 'billed' || billing.already) return;
  if (billing.billed.outcome === 'credit_consumed') report({ kind: 'fix_billed', customerId, fixAttemptId });
}
