import * as z from 'zod/mini';
import type { MetricData } from './metrics.ts';

/* CloudWatch's embedded metric format: a line of a function's log that CloudWatch turns into metrics. */

const Line = z.looseObject({
  _aws: z.object({
    Timestamp: z.number(),
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string() })),
      }),
    ),
  }),
});
const Values = z.union([
  z.pipe(
    z.number(),
    z.transform((value) => [value]),
  ),
  z.array(z.number()),
]);

/** Stores the metrics of a log line: one for each set of dimensions. @returns whether it has any */
export function addEmbedded(data: MetricData, line: string): boolean {
  if (!line.includes('"_aws"')) return false;
  const parsed = Line.parse(JSON.parse(line));
  const fields: Readonly<Record<string, unknown>> = parsed;
  const { Timestamp, CloudWatchMetrics } = parsed._aws;
  for (const { Namespace: namespace, Dimensions, Metrics } of CloudWatchMetrics) {
    for (const names of Dimensions) {
      const dimensions = Object.fromEntries(names.map((name) => [name, z.string().parse(fields[name])]));
      for (const { Name: name } of Metrics)
        for (const value of Values.parse(fields[name]))
          data.add({ namespace, name, dimensions }, Timestamp, value);
    }
  }
  return true;
}
