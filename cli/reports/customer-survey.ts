import type { BillingConsent } from '../../lib/domain/evidence/billing-consent.ts';
import type { FixAttempt } from '../../lib/domain/fix-attempt.ts';
import { isUnsent } from '../../lib/domain/notices/delivery.ts';
import { monthOf, type Spending } from '../../lib/domain/payments/spending.ts';
import { readConsents } from '../../lib/store/evidence/consents.ts';
import { readOpenCharges } from '../../lib/store/fix-attempts.ts';
import { readNotices, type UnreadableNotice } from '../../lib/store/notices.ts';
import { type ProOrder, readOrder } from '../../lib/store/orders.ts';
import { readSpending } from '../../lib/store/payments/spending.ts';
import { UnreadableItem } from '../../lib/store/record.ts';
import type { Table } from '../../lib/store/table.ts';

/** A customer's open work, consents and notices. */
export interface Survey {
  readonly openCharges: readonly FixAttempt[];
  /** Oldest first. */
  readonly consents: readonly BillingConsent[];
  readonly unreadableConsents: readonly UnreadableItem[];
  readonly order: ProOrder | null;
  /** Charges for fixes this month. */
  readonly spending: Spending;
  readonly notices: number;
  readonly unsentNotices: number;
  readonly unreadableNotices: readonly UnreadableNotice[];
  /** Fixes that may have an open charge. */
  readonly unreadableFixes: readonly UnreadableItem[];
}

/** @throws BillingError ledger_unavailable */
export async function surveyCustomer(table: Table, customerId: string, at: Date): Promise<Survey> {
  const [charges, order, notices, consents, spending] = await Promise.all([
    readOpenCharges(table, customerId),
    readOrder(table, customerId),
    readNotices(table, customerId),
    readConsents(table, customerId),
    readSpending(table, customerId, monthOf(at)),
  ]);
  return {
    consents: consents.flatMap((found) => (found instanceof UnreadableItem ? [] : [found])),
    unreadableConsents: consents.filter((found) => found instanceof UnreadableItem),
    openCharges: charges.flatMap((found) => (found instanceof UnreadableItem ? [] : [found])),
    order,
    spending,
    notices: notices.length,
    unsentNotices: notices.filter((found) => 'notice' in found && isUnsent(found.notice)).length,
    unreadableNotices: notices.flatMap((found) => ('unreadable' in found ? [found.unreadable] : [])),
    unreadableFixes: charges.filter((found) => found instanceof UnreadableItem),
  };
}
