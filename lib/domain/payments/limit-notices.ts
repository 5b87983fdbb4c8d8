import type { Notice } from '../notice.ts';
import { type LimitPercent, monthOf, nextMonthStart, type Spending } from './spending.ts';

/* Letters about the spending limit. */

/**
 * A charge has brought this month's fix charges to a share of the limit.
 * @param spending before the charge
 */
export const limitShareReached = (
  customerId: string,
  { month, committedCents }: Spending,
  charge: { readonly amountCents: number },
  { limitCents, percent }: { readonly limitCents: number; readonly percent: LimitPercent },
  at: Date,
): Notice => {
  const facts = {
    limitCents,
    committedCents: committedCents + charge.amountCents,
    renewsAt: nextMonthStart(month),
  };
  return {
    customerId,
    id: `${month}-${percent}`,
    createdAt: at.toISOString(),
    content:
      percent === 100 ? { kind: 'limit_reached', ...facts } : { kind: 'limit_near', percent, ...facts },
  };
};

/** The customer, or someone with one of their keys, changed the limit. */
export const limitChanged = (
  { customerId, revision }: { readonly customerId: string; readonly revision: number },
  { from, to }: { readonly from: number | null; readonly to: number | null },
  at: Date,
): Notice => ({
  customerId,
  id: String(revision),
  createdAt: at.toISOString(),
  content: { kind: 'limit_changed', fromCents: from, toCents: to, renewsAt: nextMonthStart(monthOf(at)) },
});
