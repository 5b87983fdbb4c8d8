import type { AlarmState } from './alarm-state.ts';
import { compositeState } from './composite.ts';
import { evaluateExpression } from './expression.ts';
import type { MetricAlarm, TemplateAlarms } from './from-template.ts';
import type { Series } from './metric-math.ts';
import type { MetricData } from './metrics.ts';

/*
 * Evaluates alarms as CloudWatch documents it ("Alarm evaluation", "Configuring how CloudWatch alarms treat
 * missing data").
 */

/** A way to read the documentation where it leaves something open. */
export interface Reading {
  /** Periods that are read beyond the evaluation periods, in case some are missing. */
  readonly extraPeriods: number;
  readonly fillsEmptySeries: boolean;
}

/** The documentation's examples read two periods more. An alarm must do what we promise in each reading. */
export const READINGS: readonly Reading[] = [
  { extraPeriods: 2, fillsEmptySeries: true },
  { extraPeriods: 2, fillsEmptySeries: false },
  { extraPeriods: 0, fillsEmptySeries: true },
  { extraPeriods: 4, fillsEmptySeries: false },
];

export interface Change {
  readonly alarm: string;
  /** The change happens at the start of this minute. */
  readonly minute: number;
  readonly state: AlarmState;
}

const DAY_SECONDS = 24 * 60 * 60;
const HOUR_MINUTES = 60;

/** The changes of state from one minute to another, by the evaluation at the start of each minute. */
export function changes(
  { metricAlarms, compositeAlarms }: TemplateAlarms,
  data: MetricData,
  reading: Reading,
  { from, to, start = 'INSUFFICIENT_DATA' }: { from: number; to: number; start?: AlarmState },
): Change[] {
  const all: Change[] = [];
  const states = new Map<string, AlarmState>();
  const note = (alarm: string, minute: number, state: AlarmState) => {
    if ((states.get(alarm) ?? start) !== state) all.push({ alarm, minute, state });
    states.set(alarm, state);
  };
  for (let minute = from; minute <= to; minute++) {
    for (const alarm of metricAlarms) {
      // CloudWatch evaluates an alarm that looks back for more than a day once an hour.
      const isLong = alarm.evaluationPeriods * alarm.period > DAY_SECONDS;
      if (isLong && minute % HOUR_MINUTES !== 0) continue;
      const before = states.get(alarm.name) ?? start;
      note(alarm.name, minute, stateOf(alarm, before, pointsAt(alarm, data, minute, reading)));
    }
    for (const { name, rule } of compositeAlarms)
      note(
        name,
        minute,
        compositeState(rule, (one) => states.get(one) ?? start),
      );
  }
  return all;
}

/** The data points in an alarm's evaluation range, which ends before `minute`. The window slides. */
function pointsAt(alarm: MetricAlarm, data: MetricData, minute: number, reading: Reading): Series {
  const { period, evaluationPeriods, metrics, expressions, watched } = alarm;
  const count = evaluationPeriods + reading.extraPeriods;
  const found = new Map(
    metrics.map(({ id, metric, stat }) => [id, data.statistics(metric, stat, minute, period / 60, count)]),
  );
  const results = new Map<string, Series>();
  const { fillsEmptySeries } = reading;
  const context = { metrics: found, results, period, length: count, fillsEmptySeries };
  for (const { id, expression } of expressions) results.set(id, evaluateExpression(expression, context));
  return results.get(watched) ?? found.get(watched) ?? [];
}

/** The state that these data points lead to. */
export function stateOf(
  alarm: Pick<MetricAlarm, 'isBreaching' | 'evaluationPeriods' | 'datapointsToAlarm' | 'treatMissingData'>,
  before: AlarmState,
  points: Series,
): AlarmState {
  const { evaluationPeriods, datapointsToAlarm, treatMissingData, isBreaching } = alarm;
  const real = points.filter((point) => point !== undefined);
  const used = real.slice(-evaluationPeriods).map(isBreaching);
  const bad = used.filter(Boolean).length;
  const missing = evaluationPeriods - used.length;
  if (missing === 0) return bad >= datapointsToAlarm ? 'ALARM' : 'OK';
  if (treatMissingData === 'breaching') return bad + missing >= datapointsToAlarm ? 'ALARM' : 'OK';
  if (treatMissingData === 'notBreaching' || bad >= datapointsToAlarm)
    return bad >= datapointsToAlarm ? 'ALARM' : 'OK';
  if (used.some((isBad) => !isBad)) return 'OK';
  if (treatMissingData === 'ignore') return before;
  // "Avoiding premature transitions to alarm state": the breach is old, and only gaps followed.
  const oldest = points.findIndex((point) => point !== undefined);
  const isOld = oldest >= 0 && points.length - oldest >= datapointsToAlarm;
  return isOld ? 'ALARM' : 'INSUFFICIENT_DATA';
}
