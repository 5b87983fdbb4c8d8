import type { BusinessMetric } from '../lib/runtime/observe.ts';
import type { DeployedService } from './service.ts';
import { attribute, ref } from './template.ts';

export type DimensionValue = string | ReturnType<typeof ref> | ReturnType<typeof attribute>;

/** One series of numbers in CloudWatch. */
export interface Measure {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, DimensionValue>>;
  /** `Sum`, `Maximum`, `p95`, … */
  readonly stat: string;
}

/** What the code counts; the type is the code's own list, so no alarm can look at what nobody counts. */
export const business = ({ name, metricsNamespace }: DeployedService, metric: BusinessMetric): Measure => ({
  namespace: metricsNamespace,
  name: metric,
  dimensions: { service: name }, // Powertools adds it to every metric
  stat: 'Sum',
});

/** The HTTP API as a whole. */
export const api = (name: 'Count' | '4xx' | '5xx' | 'Latency', stat: string): Measure => ({
  namespace: 'AWS/ApiGateway',
  name,
  dimensions: { ApiId: ref('HttpApi'), Stage: '$default' },
  stat,
});

export type LambdaMetric = 'Errors' | 'Throttles' | 'Duration' | 'ConcurrentExecutions' | 'IteratorAge';

/** A function, in all its versions. */
export const lambda = (logicalId: string, name: LambdaMetric, stat: string): Measure => ({
  namespace: 'AWS/Lambda',
  name,
  dimensions: { FunctionName: ref(logicalId) },
  stat,
});

export const table = (name: string): Measure => ({
  namespace: 'AWS/DynamoDB',
  name,
  dimensions: { TableName: ref('LedgerTable') },
  stat: 'Sum',
});

/** How much lies in a queue. */
export const queue = (logicalId: string): Measure => ({
  namespace: 'AWS/SQS',
  name: 'ApproximateNumberOfMessagesVisible',
  dimensions: { QueueName: attribute(logicalId, 'QueueName') },
  stat: 'Maximum',
});
