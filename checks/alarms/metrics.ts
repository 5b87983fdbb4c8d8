/* Metric data as CloudWatch stores it: at a resolution of one minute, by namespace, name and dimensions. */

export const MINUTE_MS = 60_000;

export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** All dimensions count: a metric with another set of dimensions is another metric. */
function keyOf({ namespace, name, dimensions }: MetricName): string {
  const sorted = Object.entries(dimensions).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([namespace, name, sorted]);
}

export class MetricData {
  readonly #minutes = new Map<string, Map<number, number[]>>();
  /** Statistics by their first minute, until data is added. Each is needed for several periods. */
  readonly #windows = new Map<string, Map<number, number | undefined>>();

  add(metric: MetricName, atMs: number, value: number): void {
    this.#windows.clear();
    const key = keyOf(metric);
    const byMinute = this.#minutes.get(key) ?? new Map<number, number[]>();
    this.#minutes.set(key, byMinute);
    const minute = Math.floor(atMs / MINUTE_MS);
    const values = byMinute.get(minute);
    if (values === undefined) byMinute.set(minute, [value]);
    else values.push(value);
  }

  /**
   * A statistic for each of the last `count` periods that end before `endMinute`, the oldest first.
   * @throws Error for a statistic that is not known here
   */
  statistics(metric: MetricName, stat: string, endMinute: number, minutes: number, count: number) {
    const key = keyOf(metric);
    const byMinute = this.#minutes.get(key);
    if (byMinute === undefined) return Array.from({ length: count }, () => undefined);
    const known = `${key} ${stat} ${minutes}`;
    const windows = this.#windows.get(known) ?? new Map<number, number | undefined>();
    this.#windows.set(known, windows);
    return Array.from({ length: count }, (_, i) => {
      const start = endMinute - (count - i) * minutes;
      if (!windows.has(start)) windows.set(start, statistic(byMinute, stat, start, minutes));
      return windows.get(start);
    });
  }

  /** Copies the data of some minutes to `times` stretches of the same length, one after the other. */
  copy(fromMinute: number, minutes: number, toMinute: number, times: number): void {
    this.#windows.clear();
    for (const byMinute of this.#minutes.values()) {
      const found = [...byMinute].filter(([minute]) => minute >= fromMinute && minute < fromMinute + minutes);
      for (let time = 0; time < times; time++)
        for (const [minute, values] of found)
          byMinute.set(minute - fromMinute + toMinute + time * minutes, [...values]);
    }
  }
}

function statistic(
  byMinute: ReadonlyMap<number, readonly number[]>,
  stat: string,
  start: number,
  minutes: number,
): number | undefined {
  const values: number[] = [];
  for (let minute = start; minute < start + minutes; minute++) {
    const found = byMinute.get(minute);
    if (found !== undefined) values.push(...found);
  }
  return values.length === 0 ? undefined : statisticOf(stat)(values);
}

function statisticOf(stat: string): (values: readonly number[]) => number {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const percentile = /^p(\d+(?:\.\d+)?)$/.exec(stat)?.[1];
  if (percentile !== undefined) {
    return (values) => {
      const sorted = values.toSorted((a, b) => a - b);
      return sorted[Math.max(0, Math.ceil((Number(percentile) / 100) * sorted.length) - 1)] ?? 0;
    };
  }
  switch (stat) {
    case 'Sum':
      return sum;
    case 'Maximum':
      return (values) => Math.max(...values);
    case 'Minimum':
      return (values) => Math.min(...values);
    case 'Average':
      return (values) => sum(values) / values.length;
    case 'SampleCount':
      return (values) => values.length;
    default:
      throw new Error(`the statistic ${stat} is not known`);
  }
}
