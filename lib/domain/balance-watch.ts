import { FIX_CREDITS, LOW_BALANCE_CREDITS } from './pricing.ts';

/** Levels of a balance, the highest first. */
export const BALANCE_LEVELS = ['fine', 'low', 'exhausted'] as const;
export type BalanceLevel = (typeof BALANCE_LEVELS)[number];

/** The lowest level since the last grant, so that each crossed threshold causes one warning. */
export interface BalanceWatch {
  /** The entry that last raised the balance. Each warning belongs to one such entry. */
  readonly raisedSeq: number;
  /** The lowest level that spending has reached since then. */
  readonly balanceLevel: BalanceLevel;
}

export const levelOf = (balance: number): BalanceLevel => {
  if (balance < FIX_CREDITS) return 'exhausted';
  return balance <= LOW_BALANCE_CREDITS ? 'low' : 'fine';
};

/**
 * Returns the watch after a change of the balance. Spending can only lower `balanceLevel`. A grant resets the
 * level to `fine`, even if the balance stays low: the next warning comes after new credits are spent. A
 * credit that is bought and spent in one change leaves the watch as it is.
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

/** Whether level `a` is lower than level `b`. */
export const isBelow = (a: BalanceLevel, b: BalanceLevel): boolean =>
  BALANCE_LEVELS.indexOf(a) > BALANCE_LEVELS.indexOf(b);
