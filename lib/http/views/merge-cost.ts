import type { Exposure, MergeCost } from '../../domain/payments/exposure.ts';
import { formatUsd } from '../../domain/pricing.ts';
import type { MergeCostView } from '../contracts/fix-attempts.ts';
import type { ExposureView } from '../contracts/spending.ts';

/* API views of what merging costs. */

export const mergeCostView = (cost: MergeCost): MergeCostView => ({
  kind: cost.kind,
  amount_cents: cost.amountCents,
  message: messageOf(cost),
});

/** One sentence for the pull request. */
function messageOf(cost: MergeCost): string {
  switch (cost.kind) {
    case 'credit':
      return cost.left === 1
        ? 'Merging this pull request uses the last RSOLV credit.'
        : `Merging this pull request uses 1 of ${cost.left} RSOLV credits.`;
    case 'charge':
      return (
        `Merging this pull request charges ${formatUsd(cost.amountCents)}, because no RSOLV credits are ` +
        'left.'
      );
    case 'blocked':
      return (
        'RSOLV cannot bill this pull request when it is merged: no credits are left, and ' +
        `${WHY[cost.reason]}.`
      );
    default:
      return cost satisfies never;
  }
}

/** Why a fix cannot be charged, as a part of a sentence. */
export const WHY = {
  no_billing_info: 'no card is on file',
  account_disputed: 'a payment is disputed',
  spending_limit_reached: 'the monthly spending limit leaves no room',
  card_declined: 'the card was declined',
} as const;

export const exposureView = (exposure: Exposure): ExposureView => ({
  unbilled_fixes: exposure.fixes,
  or_more: exposure.isMore,
  covered_by_credits: exposure.coveredByCredits,
  fix_price_cents: exposure.fixPriceCents,
  cost_cents: exposure.costCents,
  room_cents: exposure.roomCents,
  beyond_limit: exposure.beyondLimit,
  reasons: [...exposure.reasons],
});
