/** How something grows with what it is counted against. */
export type Growth = 'flat' | 'linear' | 'neither';

export interface Measured {
  readonly count: number;
  readonly value: number;
}

/** Of a power law: ten times as many cost less than a third more, a thousand times as many less than twice as much. */
const MAX_FLAT_EXPONENT = 0.1;
/** Units are rounded up for each item that is read. */
const MAX_DISTANCE_FROM_LINE = 0.05;

/** @param points with counts above 0, from few to many */
export function growthOf(points: readonly Measured[]): Growth {
  if (exponentOf(points) <= MAX_FLAT_EXPONENT) return 'flat';
  const { slope, intercept } = lineThrough(points.map(({ count, value }) => ({ x: count, y: value })));
  const isOnLine = points.every(({ count, value }) => {
    const distance = Math.abs(intercept + slope * count - value);
    return distance <= Math.max(1, value * MAX_DISTANCE_FROM_LINE);
  });
  return isOnLine ? 'linear' : 'neither';
}

/** The exponent of the power of `count` that fits best: 0 for what does not grow, 1 for what grows with it. */
export function exponentOf(points: readonly Measured[]): number {
  return lineThrough(points.map(({ count, value }) => ({ x: Math.log(count), y: Math.log(value) }))).slope;
}

/** The line of the least squares. @throws Error for fewer than two different x */
export function lineThrough(points: readonly { readonly x: number; readonly y: number }[]): {
  slope: number;
  intercept: number;
} {
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = mean(({ x }) => (x - meanX) ** 2);
  if (!(spread > 0)) throw new Error('a line through one place');
  const slope = mean(({ x, y }) => (x - meanX) * (y - meanY)) / spread;
  return { slope, intercept: meanY - slope * meanX };
}
