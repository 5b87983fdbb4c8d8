import {
  type CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { type CloudWatchClient, type MetricAlarm, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { type EventBridgeClient, ListRulesCommand, type Rule } from '@aws-sdk/client-eventbridge';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';
import { AwsRefusal, isOk, signedPost } from '../../lib/settings/signed-call.ts';

/* Reads from AWS that several checks share. Each reads all pages. */

export interface Parameter {
  readonly value: string;
  /** SSM's type: String or SecureString. */
  readonly type: string;
}

export interface DeployedStack {
  readonly status: string;
  readonly apiUrl: string | null;
  /** Whether CloudFormation refuses to delete it. */
  readonly isProtected: boolean;
  /** Physical ids by logical ones. */
  readonly resources: ReadonlyMap<string, string>;
}

/** Null if there is no such parameter. */
export async function readParameter(ssm: SSMClient, name: string): Promise<Parameter | null> {
  try {
    const { Parameter: found } = await ssm.send(
      new GetParameterCommand({ Name: name, WithDecryption: true }),
    );
    return { value: found?.Value ?? '', type: found?.Type ?? '' };
  } catch (error) {
    if (error instanceof ParameterNotFound) return null;
    throw error;
  }
}

/** Statuses of a resource that is no longer in the stack. A kept table is skipped, and stays at AWS. */
const GONE: ReadonlySet<string | undefined> = new Set(['DELETE_COMPLETE', 'DELETE_SKIPPED']);

/** Null if there is no such stack. */
export async function readStack(client: CloudFormationClient, name: string): Promise<DeployedStack | null> {
  const found = await client.send(new DescribeStacksCommand({ StackName: name })).catch((error: unknown) => {
    if (isMissingStack(error)) return null;
    throw error;
  });
  const stack = found?.Stacks?.[0];
  if (stack === undefined) return null;
  const resources = new Map<string, string>();
  for await (const page of paginateListStackResources({ client }, { StackName: name })) {
    for (const {
      LogicalResourceId: logical,
      PhysicalResourceId: physical,
      ResourceStatus: status,
    } of page.StackResourceSummaries ?? []) {
      if (logical !== undefined && physical !== undefined && !GONE.has(status))
        resources.set(logical, physical);
    }
  }
  const apiUrl = stack.Outputs?.find(({ OutputKey }) => OutputKey === 'ApiUrl')?.OutputValue ?? null;
  const isProtected = stack.EnableTerminationProtection === true;
  return { status: stack.StackStatus ?? 'unknown', apiUrl, isProtected, resources };
}

/** CloudFormation has no specific error for a missing stack. */
const isMissingStack = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ValidationError' && error.message.includes('does not exist');

export async function readAlarms(client: CloudWatchClient, prefix: string): Promise<MetricAlarm[]> {
  const alarms: MetricAlarm[] = [];
  for await (const page of paginateDescribeAlarms({ client }, { AlarmNamePrefix: prefix })) {
    alarms.push(...(page.MetricAlarms ?? []));
  }
  return alarms;
}

const MAX_RULE_PAGES = 20;

export async function readRules(client: EventBridgeClient, prefix: string): Promise<Rule[]> {
  const rules: Rule[] = [];
  let from: string | undefined;
  for (let page = 0; page < MAX_RULE_PAGES; page++) {
    const { Rules = [], NextToken } = await client.send(
      new ListRulesCommand({ NamePrefix: prefix, NextToken: from }),
    );
    rules.push(...Rules);
    if (NextToken === undefined) return rules;
    from = NextToken;
  }
  throw new Error(`EventBridge lists more than ${MAX_RULE_PAGES} pages of rules`);
}

const SNS_TIMEOUT_MS = 6_000;

export type Subscription = 'confirmed' | 'pending' | 'none';

/**
 * Whether an address is subscribed to a topic. Parses SNS's XML by hand, because one call does not justify
 * the SDK's SNS client.
 * @param client supplies the region and the credentials
 * @throws AwsRefusal
 */
export async function readSubscription(
  client: SQSClient,
  topicArn: string,
  address: string,
): Promise<Subscription> {
  const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials();
  const env = {
    AWS_REGION: await client.config.region(),
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
  };
  const response = await signedPost(env, {
    service: 'sns',
    host: 'sns',
    endpoint: process.env['AWS_ENDPOINT_URL_SNS'] ?? process.env['AWS_ENDPOINT_URL'],
    path: '/',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: String(
      new URLSearchParams({ Action: 'ListSubscriptionsByTopic', Version: '2010-03-31', TopicArn: topicArn }),
    ),
    timeoutMs: SNS_TIMEOUT_MS,
  });
  const xml = response.body.toString();
  if (!isOk(response)) throw new AwsRefusal('sns', response.status, field(xml, 'Code') ?? 'no error code');
  const members = [...xml.matchAll(/<member>(.*?)<\/member>/gs)].map(([member]) => member);
  const matching = members.filter((member) => field(member, 'Endpoint') === address);
  // An unconfirmed subscription has a word instead of an ARN.
  if (matching.some((member) => field(member, 'SubscriptionArn')?.startsWith('arn:'))) return 'confirmed';
  return matching.length > 0 ? 'pending' : 'none';
}

/** Reads an XML element. The values (addresses, ARNs, codes) never contain characters that XML escapes. */
const field = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
