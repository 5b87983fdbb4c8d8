import type { FixAttempt } from '../fix-attempt.ts';
import { FIX_CREDITS } from '../pricing.ts';
import { chargeObstacles, type Obstacle } from './charge-obstacles.ts';
import { addedCents, type ChargeBasis, chargeCents } from './exposure.ts';
import { roomCents } from './spending.ts';

/* Merged fixes that could not be billed, and what billing them now takes. */

/** The most fixes on one bill. One click bills a few of them, and the next click continues. */
export const MAX_ON_A_BILL = 100;

/**
 * The bill that a page shows: which fixes can be billed now, by the rules of billing, and what that costs.
 */
export interface WaitingBill {
  /** The fixes that can be billed now, in the order given. */
  readonly fixes: readonly FixAttempt[];
  readonly fromCredits: number;
  readonly charged: number;
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
  const fixes = waiting.slice(0, MAX_ON_A_BILL);
  const fromCredits = Math.min(fixes.length, Math.floor(head.balance / FIX_CREDITS));
  const uncovered = fixes.slice(fromCredits);
  const obstacles = chargeObstacles(head, { cards, at, byPerson: true });
  const room = roomCents(head.spendingLimitCents, spending);
  const affordable = room === null ? uncovered : withinRoom(basis, uncovered, room);
  const charged = obstacles.length > 0 ? [] : affordable;
  const isLimited = obstacles.length === 0 && charged.length < uncovered.length;
  return {
    fixes: [...fixes.slice(0, fromCredits), ...charged],
    fromCredits,
    charged: charged.length,
    cents: charged.reduce((sum, fix) => sum + chargeCents(basis, fix), 0),
    reasons: uncovered.length === 0 ? [] : isLimited ? ['spending_limit_reached'] : obstacles,
  };
}

/** The fixes, up to the first that the limit leaves no room for. */
function withinRoom(basis: ChargeBasis, fixes: readonly FixAttempt[], room: number): FixAttempt[] {
  let leftCents = room;
  const within: FixAttempt[] = [];
  for (const fix of fixes) {
    leftCents -= addedCents(basis, fix);
    if (leftCents < 0) break;
    within.push(fix);
  }
  return within;
}
