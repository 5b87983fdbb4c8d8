/**
 * Money of all customers by source, in US cents. Only the first two moved through Stripe; the others are not
 * findings.
 */
export interface Columns {
  /** Paid through Stripe, and the part of it that was returned. */
  readonly cash: number;
  readonly returned: number;
  /** Paid outside Stripe. */
  readonly outOfBand: number;
  /** Customer balance used by invoices; negative if invoices added more than they used. */
  readonly balanceUsed: number;
  /** Credit that a person added; negative if they removed more than they added. */
  readonly byHand: number;
  readonly discounts: number;
}

export const NO_COLUMNS: Columns = {
  cash: 0,
  returned: 0,
  outOfBand: 0,
  balanceUsed: 0,
  byHand: 0,
  discounts: 0,
};

export const addColumns = (one: Columns, other: Partial<Columns>): Columns => ({
  cash: one.cash + (other.cash ?? 0),
  returned: one.returned + (other.returned ?? 0),
  outOfBand: one.outOfBand + (other.outOfBand ?? 0),
  balanceUsed: one.balanceUsed + (other.balanceUsed ?? 0),
  byHand: one.byHand + (other.byHand ?? 0),
  discounts: one.discounts + (other.discounts ?? 0),
});
