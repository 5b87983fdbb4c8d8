import type { Deps } from '../../runtime/deps.ts';
import type { FixBilling } from './bill-fix-attempt.ts';

/**
 * Reports the outcome of billing a fix. Charges and declines are reported where they are settled, with or
 * without a request.
 */
export function reportBilling(
  { report }: Deps,
  customerId: string,
  fixAttemptId: string,
  billing: FixBilling,
): void {
  if (billing.kind === 'blocked') {
    report({ kind: 'fix_blocked', customerId, fixAttemptId, code: billing.code });
  }
  if (billing.kind !== 'billed' || billing.already) return;
  if (billing.billed.outcome === 'credit_consumed') report({ kind: 'fix_billed', customerId, fixAttemptId });
}
