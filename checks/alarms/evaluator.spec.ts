import { describe, expect, it } from 'vitest';
import type { AlarmState } from './alarm-state.ts';
import { compositeState } from './composite.ts';
import { stateOf } from './evaluate.ts';
import { evaluateExpression } from './expression.ts';
import type { Series } from './metric-math.ts';

/* The evaluator gives the results that CloudWatch's documentation shows. */

const pointsOf = (text: string): Series =>
  text.split(' ').map((one) => (one === '-' ? undefined : Number(one.replace('X', '1'))));

describe('missing data, as in the tables of "Configuring how CloudWatch alarms treat missing data"', () => {
  const MISSING = 'INSUFFICIENT_DATA';
  /** `kept`: the state stays as it was. */
  it.each([
    ['0 - X - X', 3, 'OK', 'OK', 'OK', 'OK'],
    ['0 - - - -', 3, 'OK', 'OK', 'OK', 'OK'],
    ['- - - - -', 3, MISSING, 'kept', 'ALARM', 'OK'],
    ['0 X X - X', 3, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['- - X - -', 3, 'ALARM', 'kept', 'ALARM', 'OK'],
    ['- - - - X', 3, MISSING, 'kept', 'ALARM', 'OK'],
    ['0 - X - X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['0 0 X 0 X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['0 - X - -', 2, 'OK', 'OK', 'ALARM', 'OK'],
    ['- - - - 0', 2, 'OK', 'OK', 'ALARM', 'OK'],
    ['- - - X -', 2, 'ALARM', 'kept', 'ALARM', 'OK'],
  ])('%s with %i of 3 leads to %s, %s, %s and %s', (text, datapointsToAlarm, ...expected) => {
    const before: AlarmState = 'ALARM';
    const found = (['missing', 'ignore', 'breaching', 'notBreaching'] as const).map((treatMissingData) =>
      stateOf(
        { evaluationPeriods: 3, datapointsToAlarm, treatMissingData, isBreaching: (point) => point > 0 },
        before,
        pointsOf(text),
      ),
    );
    expect(found).toEqual(expected.map((state) => (state === 'kept' ? before : state)));
  });
});

describe('metric math, as in the examples of "Using metric math"', () => {
  const metrics = new Map(
    Object.entries({
      metric1: '30 20 0 0',
      metric2: '20 - 20 -',
      on: '1 1 0 0 -',
      good: '30 - 0 0 30',
      other: '0 0 20 - 20',
      none: '- - - -',
      rising: '60 - 180 0',
    }).map(([id, text]) => [id, pointsOf(text)]),
  );
  const evaluated = (expression: string, fillsEmptySeries = true) =>
    evaluateExpression(expression, { metrics, results: new Map(), period: 60, length: 4, fillsEmptySeries });

  it.each([
    ['metric1 < metric2', '0 0 1 0'],
    ['metric1 >= 30', '1 0 0 0'],
    ['metric1 > 15 AND metric2 > 15', '1 0 0 0'],
    ['IF(on, good, other)', '30 0 20 - -'],
    ['IF(on, 5, other)', '5 5 20 - -'],
    ['IF(on, good, 5)', '30 0 5 5 -'],
    ['metric1 / metric2', '1.5 - 0 -'],
    ['metric1 + none', '30 20 0 0'],
    ['FILL(metric2, 7)', '20 7 20 7'],
    ['FILL(none, 0)', '0 0 0 0'],
    ['RATE(rising)', '- - 1 -3'],
    ['SUM([metric1, metric2])', '50 20 20 0'],
    ['MAX([metric1, metric2]) - MIN(metric1)', '30 20 20 0'],
    ['100 * metric1 / SUM(metric1)', '60 40 0 0'],
    ['SUM(METRICS("metric"))', '50 20 20 0'],
    ['-metric1 * 2 ^ 2', '-120 -80 0 0'],
    ['IF(metric1 == 20 || metric1 == 30, 1, 0)', '1 1 0 0'],
  ])('%s is %s', (expression, text) => {
    expect(evaluated(expression)).toEqual(pointsOf(text));
  });

  it('a series without a value stays empty in the reading in which FILL fills no empty series', () => {
    expect(evaluated('FILL(none, 0)', false)).toEqual(pointsOf('- - - -'));
  });

  it.each(['SEARCH("a")', 'metric3 + 1', 'SUM(metric1)', 'metric1 +', 'metric1 metric2', 'metric1 % 2'])(
    '%s is refused',
    (expression) => {
      expect(() => evaluated(expression)).toThrow();
    },
  );
});

describe('composite alarms', () => {
  const stateOfAlarm = (alarm: string): AlarmState => (alarm.startsWith('bad') ? 'ALARM' : 'OK');
  it.each([
    ['ALARM(bad-1) AND ALARM("bad 2")', 'ALARM'],
    ['ALARM(bad-1) AND NOT ALARM(bad-2)', 'OK'],
    ['(ALARM(good) OR ALARM(bad)) AND OK(good)', 'ALARM'],
    ['INSUFFICIENT_DATA(bad) OR FALSE', 'OK'],
    ['NOT (ALARM(good) OR TRUE)', 'OK'],
  ])('%s is %s', (rule, state) => {
    expect(compositeState(rule, stateOfAlarm)).toBe(state);
  });
});
