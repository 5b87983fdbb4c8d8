import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TableDescription } from '@aws-sdk/client-dynamodb';
import { type Definition, readDefinition } from '../../cli/doctor/definition.ts';
import { ledgerTableDefinition } from '../../cli/stage/table.ts';
import { NO_SOLD_PRICES } from '../../lib/domain/plans.ts';
import { pricingView } from '../../lib/http/views/account.ts';
import { freePort } from '../../local/stack/ports.ts';
import {
  type AccountState,
  API_ID,
  accountAnswer,
  accountOperation,
  healthyAccount,
} from './aws-double-account.ts';
import { TEST_CREDENTIALS } from './table.ts';

/** The state of a stage at AWS that doctor's calls return. A test changes it to inject faults. */
export interface Deployment {
  /** Null if there is no table. */
  table: TableDescription | null;
  pointInTimeRecovery: boolean;
  timeToLive: { TimeToLiveStatus: string; AttributeName?: string };
  stack: {
    status: string;
    isProtected: boolean;
    outputs: Record<string, string>;
    resources: Record<string, string>;
  } | null;
  account: AccountState;
  alarms: { AlarmName: string; AlarmActions: string[]; ActionsEnabled: boolean }[];
  rules: { Name: string; State: string; ScheduleExpression: string }[];
  parameters: Record<string, { Type: string; Value: string }>;
  eventSourceMappings: { UUID: string; FunctionArn: string; EventSourceArn: string; State: string }[];
  /** Subscriptions of the alarm topic. The ARN is `PendingConfirmation` until confirmed. */
  subscriptions: { Endpoint: string; SubscriptionArn: string }[];
  /** The number of messages, by queue URL. */
  queues: Record<string, number>;
  identities: Record<string, { VerifiedForSendingStatus: boolean }>;
  mailAccount: { ProductionAccessEnabled: boolean; SendingEnabled: boolean };
  health: { status: number; body: object };
  pricing: { status: number; body: object };
  /** Operations that are denied. */
  denied: Set<string>;
}

export interface AwsDouble {
  readonly url: string;
  readonly deployment: Deployment;
  /** The called operations, in order. */
  readonly calls: readonly string[];
  /** The environment for a process that uses the double. */
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/**
 * Starts a double of AWS with a healthy stage as serverless.yml defines it, in AWS's wire formats, and the
 * stage's API.
 */
export async function startAwsDouble(stage: string): Promise<AwsDouble> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const deployment = healthyDeployment(stage, url);
  const calls: string[] = [];
  const server = createServer((request, response) => {
    void answerTo(request, deployment, calls).then(({ status, body, type, error }) => {
      response.writeHead(status, { 'content-type': type, ...(error && { 'x-amzn-errortype': error }) });
      response.end(body);
    });
  });
  server.listen(Number(new URL(url).port), '127.0.0.1');
  await once(server, 'listening');
  return {
    url,
    deployment,
    calls,
    env: { ...TEST_CREDENTIALS, AWS_ENDPOINT_URL: url },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const TOPIC = 'arn:aws:sns:us-east-1:123456789012:alarms';
/** The alarm address of the stage. */
export const ALARM_EMAIL = 'ops@rsolv.example';

const definitions = new Map<string, Definition>();

/** The expected state of a stage, read once per test file. */
export function definitionOf(stage: string): Definition {
  const known = definitions.get(stage) ?? readDefinition(stage);
  definitions.set(stage, known);
  return known;
}

function healthyDeployment(stage: string, url: string): Deployment {
  const definition = definitionOf(stage);
  const { tableName, stackName, parameters, schedules, deadLetterQueues, streamReaders } = definition;
  const { BillingMode: _, StreamSpecification, ...shape } = ledgerTableDefinition(tableName);
  const stream = `arn:aws:dynamodb:us-east-1:123456789012:table/${tableName}/stream/1`;
  const queueUrl = (logicalId: string) => `${url}/123456789012/${logicalId}`;
  const ruleName = (logicalId: string) => `${stackName}-${logicalId}-1A2B3C`;
  return {
    table: {
      ...shape,
      TableStatus: 'ACTIVE',
      StreamSpecification,
      LatestStreamArn: stream,
      DeletionProtectionEnabled: true,
      SSEDescription: { Status: 'ENABLED', SSEType: 'KMS' },
    },
    account: healthyAccount(stackName, new Date()),
    pointInTimeRecovery: true,
    timeToLive: { TimeToLiveStatus: 'ENABLED', AttributeName: 'expires_at' },
    stack: {
      status: 'UPDATE_COMPLETE',
      isProtected: true,
      outputs: { ApiUrl: url },
      resources: {
        ...Object.fromEntries(schedules.map(({ logicalId }) => [logicalId, ruleName(logicalId)])),
        ...Object.fromEntries(deadLetterQueues.map((logicalId) => [logicalId, queueUrl(logicalId)])),
        LedgerTable: tableName,
        HttpApi: API_ID,
        AlarmTopic: TOPIC,
        AlarmEmail: `${TOPIC}:1`,
      },
    },
    subscriptions: [{ Endpoint: ALARM_EMAIL, SubscriptionArn: `${TOPIC}:1` }],
    alarms: definition.alarms.map((AlarmName) => ({
      AlarmName,
      AlarmActions: [TOPIC],
      ActionsEnabled: true,
    })),
    rules: schedules.map(({ logicalId }) => ({
      Name: ruleName(logicalId),
      State: 'ENABLED',
      ScheduleExpression: 'rate(5 minutes)',
    })),
    parameters: {
      [`${parameters}/stripe-secret-key`]: { Type: 'SecureString', Value: 'sk_test_key' },
      [`${parameters}/stripe-webhook-secrets`]: { Type: 'SecureString', Value: 'whsec_one,whsec_two' },
      [`${parameters}/stripe-pro-price-id`]: { Type: 'String', Value: 'price_none' },
    },
    eventSourceMappings: streamReaders.map((name) => ({
      UUID: '2f0e9a4e-0000-4000-8000-000000000000',
      FunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
      EventSourceArn: stream,
      State: 'Enabled',
    })),
    queues: Object.fromEntries(deadLetterQueues.map((logicalId) => [queueUrl(logicalId), 0])),
    identities: { [definition.noticeIdentity]: { VerifiedForSendingStatus: true } },
    mailAccount: { ProductionAccessEnabled: true, SendingEnabled: true },
    health: { status: 200, body: { status: 'ok', stage, table: { latency_ms: 3 } } },
    pricing: { status: 200, body: pricingView(NO_SOLD_PRICES) },
    denied: new Set(),
  };
}

interface WireAnswer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
  readonly error?: string;
}

const json = (body: unknown, status = 200): WireAnswer => ({
  status,
  body: JSON.stringify(body),
  type: 'application/json',
});
const xml = (body: string, status = 200): WireAnswer => ({ status, body, type: 'text/xml' });

/** An error for both protocols: JSON has the error name in the body, REST in a header. */
const refusal = (name: string, message: string): WireAnswer => ({
  ...json({ __type: name, message }, 400),
  error: name,
});

async function answerTo(
  request: IncomingMessage,
  deployment: Deployment,
  calls: string[],
): Promise<WireAnswer> {
  const url = new URL(request.url ?? '/', 'http://aws');
  if (url.pathname === '/health') return json(deployment.health.body, deployment.health.status);
  if (url.pathname === '/api/v1/pricing') return json(deployment.pricing.body, deployment.pricing.status);
  const body = await text(request);
  const query = new URLSearchParams(body);
  const target = String(request.headers['x-amz-target'] ?? '').split('.')[1];
  const operation = target ?? query.get('Action') ?? restOperation(url.pathname);
  calls.push(operation);
  const isQuery = target === undefined && query.has('Action');
  if (deployment.denied.has(operation)) {
    const message = `User is not authorized to perform: ${operation}`;
    const code = operation === 'ListSubscriptionsByTopic' ? 'AuthorizationError' : 'AccessDenied';
    return isQuery ? queryRefusal(code, message) : refusal('AccessDeniedException', message);
  }
  const input: unknown = isQuery || body === '' ? {} : JSON.parse(body);
  const [, region = ''] = /Credential=[^/]+\/\d+\/([\w-]+)\//.exec(request.headers.authorization ?? '') ?? [];
  const account = accountAnswer(deployment.account, {
    operation,
    url,
    region,
    query,
    input: fieldsOf(input),
  });
  if (account !== null) {
    if ('json' in account) return json(account.json);
    if ('xml' in account) {
      const { xml: result } = account;
      return xml(
        `<${operation}Response><${operation}Result>${result}</${operation}Result></${operation}Response>`,
      );
    }
    if (isQuery) return queryRefusal(account.error, 'refused');
    return { ...refusal(account.error, 'refused'), status: account.status };
  }
  return answer(deployment, operation, url, fieldsOf(input));
}

const restOperation = (path: string): string => {
  const ofAccount = accountOperation(path);
  if (ofAccount !== null) return ofAccount;
  if (path.endsWith('/invocations')) return 'Invoke';
  if (path.endsWith('/event-source-mappings')) return 'ListEventSourceMappings';
  return path.includes('/email/identities/') ? 'GetEmailIdentity' : 'GetAccount';
};

const fieldsOf = (input: unknown): ReadonlyMap<string, unknown> =>
  new Map(typeof input === 'object' && input !== null ? Object.entries(input) : []);

function answer(
  deployment: Deployment,
  operation: string,
  url: URL,
  input: ReadonlyMap<string, unknown>,
): WireAnswer {
  switch (operation) {
    case 'DescribeTable':
      return deployment.table === null
        ? refusal('ResourceNotFoundException', 'Requested resource not found')
        : json({ Table: deployment.table });
    case 'DescribeContinuousBackups': {
      const state = deployment.pointInTimeRecovery
        ? { PointInTimeRecoveryStatus: 'ENABLED', EarliestRestorableDateTime: 1_790_000_000 }
        : { PointInTimeRecoveryStatus: 'DISABLED' };
      return json({
        ContinuousBackupsDescription: {
          ContinuousBackupsStatus: 'ENABLED',
          PointInTimeRecoveryDescription: state,
        },
      });
    }
    case 'DescribeTimeToLive':
      return json({ TimeToLiveDescription: deployment.timeToLive });
    case 'DescribeAlarms':
      return json({ MetricAlarms: deployment.alarms });
    case 'ListRules':
      return json({ Rules: deployment.rules });
    case 'GetParameter': {
      const found = deployment.parameters[String(input.get('Name'))];
      return found === undefined ? refusal('ParameterNotFound', 'not found') : json({ Parameter: found });
    }
    case 'GetQueueAttributes': {
      const count = deployment.queues[String(input.get('QueueUrl'))] ?? 0;
      const Attributes = {
        ApproximateNumberOfMessages: String(count),
        ApproximateNumberOfMessagesNotVisible: '0',
      };
      return json({ Attributes });
    }
    case 'ListEventSourceMappings': {
      const name = url.searchParams.get('FunctionName');
      const found = deployment.eventSourceMappings.filter(({ FunctionArn }) =>
        FunctionArn.endsWith(`:${name}`),
      );
      return json({ EventSourceMappings: found });
    }
    case 'GetEmailIdentity': {
      const found = deployment.identities[decodeURIComponent(url.pathname.split('/').at(-1) ?? '')];
      return found === undefined
        ? { ...refusal('NotFoundException', 'no such identity'), status: 404 }
        : json(found);
    }
    case 'GetAccount':
      return json(deployment.mailAccount);
    case 'ListSubscriptionsByTopic':
      return xml(
        `<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions>${deployment.subscriptions
          .map(
            ({ Endpoint, SubscriptionArn }) =>
              `<member><TopicArn>${TOPIC}</TopicArn><Protocol>email</Protocol><SubscriptionArn>${SubscriptionArn}</SubscriptionArn><Owner>123456789012</Owner><Endpoint>${Endpoint}</Endpoint></member>`,
          )
          .join('')}</Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`,
      );
    case 'DescribeStacks':
    case 'ListStackResources':
      return stackAnswer(deployment, operation);
    default:
      return refusal('UnknownOperationException', operation);
  }
}

function stackAnswer({ stack }: Deployment, operation: 'DescribeStacks' | 'ListStackResources'): WireAnswer {
  if (stack === null) return queryRefusal('ValidationError', 'Stack with id rsolv-billing does not exist');
  const members =
    operation === 'DescribeStacks'
      ? `<Stacks><member><StackName>s</StackName><StackStatus>${stack.status}</StackStatus><EnableTerminationProtection>${stack.isProtected}</EnableTerminationProtection><Outputs>${Object.entries(
          stack.outputs,
        )
          .map(
            ([key, value]) =>
              `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
          )
          .join('')}</Outputs></member></Stacks>`
      : `<StackResourceSummaries>${Object.entries(stack.resources)
          .map(
            ([logical, physical]) =>
              `<member><LogicalResourceId>${logical}</LogicalResourceId><PhysicalResourceId>${physical}</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>`,
          )
          .join('')}</StackResourceSummaries>`;
  return xml(
    `<${operation}Response><${operation}Result>${members}</${operation}Result></${operation}Response>`,
  );
}

const queryRefusal = (code: string, message: string): WireAnswer =>
  xml(`<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`, 400);
