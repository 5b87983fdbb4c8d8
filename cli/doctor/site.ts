import { ACMClient } from '@aws-sdk/client-acm';
import { ApiGatewayV2Client } from '@aws-sdk/client-apigatewayv2';
import { BackupClient } from '@aws-sdk/client-backup';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { DescribeTableCommand, type DynamoDBClient, type TableDescription } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, type Rule } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import type Stripe from 'stripe';
import { WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { listWebhookEndpoints } from '../../lib/stripe/setup/webhook-endpoint.ts';
import type { LocalStack } from '../stage/stage.ts';
import {
  type DeployedStack,
  type Parameter,
  readAlarms,
  readParameter,
  readRules,
  readStack,
  readSubscription,
  type Subscription,
} from './aws-reads.ts';
import type { Definition } from './definition.ts';

/** The parameters of a stage with its Stripe settings. */
export type ParameterName = 'stripe-secret-key' | 'stripe-webhook-secrets' | 'stripe-pro-price-id';

/** The stage that the checks examine. Each fact is read once, even if several checks use it. */
export interface Site {
  readonly definition: Definition;
  /** Null for a deployed stage. */
  readonly local: LocalStack | null;
  readonly dynamodb: DynamoDBClient;
  readonly lambda: LambdaClient;
  readonly sqs: SQSClient;
  readonly ses: SESv2Client;
  readonly acm: ACMClient;
  readonly gateway: ApiGatewayV2Client;
  readonly backup: BackupClient;
  readonly now: () => Date;
  /** Whether an address is subscribed to an SNS topic. */
  subscription(topicArn: string, address: string): Promise<Subscription>;
  table(): Promise<TableDescription>;
  /** Null if there is no such stack. */
  stack(): Promise<DeployedStack | null>;
  alarms(): Promise<readonly MetricAlarm[]>;
  rules(): Promise<readonly Rule[]>;
  /** Null if there is no such parameter. */
  parameter(name: ParameterName): Promise<Parameter | null>;
  /** The address of the API. */
  url(): Promise<string>;
  webhookUrl(): Promise<string>;
  secretKey(): Promise<string>;
  proPriceId(): Promise<string>;
  stripe(): Promise<Stripe>;
  webhookEndpoints(): Promise<readonly Stripe.WebhookEndpoint[]>;
}

export interface SiteOptions {
  readonly definition: Definition;
  readonly dynamodb: DynamoDBClient;
  readonly local: LocalStack | null;
  /** A server other than Stripe's, for a deployed stage. */
  readonly stripeApiBase: string | undefined;
  readonly now: () => Date;
}

/** For checks of AWS resources that a local stack does not have. */
export const absentOnLocalStack = ({ local }: Site): string | null =>
  local === null ? null : 'not on a local stack';

/** Two tries of a call fit into the time limit of a check. */
export const CLIENT = {
  maxAttempts: 2,
  // Without throwOnRequestTimeout the SDK only logs a warning, and an unanswered call keeps the process
  // alive.
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 6_000, throwOnRequestTimeout: true },
} as const;

/** Creates the clients for a stage, and reads nothing yet. Idle clients do not keep the process alive. */
export function openSite({ definition, dynamodb, local, stripeApiBase, now }: SiteOptions): Site {
  const cloudformation = new CloudFormationClient(CLIENT);
  const cloudwatch = new CloudWatchClient(CLIENT);
  const eventbridge = new EventBridgeClient(CLIENT);
  const ssm = new SSMClient(CLIENT);
  const { stackName, tableName, parameters } = definition;
  const apiBase = local === null ? stripeApiBase : local.stripe.apiBase;

  const parameter = memoizeByKey((name: ParameterName) => readParameter(ssm, `${parameters}/${name}`));
  const required = async (name: ParameterName): Promise<string> => {
    const found = await parameter(name);
    if (found === null) throw new Error(`there is no parameter ${parameters}/${name}`);
    return found.value;
  };
  const stack = memoize(() => readStack(cloudformation, stackName));

  const sqs = new SQSClient(CLIENT);
  const site: Site = {
    definition,
    local,
    dynamodb,
    lambda: new LambdaClient(CLIENT),
    sqs,
    ses: new SESv2Client(CLIENT),
    acm: new ACMClient(CLIENT),
    gateway: new ApiGatewayV2Client(CLIENT),
    backup: new BackupClient(CLIENT),
    now,
    subscription: (topicArn, address) => readSubscription(sqs, topicArn, address),
    table: memoize(async () => {
      const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: tableName }));
      if (Table === undefined) throw new Error('DynamoDB answered without a table');
      return Table;
    }),
    stack,
    alarms: memoize(() => readAlarms(cloudwatch, `${stackName}-`)),
    rules: memoize(() => readRules(eventbridge, `${stackName}-`)),
    parameter,
    url: async () => {
      const url = local === null ? (await stack())?.apiUrl : local.url;
      if (url === undefined || url === null) throw new Error(`the stack ${stackName} has no output ApiUrl`);
      return url.replace(/\/$/, '');
    },
    webhookUrl: async () => (await site.url()) + WEBHOOK_PATH,
    secretKey: async () => local?.stripe.secretKey ?? required('stripe-secret-key'),
    proPriceId: async () => local?.stripe.proPriceId ?? required('stripe-pro-price-id'),
    stripe: memoize(async () => openSetupStripe(await site.secretKey(), apiBase)),
    webhookEndpoints: memoize(async () => listWebhookEndpoints(await site.stripe())),
  };
  return site;
}

/** Reads once. Later calls return the same result or failure. */
function memoize<T>(read: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= read();
    return result;
  };
}

/** Reads once for each key. */
function memoizeByKey<K, T>(read: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const reads = new Map<K, () => Promise<T>>();
  return (key) => {
    const cached = reads.get(key) ?? memoize(() => read(key));
    reads.set(key, cached);
    return cached();
  };
}
