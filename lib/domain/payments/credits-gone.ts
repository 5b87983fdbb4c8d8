/**
 * Credits and what they were sold for, in cents. `named`: cents that credit notes returned of these lines.
 */
export interface Brought {
  readonly credits: number;
  readonly value: number;
  readonly named: number;
}

/**
 * The credits of the named amounts, plus the share of the other credits that `general` has in `left`.
 * Integers of any size, rounded down once.
 */
export function creditsGone(
  brought: readonly Brought[],
  { general, left }: { readonly general: number; readonly left: number },
): number {
  const sold = brought.filter(({ value }) => value > 0);
  const all = sold.reduce((total, { credits }) => total + BigInt(credits), 0n);
  let top = 0n;
  let bottom = 1n;
  for (const { credits, value, named } of sold) {
    top = top * BigInt(value) + BigInt(credits) * BigInt(named) * bottom;
    bottom *= BigInt(value);
  }
  if (left <= 0) return Number(top / bottom);
  const rest = BigInt(left);
  return Number((top * rest + (all * bottom - top) * BigInt(general)) / (bottom * rest));
}
