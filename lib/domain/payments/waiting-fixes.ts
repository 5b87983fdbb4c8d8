import type { FixAttempt } from '../fix-attempt.ts';
import { FIX_CREDITS } from '../pricing.ts';
import { fixPriceAt } from '../subscription.ts';
import { chargeObstacles, type Obstacle } from './charge-obstacles.ts';
import type { ChargeBasis } from './exposure.ts';
import { roomCents } from './spending.ts';

/* Merged fixes that could not be billed, and what billing them now takes. */

/** The most fixes on one bill. One click bills a few of them, and the next click continues. */
export const MAX_AT_A_CLICK = 100;

/**
 * The bill that a page shows: which fixes can be billed now, by the rules of billing, and what that costs.
 */
export interface WaitingBill {
  /** The fixes that can be billed now, in the order given. */
  readonly fixes: readonly FixAttempt[];
  readonly fromCredits: number;
  readonly charged: number;
  readonly fixPriceCents: number;
  /** What the card is charged. */
  readonly cents: number;
  /** Why the other fixes stay waiting. Empty if all can be billed. */
  readonly reasons: readonly Obstacle[];
}

/** Whether billing a fix was asked for and did not succeed. A charge without an outcome is not waiting. */
export const isWaiting = ({ billed, charge, blockedAtRaise }: FixAttempt): boolean =>
  billed === null && charge?.state !== 'charging' && (charge !== null || blockedAtRaise !== null);

/** What billing waiting fixes takes when a person asks for it: the wait after a decline does not apply. */
export function waitingBill(basis: ChargeBasis, waiting: readonly FixAttempt[]): WaitingBill {
  const { head, cards, spending, at } = basis;
  const fixes = waiting.slice(0, MAX_AT_A_CLICK);
  const fixPriceCents = fixPriceAt(head, at);
  const fromCredits = Math.min(fixes.length, Math.floor(head.balance / FIX_CREDITS));
  const wanted = { amountCents: fixPriceCents, spending };
  const obstacles = chargeObstacles(head, { cards, at, byPerson: true, wanted });
  const room = roomCents(head.spendingLimitCents, spending);
  const affordable = room === null ? fixes.length : Math.floor(room / fixPriceCents);
  const uncovered = fixes.length - fromCredits;
  const charged = obstacles.length > 0 ? 0 : Math.min(uncovered, affordable);
  const isLimited = obstacles.length === 0 && charged < uncovered;
  return {
    fixes: fixes.slice(0, fromCredits + charged),
    fromCredits,
    charged,
    fixPriceCents,
    cents: charged * fixPriceCents,
    reasons: uncovered === 0 ? [] : isLimited ? ['spending_limit_reached'] : obstacles,
  };
}
