import type { CustomerHead } from '../customer.ts';
import type { FixAttempt, FixCharge } from '../fix-attempt.ts';
import { FIX_CREDITS } from '../pricing.ts';
import { fixPriceAt } from '../subscription.ts';
import type { TriesByCard } from './card-tries.ts';
import { chargeObstacles, type Obstacle } from './charge-obstacles.ts';
import { heldBy, reservedCents, roomCents, type Spending } from './spending.ts';

/* What merging fixes would cost now, by the rules of billing. */

/** What the decisions about the next charge read. */
export interface ChargeBasis {
  readonly head: CustomerHead;
  readonly cards: TriesByCard;
  readonly spending: Spending;
  readonly at: Date;
}

/** The obstacles to the next charge for a fix. `amountCents` is what it adds to the month's charges. */
export const nextObstacles = (
  { head, cards, spending, at }: ChargeBasis,
  amountCents = fixPriceAt(head, at),
): readonly Obstacle[] =>
  chargeObstacles(head, { cards, at, byPerson: false, wanted: { amountCents, spending } });

/** The payment that waits for its cardholder, if billing the fix keeps it: the same card still pays. */
const keptPayment = ({ paymentMethodId }: CustomerHead, charge: FixCharge | null): FixCharge | null =>
  charge?.state === 'action_required' && charge.paymentMethodId === paymentMethodId ? charge : null;

/** What the card pays for an unbilled fix: a payment that is kept has the amount of its own time. */
export const chargeCents = ({ head, at }: ChargeBasis, { charge }: FixAttempt): number =>
  keptPayment(head, charge)?.amountCents ?? fixPriceAt(head, at);

/** What charging an unbilled fix adds to the month's charges: it may have reserved its amount already. */
export function addedCents({ head, spending, at }: ChargeBasis, { charge }: FixAttempt): number {
  if (keptPayment(head, charge) !== null) return 0;
  // Another card pays: the open payment is closed first, which frees its amount.
  const freed = charge?.spendingMonth === spending.month ? heldBy(charge).committedCents : 0;
  return Math.max(0, fixPriceAt(head, at) - freed);
}

export type MergeCost =
  /** `left`: credits before the merge. */
  | { readonly kind: 'credit'; readonly amountCents: 0; readonly left: number }
  | { readonly kind: 'charge'; readonly amountCents: number }
  | { readonly kind: 'blocked'; readonly amountCents: 0; readonly reason: Obstacle };

/** What merging an unbilled fix costs now. Null if the fix is billed. */
export function mergeCost(basis: ChargeBasis, fix: FixAttempt): MergeCost | null {
  const { billed, charge } = fix;
  if (billed !== null) return null;
  const { head } = basis;
  // An announced charge is completed, even if credits have come since.
  if (charge?.state === 'charging') return { kind: 'charge', amountCents: charge.amountCents };
  if (head.balance >= FIX_CREDITS) return { kind: 'credit', amountCents: 0, left: head.balance };
  const [reason] = nextObstacles(basis, addedCents(basis, fix));
  if (reason !== undefined) return { kind: 'blocked', amountCents: 0, reason };
  return { kind: 'charge', amountCents: chargeCents(basis, fix) };
}

/** The most unbilled fixes that are counted. */
export const MAX_EXPOSED = 100;

export interface Exposure {
  /** Unbilled fixes of the last 30 days, at most 100. */
  readonly fixes: number;
  readonly isMore: boolean;
  readonly coveredByCredits: number;
  readonly fixPriceCents: number;
  /** What the fixes beyond the credits would cost. */
  readonly costCents: number;
  readonly roomCents: number | null;
  /** How many of these fixes the limit leaves no room for. */
  readonly beyondLimit: number;
  readonly reasons: readonly Obstacle[];
}

/** What merging every unbilled fix would cost now. */
export function exposureOf(basis: ChargeBasis, unbilledFixes: number): Exposure {
  const { head, spending, at } = basis;
  const fixes = Math.min(unbilledFixes, MAX_EXPOSED);
  const coveredByCredits = Math.min(fixes, Math.floor(head.balance / FIX_CREDITS));
  const charged = fixes - coveredByCredits;
  const fixPriceCents = fixPriceAt(head, at);
  const room = roomCents(head.spendingLimitCents, spending);
  // What is reserved is reserved for some of these fixes.
  const roomForThese = room === null ? null : room + reservedCents(spending);
  return {
    fixes,
    isMore: unbilledFixes > MAX_EXPOSED,
    coveredByCredits,
    fixPriceCents,
    costCents: charged * fixPriceCents,
    roomCents: room,
    beyondLimit: roomForThese === null ? 0 : Math.max(0, charged - Math.floor(roomForThese / fixPriceCents)),
    reasons: nextObstacles(basis),
  };
}
