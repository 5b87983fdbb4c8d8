import * as z from 'zod/mini';
import type { Template } from './template.ts';

const Alarm = z.object({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.unknown()),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
  Threshold: z.number(),
  Metrics: z.array(
    z.object({
      Id: z.string(),
      ReturnData: z.boolean(),
      Expression: z.optional(z.string()),
      MetricStat: z.optional(
        z.object({
          Stat: z.string(),
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

export type WatchedMetric = NonNullable<z.output<typeof Alarm>['Metrics'][number]['MetricStat']>['Metric'];

/** The alarms of a template, each with what it looks at. */
export function alarmsOf(template: Template) {
  return template.ofType('AWS::CloudWatch::Alarm').map(({ id, properties }) => {
    const alarm = Alarm.parse(properties);
    return { ...alarm, id, watches: alarm.Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []) };
  });
}
