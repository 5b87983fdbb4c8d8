import { runInNewContext } from 'node:vm';
import * as z from 'zod/mini';
import type { Template } from './template.ts';

const Alarm = z.object({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  ActionsEnabled: z._default(z.boolean(), true),
  AlarmActions: z.array(z.unknown()),
  OKActions: z.array(z.unknown()),
  TreatMissingData: z.enum(['breaching', 'notBreaching', 'ignore']),
  ComparisonOperator: z.enum(['GreaterThanThreshold', 'LessThanThreshold']),
  Threshold: z.number(),
  EvaluationPeriods: z.number(),
  DatapointsToAlarm: z.number(),
  Metrics: z.array(
    z.object({
      Id: z.string(),
      ReturnData: z.boolean(),
      Expression: z.optional(z.string()),
      MetricStat: z.optional(
        z.object({
          Stat: z.string(),
          Period: z.number(),
          Metric: z.object({
            Namespace: z.string(),
            MetricName: z.string(),
            Dimensions: z.array(z.object({ Name: z.string(), Value: z.unknown() })),
          }),
        }),
      ),
    }),
  ),
});

/** The alarms of a template, each with its metrics. */
export function alarmsOf(template: Template) {
  return template.ofType('AWS::CloudWatch::Alarm').map(({ id, properties }) => {
    const alarm = Alarm.parse(properties);
    return {
      ...alarm,
      id,
      sounds: soundsWhen(alarm),
      watches: alarm.Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []),
    };
  });
}

/** One line such as `Sum > 0, 1 of 1 times 5 minutes`. Contains `rate` for metric math. */
function soundsWhen(alarm: z.output<typeof Alarm>): string {
  const stats = alarm.Metrics.flatMap(({ MetricStat }) => MetricStat ?? []);
  const periods = new Set(stats.map(({ Period }) => Period / 60));
  const isRate = alarm.Metrics.some(({ Expression }) => Expression !== undefined);
  const what = [...new Set(stats.map(({ Stat }) => Stat))].join(' and ') + (isRate ? ' rate' : '');
  const sign = alarm.ComparisonOperator === 'GreaterThanThreshold' ? '>' : '<';
  const times = `${alarm.DatapointsToAlarm} of ${alarm.EvaluationPeriods}`;
  return `${what} ${sign} ${alarm.Threshold}, ${times} times ${[...periods].join(' and ')} minutes`;
}

/** Evaluates an alarm's metric math. Metrics not in `counts` are missing. Supports only IF and FILL. */
export function calculated(expression: string, counts: Readonly<Record<string, number>>): unknown {
  const names = expression.match(/\b[a-z]\w*/g) ?? [];
  return runInNewContext(expression, {
    ...Object.fromEntries(names.map((name) => [name, counts[name]])),
    IF: (isSo: boolean, then: number, otherwise: number) => (isSo ? then : otherwise),
    FILL: (count: number | undefined, otherwise: number) => count ?? otherwise,
  });
}
