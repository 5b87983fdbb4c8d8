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

/** Parameters of a stage that hold what it needs to know of Stripe. */
export type ParameterName = 'stripe-secret-key' | 'stripe-webhook-secrets' | 'stripe-pro-price-id';

/** What the checks look at. Each fact is asked for once, however many checks go by it. */
export interface Site {
  readonly definition: Definition;
  /** Null where it is deployed. */
  readonly local: LocalStack | null;
  readonly dynamodb: DynamoDBClient;
  readonly lambda: LambdaClient;
  readonly sqs: SQSClient;
  readonly ses: SESv2Client;
  /** Whether an address is subscribed to a topic of SNS. */
  subscription(topicArn: string, address: string): Promise<Subscription>;
  table(): Promise<TableDescription>;
  /** Null where there is no such stack. */
  stack(): Promise<DeployedStack | null>;
  alarms(): Promise<readonly MetricAlarm[]>;
  rules(): Promise<readonly Rule[]>;
  /** Null where there is no such parameter. */
  parameter(name: ParameterName): Promise<Parameter | null>;
  /** Where the API is. */
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
  /** Another server than Stripe's own, for a deployed stage. */
  readonly stripeApiBase: string | undefined;
}

/** What AWS does for a stage, nothing does on one machine. */
export const onThisMachine = ({ local }: Site): string | null =>
  local === null ? null : 'not on this machine';

/** Each call of AWS's: two tries, so that the time of a check is enough for both. */
const CLIENT = {
  maxAttempts: 2,
  // Without the last, the time is only warned of, and a call that is not answered holds the process.
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 6_000, throwOnRequestTimeout: true },
} as const;

/** Opens what the checks look at; nothing is asked yet. The clients keep no connection that would hold the process. */
export function openSite({ definition, dynamodb, local, stripeApiBase }: SiteOptions): Site {
  const cloudformation = new CloudFormationClient(CLIENT);
  const cloudwatch = new CloudWatchClient(CLIENT);
  const eventbridge = new EventBridgeClient(CLIENT);
  const ssm = new SSMClient(CLIENT);
  const { stackName, tableName, parameters } = definition;
  const apiBase = local === null ? stripeApiBase : local.stripe.apiBase;

  const parameter = onceEach((name: ParameterName) => readParameter(ssm, `${parameters}/${name}`));
  const required = async (name: ParameterName): Promise<string> => {
    const found = await parameter(name);
    if (found === null) throw new Error(`there is no parameter ${parameters}/${name}`);
    return found.value;
  };
  const stack = once(() => readStack(cloudformation, stackName));

  const sqs = new SQSClient(CLIENT);
  const site: Site = {
    definition,
    local,
    dynamodb,
    lambda: new LambdaClient(CLIENT),
    sqs,
    ses: new SESv2Client(CLIENT),
    subscription: (topicArn, address) => readSubscription(sqs, topicArn, address),
    table: once(async () => {
      const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: tableName }));
      if (Table === undefined) throw new Error('DynamoDB answered without a table');
      return Table;
    }),
    stack,
    alarms: once(() => readAlarms(cloudwatch, `${stackName}-`)),
    rules: once(() => readRules(eventbridge, `${stackName}-`)),
    parameter,
    url: async () => {
      const url = local === null ? (await stack())?.apiUrl : local.url;
      if (url === undefined || url === null) throw new Error(`the stack ${stackName} has no output ApiUrl`);
      return url.replace(/\/$/, '');
    },
    webhookUrl: async () => (await site.url()) + WEBHOOK_PATH,
    secretKey: async () => local?.stripe.secretKey ?? required('stripe-secret-key'),
    proPriceId: async () => local?.stripe.proPriceId ?? required('stripe-pro-price-id'),
    stripe: once(async () => openSetupStripe(await site.secretKey(), apiBase)),
    webhookEndpoints: once(async () => listWebhookEndpoints(await site.stripe())),
  };
  return site;
}

/** Asks once; every later caller gets the same answer, or the same failure. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

/** Asks once about each. */
function onceEach<A, T>(ask: (about: A) => Promise<T>): (about: A) => Promise<T> {
  const answers = new Map<A, () => Promise<T>>();
  return (about) => {
    const known = answers.get(about) ?? once(() => ask(about));
    answers.set(about, known);
    return known();
  };
}
