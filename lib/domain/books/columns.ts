/** Money of all customers by how it came. Only the first two moved through Stripe; the others are no finding. US cents. */
export interface Columns {
  /** Paid through Stripe, and what of it went back. */
  readonly cash: number;
  readonly returned: number;
  /** Paid past Stripe. */
  readonly outOfBand: number;
  /** Credit of the customer's balance that invoices used; below zero where they added more than they used. */
  readonly balanceUsed: number;
  /** Credit that a person gave by hand; below zero where they took more than they gave. */
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
