import { FIX_CREDITS, LOW_BALANCE_CREDITS } from './pricing.ts';

/** How far down a balance has gone. */
export const BALANCE_LEVELS = ['fine', 'low', 'exhausted'] as const;
export type BalanceLevel = (typeof BALANCE_LEVELS)[number];

/** What is remembered of a balance so that its owner is warned once for each crossing. */
export interface BalanceWatch {
  /** The entry that last raised the balance. Every warning is for one such entry. */
  readonly raisedSeq: number;
  /** The lowest level that spending has reached since. */
  readonly balanceLevel: BalanceLevel;
}

export const levelOf = (balance: number): BalanceLevel => {
  if (balance < FIX_CREDITS) return 'exhausted';
  return balance <= LOW_BALANCE_CREDITS ? 'low' : 'fine';
};

/**
 * The watch after a change of the balance. Spending can only take the level down; a grant starts anew, also where it does
 * not reach beyond the threshold: whoever has just been given credits is not warned before they spend some. A credit that
 * was bought and spent at once changes nothing.
 */
export function watchBalance(
  before: BalanceWatch & { readonly balance: number },
  after: { readonly balance: number; readonly seq: number },
): BalanceWatch {
  const { raisedSeq, balanceLevel } = before;
  if (after.balance > before.balance) return { raisedSeq: after.seq, balanceLevel: 'fine' };
  if (after.balance === before.balance) return { raisedSeq, balanceLevel };
  const reached = levelOf(after.balance);
  return { raisedSeq, balanceLevel: isBelow(reached, balanceLevel) ? reached : balanceLevel };
}

/** Whether the first level is further down than the second. */
export const isBelow = (a: BalanceLevel, b: BalanceLevel): boolean =>
  BALANCE_LEVELS.indexOf(a) > BALANCE_LEVELS.indexOf(b);
