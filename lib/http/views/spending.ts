import { nextMonthStart, reservedCents, roomCents, type Spending } from '../../domain/payments/spending.ts';
import type { SpendingLimitFacts } from '../../errors.ts';
import type { SpendingLimitView } from '../contracts/spending.ts';

/* API views of the spending limit. */

const NOTE =
  'Counts charges for fixes without a credit. Subscriptions, renewals and credits are not limited.';

/** A month's limit and what is left of it. */
export const limitFacts = (limitCents: number, spending: Spending): SpendingLimitFacts => ({
  monthly_cents: limitCents,
  room_cents: roomCents(limitCents, spending) ?? 0,
  reserved_cents: reservedCents(spending),
  spent_cents: spending.spentCents,
  renews_at: nextMonthStart(spending.month),
});

export const spendingLimitView = (limitCents: number | null, spending: Spending): SpendingLimitView => ({
  monthly_cents: limitCents,
  room_cents: roomCents(limitCents, spending),
  reserved_cents: reservedCents(spending),
  awaiting_approval_cents: spending.awaitingCents,
  spent_cents: spending.spentCents,
  month: spending.month,
  renews_at: nextMonthStart(spending.month),
  note: NOTE,
});
