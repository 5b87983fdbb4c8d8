import type { BilledFacts, FixCharge } from '../fix-attempt.ts';

/*
 * What a customer spends on fix charges in a month. A charge counts in the month (UTC) in which it was
 * announced, whenever it is paid. Subscriptions and renewals do not count.
 */

/** The fix charges of one month, in US cents. */
export interface Spending {
  /** For example `2026-12`. */
  readonly month: string;
  /** The limit at the newest announcement; null for no limit. */
  readonly limitCents: number | null;
  /** Reserved and spent together: what the limit is compared with. */
  readonly committedCents: number;
  /** Paid charges, without second payments that were returned. */
  readonly spentCents: number;
  /** The part of the reserved amount that waits for a cardholder's confirmation. */
  readonly awaitingCents: number;
  /** The highest share of the limit that the customer got a letter about, in percent; 0 for none. */
  readonly noticedPercent: number;
}

export const noSpending = (month: string): Spending => ({
  month,
  limitCents: null,
  committedCents: 0,
  spentCents: 0,
  awaitingCents: 0,
  noticedPercent: 0,
});

/** $1,000,000.00: no customer needs a higher limit, and a mistyped one is caught. */
export const MAX_LIMIT_CENTS = 100_000_000;

/** The month (UTC) of a moment. */
export const monthOf = (at: Date): string => at.toISOString().slice(0, 7);

/** When the next month begins and the limit starts again, in ISO 8601. */
export function nextMonthStart(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number, 1)).toISOString();
}

/** The amount of announced charges without an outcome. */
export const reservedCents = ({ committedCents, spentCents }: Spending): number =>
  committedCents - spentCents;

/** What the limit leaves for new charges; null without a limit. Late payments can exceed a limit. */
export const roomCents = (limitCents: number | null, { committedCents }: Spending): number | null =>
  limitCents === null ? null : Math.max(0, limitCents - committedCents);

/** Whether a new charge of this amount would exceed the limit. */
export function exceedsLimit(limitCents: number | null, spending: Spending, amountCents: number): boolean {
  const room = roomCents(limitCents, spending);
  return room !== null && amountCents > room;
}

/** An amount by which the sums of a month change. */
export interface SpendingChange {
  readonly committedCents: number;
  readonly spentCents: number;
  readonly awaitingCents: number;
}

const NOTHING: SpendingChange = { committedCents: 0, spentCents: 0, awaitingCents: 0 };

/**
 * What a charge reserves in its month: its amount while it has no outcome, nothing once it is declined or
 * closed. Charges of earlier releases have no month and reserve nothing.
 */
export function heldBy(charge: FixCharge | null): SpendingChange {
  if (charge === null || charge.spendingMonth === null) return NOTHING;
  const { amountCents, state } = charge;
  switch (state) {
    case 'charging':
      return { ...NOTHING, committedCents: amountCents };
    case 'action_required':
      return { ...NOTHING, committedCents: amountCents, awaitingCents: amountCents };
    case 'declined':
    case 'closed':
      return NOTHING;
    default:
      return state satisfies never;
  }
}

/** What a paid charge counts as. */
export const spentBy = (amountCents: number): SpendingChange => ({
  ...NOTHING,
  committedCents: amountCents,
  spentCents: amountCents,
});

/** The change from one state of a charge to the next. */
export const changeBetween = (before: SpendingChange, after: SpendingChange): SpendingChange => ({
  committedCents: after.committedCents - before.committedCents,
  spentCents: after.spentCents - before.spentCents,
  awaitingCents: after.awaitingCents - before.awaitingCents,
});

/** An amount that counts in a month. */
export interface CountedSpending extends SpendingChange {
  readonly month: string;
}

/** What a stored fix counts as: its open charge, and the payment that billed it. */
export function countedIn({
  charge,
  billed,
}: {
  readonly charge: FixCharge | null;
  readonly billed: BilledFacts | null;
}): CountedSpending[] {
  const held = heldBy(charge);
  const paidIn = billed?.spendingMonth ?? null;
  return [
    ...(charge !== null && charge.spendingMonth !== null && held.committedCents > 0
      ? [{ month: charge.spendingMonth, ...held }]
      : []),
    ...(billed !== null && paidIn !== null ? [{ month: paidIn, ...spentBy(billed.amountCents) }] : []),
  ];
}

/** Shares of the limit that the customer gets a letter about, once each per month. */
export const LIMIT_PERCENTS = [50, 80, 100] as const;
export type LimitPercent = (typeof LIMIT_PERCENTS)[number];

/**
 * The share that a new charge reaches and that the customer has no letter about yet; null if there is none.
 * The limit counts as reached once it leaves no room for another charge of this amount.
 */
export function newlyReached(
  limitCents: number | null,
  { committedCents, noticedPercent }: Spending,
  amountCents: number,
): LimitPercent | null {
  if (limitCents === null) return null;
  const after = committedCents + amountCents;
  const reached = LIMIT_PERCENTS.filter(
    (percent) => after * 100 >= limitCents * percent || (percent === 100 && after + amountCents > limitCents),
  );
  const highest = reached.at(-1);
  return highest !== undefined && highest > noticedPercent ? highest : null;
}
