import type Stripe from 'stripe';
import type { Scope } from '../../../local/stripe-double/scope.ts';
import type { MoneyInProcess } from '../money-in-process.ts';

/*
 * Everything that moves the money or the value of an invoice, each as one deed at Stripe. A deed picks what it acts on by number, so
 * that a list of numbers is a whole history. It does nothing where there is nothing to act on.
 */

export interface ValueWorld extends MoneyInProcess {
  readonly customerId: string;
  readonly stripeCustomerId: string;
  readonly cards: readonly string[];
  /** Known prices, the cheaper one first, and a product that is none of ours. */
  readonly priceIds: readonly [string, string];
  readonly feeProductId: string;
  readonly couponIds: readonly string[];
}

/** What a deed draws from: which object, how much of it (1 to 1,000 thousandths), and in which way. */
export interface Chance {
  readonly pick: number;
  readonly share: number;
  readonly way: number;
}

export type Deed = (world: ValueWorld, chance: Chance) => unknown;

export const oneOf = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(1, list.length)];
export const wayOf = <const T>(ways: readonly [T, ...T[]], n: number): T => ways[n % ways.length] ?? ways[0];
/** At least a cent, and all of it at 1,000. */
export const partOf = (cents: number, { share }: Chance): number =>
  Math.max(1, Math.floor((cents * share) / 1_000));

export const at = <T>({ double }: ValueWorld, work: (scope: Scope) => T): T =>
  double.turn({ kind: 'time' }, () => work(double.scope()));

export const invoicesOf = (
  { double: { state } }: ValueWorld,
  ...statuses: readonly (string | null)[]
): Stripe.Invoice[] => state.invoices.newestFirst.filter(({ status }) => statuses.includes(status));
