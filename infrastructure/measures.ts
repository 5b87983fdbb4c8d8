import type { BusinessMetric } from '../lib/runtime/observe.ts';
import { BACKUP_VAULT } from './backup.ts';
import type { DeployedService } from './service.ts';
import { attribute, ref } from './template.ts';

export type DimensionValue = string | ReturnType<typeof ref> | ReturnType<typeof attribute>;

/** One metric in CloudWatch, with its statistic. */
export interface Measure {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, DimensionValue>>;
  /** `Sum`, `Maximum`, `p95`, … */
  readonly stat: string;
}

/**
 * A metric of our own code. The type lists the metrics that the code emits, so an alarm cannot use any other.
 */
export const business = ({ name, metricsNamespace }: DeployedService, metric: BusinessMetric): Measure => ({
  namespace: metricsNamespace,
  name: metric,
  dimensions: { service: name }, // lib/runtime/output.ts adds it to every metric
  stat: 'Sum',
});

/** The metric that a filter of the gateway's access log counts. It has no dimension. */
export const GATEWAY_THROTTLED = 'GatewayThrottled';

/** Requests that the gateway itself answered with 429, before any function. */
export const gatewayThrottled = ({ metricsNamespace }: DeployedService): Measure => ({
  namespace: metricsNamespace,
  name: GATEWAY_THROTTLED,
  dimensions: {},
  stat: 'Sum',
});

/** A gauge of our own code: the highest value of a period counts. */
export const gauge = (service: DeployedService, metric: BusinessMetric): Measure => ({
  ...business(service, metric),
  stat: 'Maximum',
});

/** A metric of one version of a function. The functions that have versions add these dimensions. */
export const ofVersion = (
  service: DeployedService,
  metric: BusinessMetric,
  logicalId: string,
  version: DimensionValue,
): Measure => ({
  ...business(service, metric),
  dimensions: { service: service.name, function_name: ref(logicalId), function_version: version },
});

/** The HTTP API as a whole. */
export const api = (name: 'Count' | '4xx' | '5xx' | 'Latency', stat: string): Measure => ({
  namespace: 'AWS/ApiGateway',
  name,
  dimensions: { ApiId: ref('HttpApi'), Stage: '$default' },
  stat,
});

export type LambdaMetric = 'Errors' | 'Throttles' | 'Duration' | 'ConcurrentExecutions' | 'IteratorAge';

/** A metric of a function over all its versions. */
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

/** The index of due work. Its writes are part of the table's writes, and throttle them. */
export const index = (name: string): Measure => ({
  namespace: 'AWS/DynamoDB',
  name,
  dimensions: { TableName: ref('LedgerTable'), GlobalSecondaryIndexName: 'due' },
  stat: 'Sum',
});

/** A rate that SES computes for the whole account. Above its limits, SES stops sending. */
export const mail = (name: 'Reputation.BounceRate' | 'Reputation.ComplaintRate'): Measure => ({
  namespace: 'AWS/SES',
  name,
  dimensions: {},
  stat: 'Maximum',
});

/** The number of messages in a queue. */
export const queue = (logicalId: string): Measure => ({
  namespace: 'AWS/SQS',
  name: 'ApproximateNumberOfMessagesVisible',
  dimensions: { QueueName: attribute(logicalId, 'QueueName') },
  stat: 'Maximum',
});

/** The copies of backups that AWS Backup finished. The vaults on both sides have one name. */
export const copies = (): Measure => ({
  namespace: 'AWS/Backup',
  name: 'NumberOfCopyJobsCompleted',
  dimensions: { BackupVaultName: ref(BACKUP_VAULT) },
  stat: 'Sum',
});
