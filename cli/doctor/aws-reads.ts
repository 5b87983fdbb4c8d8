import {
  type CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { type CloudWatchClient, type MetricAlarm, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { type EventBridgeClient, ListRulesCommand, type Rule } from '@aws-sdk/client-eventbridge';
import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';

/* What is asked of AWS by several checks, page by page where there are pages. */

export interface Parameter {
  readonly value: string;
  /** SSM's own: String, SecureString. */
  readonly type: string;
}

export interface DeployedStack {
  readonly status: string;
  readonly apiUrl: string | null;
  /** Physical ids by logical ones. */
  readonly resources: ReadonlyMap<string, string>;
}

/** Null where there is no such parameter. */
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

/** Null where there is no such stack. */
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
      if (logical !== undefined && physical !== undefined && status !== 'DELETE_COMPLETE')
        resources.set(logical, physical);
    }
  }
  const apiUrl = stack.Outputs?.find(({ OutputKey }) => OutputKey === 'ApiUrl')?.OutputValue ?? null;
  return { status: stack.StackStatus ?? 'unknown', apiUrl, resources };
}

/** CloudFormation has no error of its own for that. */
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
