/** How a cost grows with the count. */
export type Growth = 'flat' | 'linear' | 'neither';

export interface Measured {
  readonly count: number;
  readonly value: number;
}

/** Exponent of a power law: tenfold costs less than a third more, a thousandfold less than twice as much. */
const MAX_FLAT_EXPONENT = 0.1;
/** Allowed because units are rounded up for each item read. */
const MAX_DISTANCE_FROM_LINE = 0.05;

/** @param points with counts above 0, in ascending order */
export function growthOf(points: readonly Measured[]): Growth {
  if (exponentOf(points) <= MAX_FLAT_EXPONENT) return 'flat';
  const { slope, intercept } = lineThrough(points.map(({ count, value }) => ({ x: count, y: value })));
  const isOnLine = points.every(({ count, value }) => {
    const distance = Math.abs(intercept + slope * count - value);
    return distance <= Math.max(1, value * MAX_DISTANCE_FROM_LINE);
  });
  return isOnLine ? 'linear' : 'neither';
}

/** The exponent of the best-fitting power of `count`: 0 for constant cost, 1 for proportional cost. */
export function exponentOf(points: readonly Measured[]): number {
  return lineThrough(points.map(({ count, value }) => ({ x: Math.log(count), y: Math.log(value) }))).slope;
}

/** The least-squares line. @throws Error for fewer than two different x */
export function lineThrough(points: readonly { readonly x: number; readonly y: number }[]): {
  slope: number;
  intercept: number;
} {
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = mean(({ x }) => (x - meanX) ** 2);
  if (!(spread > 0)) throw new Error('a line needs two points');
  const slope = mean(({ x, y }) => (x - meanX) * (y - meanY)) / spread;
  return { slope, intercept: meanY - slope * meanX };
}
