/*
 * CloudWatch's metric math, written from its documentation ("Using metric math"): which functions there are,
 * and what each makes of missing data. Only what is allowed in an alarm.
 */

/** One value for each period, the oldest first. Undefined: no data in that period. */
export type Series = readonly (number | undefined)[];

export type Value =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'series'; readonly points: Series }
  | { readonly kind: 'array'; readonly all: readonly Series[] };

export interface MathContext {
  /** The metrics of the alarm, by id. */
  readonly metrics: ReadonlyMap<string, Series>;
  /** The results of the alarm's other expressions, by id. METRICS() leaves them out. */
  readonly results: ReadonlyMap<string, Series>;
  /** Seconds. */
  readonly period: number;
  readonly length: number;
  /** The documentation does not say whether FILL fills a series without a single value. */
  readonly fillsEmptySeries: boolean;
}

const scalar = (value: number): Value => ({ kind: 'scalar', value });
const series = (points: Series): Value => ({ kind: 'series', points });
const isEmpty = (points: Series): boolean => points.every((point) => point === undefined);
const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);
const truth = (value: boolean): number => Number(value);

type Operator = (left: number, right: number) => number;

const OPERATORS: Readonly<Record<string, Operator>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '^': (a, b) => a ** b,
  '==': (a, b) => truth(a === b),
  '!=': (a, b) => truth(a !== b),
  '<=': (a, b) => truth(a <= b),
  '>=': (a, b) => truth(a >= b),
  '<': (a, b) => truth(a < b),
  '>': (a, b) => truth(a > b),
  AND: (a, b) => truth(a !== 0 && b !== 0),
  OR: (a, b) => truth(a !== 0 || b !== 0),
};

/** @throws Error for an operator that does not exist, or operands it does not take */
export function combine(operator: string, left: Value, right: Value): Value {
  const apply = OPERATORS[operator];
  if (apply === undefined) throw new Error(`metric math has no operator ${operator}`);
  if (left.kind === 'array' || right.kind === 'array') return combineArrays(operator, left, right);
  if (left.kind === 'scalar' && right.kind === 'scalar') return scalar(apply(left.value, right.value));
  return series(pointwise(apply, left, right));
}

function combineArrays(operator: string, left: Value, right: Value): Value {
  const each = (one: Value, of: (points: Series) => Value) =>
    one.kind === 'array' ? one.all.map((points) => pointsOf(of(points))) : [];
  if (left.kind === 'array' && right.kind === 'array')
    throw new Error(`${operator} does not take two arrays of time series`);
  const all =
    left.kind === 'array'
      ? each(left, (points) => combine(operator, series(points), right))
      : each(right, (points) => combine(operator, left, series(points)));
  return { kind: 'array', all };
}

/** Where one series has a value, a missing value of the other counts as 0. A division by 0 is dropped. */
function pointwise(apply: Operator, left: Value, right: Value): Series {
  const at = (value: Value, i: number) => (value.kind === 'series' ? value.points[i] : undefined);
  const length = left.kind === 'series' ? left.points.length : pointsOf(right).length;
  return Array.from({ length }, (_, i) => {
    const [one, other] = [at(left, i), at(right, i)];
    if (one === undefined && other === undefined) return undefined;
    const numberOf = (value: Value, point: number | undefined) =>
      value.kind === 'scalar' ? value.value : (point ?? 0);
    return finite(apply(numberOf(left, one), numberOf(right, other)));
  });
}

/** @throws Error if the value is not one time series */
export function pointsOf(value: Value): Series {
  if (value.kind === 'series') return value.points;
  throw new Error('a time series is needed here');
}

export const negative = (value: Value): Value => combine('-', scalar(0), value);

type MathFunction = (args: readonly Value[], context: MathContext) => Value;

/** A function of each point, for a series or an array of them. */
const each =
  (of: (point: number) => number): MathFunction =>
  ([value]) =>
    mapSeries(value, (points) =>
      points.map((point) => (point === undefined ? undefined : finite(of(point)))),
    );

function mapSeries(value: Value | undefined, of: (points: Series) => Series): Value {
  if (value?.kind === 'array') return { kind: 'array', all: value.all.map(of) };
  return series(of(pointsOf(value ?? scalar(0))));
}

/** Of a series: one number. Of an array: a series, in which missing values count as 0. */
const over =
  (of: (values: readonly number[]) => number): MathFunction =>
  ([value]) => {
    if (value?.kind !== 'array') {
      const points = pointsOf(value ?? scalar(0)).filter((point) => point !== undefined);
      return scalar(points.length === 0 ? 0 : of(points));
    }
    const length = Math.max(0, ...value.all.map((points) => points.length));
    return series(
      Array.from({ length }, (_, i) => {
        const column = value.all.map((points) => points[i]);
        return column.every((point) => point === undefined) ? undefined : of(column.map((one) => one ?? 0));
      }),
    );
  };

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The difference from the value before, which need not be in the period before. */
const difference = (points: Series, per: (seconds: number) => number, period: number): Series => {
  let before: number | undefined;
  return points.map((point, i) => {
    const previous = before === undefined ? undefined : points[before];
    const from = before;
    if (point !== undefined) before = i;
    if (point === undefined || previous === undefined || from === undefined) return undefined;
    return (point - previous) / per((i - from) * period);
  });
};

function fill([value, filler]: readonly Value[], { fillsEmptySeries }: MathContext): Value {
  if (filler === undefined) throw new Error('FILL takes two arguments');
  return mapSeries(value, (points) => {
    if (isEmpty(points) && !fillsEmptySeries) return points;
    return points.map((point, i) => point ?? (filler.kind === 'scalar' ? filler.value : pointsOf(filler)[i]));
  });
}

/**
 * A period in which the condition has no value is dropped. Where the condition holds, a missing value counts
 * as 0. Where it does not, a missing value is dropped.
 */
function choose([condition, then, otherwise]: readonly Value[]): Value {
  if (condition === undefined || then === undefined) throw new Error('IF takes two or three arguments');
  const at = (value: Value | undefined, i: number) =>
    value?.kind === 'scalar' ? value.value : value === undefined ? undefined : pointsOf(value)[i];
  if (condition.kind === 'scalar') {
    const chosen = condition.value === 0 ? otherwise : then;
    return chosen ?? series([]);
  }
  return series(
    pointsOf(condition).map((holds, i) => {
      if (holds === undefined) return undefined;
      return holds === 0 ? at(otherwise, i) : (at(then, i) ?? 0);
    }),
  );
}

/** Every function that an alarm of ours may use. SEARCH is refused by CloudWatch in alarms. */
export const FUNCTIONS: Readonly<Record<string, MathFunction>> = {
  ABS: each(Math.abs),
  CEIL: each(Math.ceil),
  FLOOR: each(Math.floor),
  LOG: each(Math.log),
  LOG10: each(Math.log10),
  SUM: over(sum),
  AVG: over((values) => sum(values) / values.length),
  MIN: over((values) => Math.min(...values)),
  MAX: over((values) => Math.max(...values)),
  IF: choose,
  FILL: fill,
  DIFF: ([value], { period }) => mapSeries(value, (points) => difference(points, () => 1, period)),
  RATE: ([value], { period }) => mapSeries(value, (points) => difference(points, (s) => s, period)),
  RUNNING_SUM: ([value]) =>
    mapSeries(value, (points) => {
      let total = 0;
      return points.map((point) => {
        total += point ?? 0;
        return point === undefined ? undefined : total;
      });
    }),
  PERIOD: (_, { period }) => scalar(period),
  TIME_SERIES: ([value], { length }) =>
    series(Array.from({ length }, () => (value?.kind === 'scalar' ? value.value : undefined))),
  METRICS: (_, { metrics }) => ({ kind: 'array', all: [...metrics.values()] }),
  METRIC_COUNT: ([value]) => scalar(value?.kind === 'array' ? value.all.length : 1),
  DATAPOINT_COUNT: ([value], context) => {
    const reported = mapSeries(value, (points) => points.map((point) => (point === undefined ? 0 : 1)));
    return over(sum)([reported], context);
  },
  FIRST: ([value]) => series(value?.kind === 'array' ? (value.all[0] ?? []) : pointsOf(value ?? scalar(0))),
  LAST: ([value]) =>
    series(value?.kind === 'array' ? (value.all.at(-1) ?? []) : pointsOf(value ?? scalar(0))),
  REMOVE_EMPTY: ([value]) =>
    value?.kind === 'array'
      ? { kind: 'array', all: value.all.filter((points) => !isEmpty(points)) }
      : (value ?? scalar(0)),
};
