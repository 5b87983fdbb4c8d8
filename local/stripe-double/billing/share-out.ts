/** Divides `amount` cents in proportion to `weights`; the parts add up to `amount` exactly. */
export function shareOut(amount: number, weights: readonly number[]): number[] {
  const whole = weights.reduce((sum, one) => sum + one, 0);
  let weightLeft = whole;
  let left = amount;
  return weights.map((weight) => {
    const part = weightLeft === 0 ? 0 : Math.round((left * weight) / weightLeft);
    weightLeft -= weight;
    left -= part;
    return part;
  });
}
