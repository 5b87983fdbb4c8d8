import * as measure from './measures.ts';
import type { DeployedFunction, DeployedService } from './service.ts';
import { type Resource, ref } from './template.ts';

/** Logical id of the SNS topic that every alarm notifies. */
export const ALARM_TOPIC = 'AlarmTopic';
/** Logical id of the topic's e-mail subscription, which exists only if serverless.yml sets an address. */
export const ALARM_SUBSCRIPTION = 'AlarmEmail';
/** That section has a row for each alarm. */
const WHAT_TO_DO = 'What to do: docs/operate.md, "Alarms".';
/** Fewer counts than this give no meaningful rate: one of two is not "50 %". */
const MIN_COUNT_FOR_RATE = 5;

interface Rule {
  readonly name: string;
  /** The alarm's description: what happened. */
  readonly description: string;
  /** By the ids that `expression` uses. */
  readonly measures: Readonly<Record<string, measure.Measure>>;
  /** CloudWatch metric math. Not needed for a single measure. */
  readonly expression?: string;
  readonly threshold: { readonly above: number } | { readonly below: number };
  readonly minutes: number;
  /** The number of periods that are evaluated. Default: 1. */
  readonly periods?: number;
  /** How many of these periods must breach the threshold. Default: all. */
  readonly badPeriods?: number;
  /** Whether missing data counts as a breach. */
  readonly missingIsBad?: boolean;
}

const SYSTEM_RULES: readonly Rule[] = [
  {
    name: 'api-faults',
    description: 'More than 5 % of the requests were answered 5xx.',
    measures: { faults: measure.api('5xx', 'Sum'), requests: measure.api('Count', 'Sum') },
    expression: `IF(requests >= ${MIN_COUNT_FOR_RATE}, 100 * FILL(faults, 0) / requests, 0)`,
    threshold: { above: 5 },
    minutes: 5,
  },
  {
    name: 'api-latency',
    description: '5 % of the requests took longer than 5 seconds, for 15 minutes.',
    measures: { latency: measure.api('Latency', 'p95') },
    threshold: { above: 5_000 }, // milliseconds
    minutes: 5,
    periods: 3,
  },
  {
    name: 'billing-latency',
    description: 'Billing 5 % of the fixes took longer than 8 seconds, for 15 minutes.',
    measures: { duration: measure.lambda('BillDashfixDashattemptLambdaFunction', 'Duration', 'p95') },
    threshold: { above: 8_000 }, // milliseconds
    minutes: 5,
    periods: 3,
  },
  {
    name: 'table-throttled',
    description: 'DynamoDB throttled requests for 15 minutes.',
    measures: {
      reads: measure.table('ReadThrottleEvents'),
      writes: measure.table('WriteThrottleEvents'),
    },
    expression: 'FILL(reads, 0) + FILL(writes, 0)',
    threshold: { above: 0 },
    minutes: 5,
    periods: 3,
  },
];

/** The alarms that roll back a canary, in addition to the error alarm of its function. */
export const ROLLBACK_ALARMS = ['api-faults', 'defects', 'webhook-failures'] as const;

/** The names of a stage's alarms begin with service and stage, so that they can be listed by prefix. */
const alarmName = ({ name, stage }: DeployedService, alarm: string) => `${name}-${stage}-${alarm}`;
/** The logical id of an alarm, from its name without the prefix. */
export const alarmId = (alarm: string) => `${pascalCase(alarm)}Alarm`;
export const errorAlarmOf = (functionKey: string) => `${functionKey}-errors`;

/** The alarms, and the SNS topic that they notify. */
export function alarmResources(service: DeployedService): Record<string, Resource> {
  const rules = [
    ...webhookRules(service),
    ...moneyRules(service),
    ...ledgerRules(service),
    ...noticeRules(service),
    defects(service),
    staleParameters(service),
    ...SYSTEM_RULES,
    ...service.functions.flatMap((one) => functionRules(one)),
  ];
  return {
    ...topic(service),
    ...Object.fromEntries(rules.map((rule) => [alarmId(rule.name), alarm(service, rule)])),
  };
}

/**
 * One defect is enough: a rate over all requests would hide a canary that gets a tenth of one function's
 * requests.
 */
const defects = (service: DeployedService): Rule => ({
  name: 'defects',
  description: 'A request was answered 500.',
  measures: { defects: measure.business(service, 'Defect') },
  threshold: { above: 0 },
  minutes: 5,
});

const staleParameters = (service: DeployedService): Rule => ({
  name: 'parameters-stale',
  description:
    'A parameter could not be read from SSM for 15 minutes. The last value stays in use for a day.',
  measures: { stale: measure.business(service, 'ParameterStale') },
  threshold: { above: 0 },
  minutes: 5,
  periods: 3,
});

function webhookRules(service: DeployedService): Rule[] {
  const processed = measure.business(service, 'EventProcessed');
  const ignored = measure.business(service, 'EventIgnored');
  const parked = measure.business(service, 'EventParked');
  const failed = measure.business(service, 'EventFailed');
  const refused = measure.business(service, 'SignatureRefused');
  const missing: Rule = {
    name: 'webhooks-missing',
    description: 'No webhook from Stripe for 6 hours. Is the endpoint enabled, and at our address?',
    measures: { processed, ignored, parked },
    expression: 'FILL(processed, 0) + FILL(ignored, 0) + FILL(parked, 0)',
    threshold: { below: 1 },
    minutes: 60,
    periods: 6,
    missingIsBad: true,
  };
  return [
    {
      name: 'webhook-failures',
      description: 'More than 10 % of the webhooks failed or were rejected.',
      measures: { failed, refused, processed, ignored, parked },
      expression: percentage(['failed', 'refused'], ['processed', 'ignored', 'parked']),
      threshold: { above: 10 },
      minutes: 5,
    },
    {
      name: 'events-parked',
      description: 'An event could not be applied and is parked until a replay.',
      measures: { parked },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'webhook-endpoint',
      description: 'An event arrived through an endpoint that stripe:setup did not create.',
      measures: { misconfigured: measure.business(service, 'EndpointMisconfigured') },
      threshold: { above: 0 },
      minutes: 5,
    },
    ...(service.expectsWebhooks ? [missing] : []),
  ];
}

function moneyRules(service: DeployedService): Rule[] {
  const failures = {
    measures: {
      declined: measure.business(service, 'ChargeDeclined'),
      unpaid: measure.business(service, 'InvoiceFailed'),
      charged: measure.business(service, 'FixCharged'),
      paid: measure.business(service, 'InvoicePaid'),
    },
    expression: percentage(['declined', 'unpaid'], ['charged', 'paid']),
    minutes: 60,
  };
  return [
    {
      ...failures,
      name: 'payment-failures-warning',
      description: 'More than 10 % of the payments for fixes and Pro failed within an hour.',
      threshold: { above: 10 },
    },
    {
      ...failures,
      name: 'payment-failures-critical',
      description: 'More than 25 % of the payments for fixes and Pro failed within an hour.',
      threshold: { above: 25 },
    },
    {
      name: 'unknown-price',
      description: 'An invoice was paid at a price of ours whose metadata does not name plan and credits.',
      measures: { unknown: measure.business(service, 'UnknownPrice') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'fixes-unrecorded',
      description: 'RSOLV-action sent no repository, so a fix is never billed.',
      measures: { unrecorded: measure.business(service, 'FixUnrecorded') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'charges-pending',
      description: 'Two runs of the sweeper could not finish a charge.',
      measures: { pending: measure.business(service, 'PendingChargeFailed') },
      threshold: { above: 0 },
      minutes: 5,
      periods: 3,
      badPeriods: 2, // a single failure that the next run resolves needs no action
    },
    {
      name: 'double-payment',
      description: 'A fix was paid twice, and the second payment was refunded.',
      measures: { returned: measure.business(service, 'DoublePaymentReturned') },
      threshold: { above: 0 },
      minutes: 5,
    },
  ];
}

function ledgerRules(service: DeployedService): Rule[] {
  return [
    {
      name: 'drift',
      description: 'A ledger differs from Stripe, or is inconsistent in itself.',
      measures: { drift: measure.business(service, 'Drift') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'reconcile-missing',
      description: 'No reconciliation was completed for a day.',
      measures: { completed: measure.business(service, 'ReconcileCompleted') },
      threshold: { below: 1 },
      minutes: 60,
      periods: 28, // runs end between 3:00 and 6:00, so two ends are at most 27 hours apart
      missingIsBad: true,
    },
    {
      name: 'large-grant',
      description: 'More than 1,000 credits were granted at once. Check that it was intended.',
      measures: { granted: measure.business(service, 'LargeGrant') },
      threshold: { above: 0 },
      minutes: 5,
    },
  ];
}

function noticeRules(service: DeployedService): Rule[] {
  return [
    {
      name: 'notices-failing',
      description: 'A notice could not be sent to a customer.',
      measures: { failed: measure.business(service, 'NoticeFailed') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'notices-late',
      description: 'Notices have waited for more than 10 minutes.',
      measures: { age: measure.lambda('DeliverDashnoticesLambdaFunction', 'IteratorAge', 'Maximum') },
      threshold: { above: 600_000 }, // milliseconds
      minutes: 5,
    },
    {
      name: 'warnings-failing',
      description: 'Two runs could not warn a customer about a low balance.',
      measures: { failed: measure.business(service, 'WarningFailed') },
      threshold: { above: 0 },
      minutes: 60,
      periods: 3,
      badPeriods: 2, // a single failure that the next run resolves needs no action
    },
    {
      name: 'notice-dead-letters',
      description: 'A notice failed three times and is in the dead-letter queue.',
      measures: { letters: measure.queue('NoticeDeadLetters') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'schedule-dead-letters',
      description: 'A scheduled run failed, and its retry failed too.',
      measures: { letters: measure.queue('ScheduleDeadLetters') },
      threshold: { above: 0 },
      minutes: 5,
    },
  ];
}

function functionRules({ key, logicalId }: DeployedFunction): Rule[] {
  return [
    {
      name: errorAlarmOf(key),
      description: `${key} threw an error, ran out of time or memory, or could not start.`,
      measures: { errors: measure.lambda(logicalId, 'Errors', 'Sum') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: `${key}-throttles`,
      description: `Calls of ${key} exceeded its concurrency limit for 15 minutes.`,
      measures: { throttles: measure.lambda(logicalId, 'Throttles', 'Sum') },
      threshold: { above: 0 },
      minutes: 5,
      periods: 3,
    },
  ];
}

/** The share of `some` in all counts, in percent. 0 if all counts are below `MIN_COUNT_FOR_RATE`. */
function percentage(some: readonly string[], others: readonly string[]): string {
  const sum = (ids: readonly string[]) => `(${ids.map((id) => `FILL(${id}, 0)`).join(' + ')})`;
  const all = sum([...some, ...others]);
  return `IF(${all} >= ${MIN_COUNT_FOR_RATE}, 100 * ${sum(some)} / ${all}, 0)`;
}

function alarm(service: DeployedService, rule: Rule): Resource {
  const { threshold, minutes, periods = 1, badPeriods = periods, missingIsBad = false, expression } = rule;
  const isSum = expression !== undefined;
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: alarmName(service, rule.name),
      AlarmDescription: `${rule.description} ${WHAT_TO_DO}`,
      AlarmActions: [ref(ALARM_TOPIC)],
      OKActions: [ref(ALARM_TOPIC)],
      Metrics: [
        ...Object.entries(rule.measures).map(([Id, one]) => ({
          Id,
          MetricStat: {
            Metric: {
              Namespace: one.namespace,
              MetricName: one.name,
              Dimensions: Object.entries(one.dimensions).map(([Name, Value]) => ({ Name, Value })),
            },
            Period: minutes * 60,
            Stat: one.stat,
          },
          ReturnData: !isSum,
        })),
        ...(isSum ? [{ Id: 'result', Expression: expression, ReturnData: true }] : []),
      ],
      ...('above' in threshold
        ? { ComparisonOperator: 'GreaterThanThreshold', Threshold: threshold.above }
        : { ComparisonOperator: 'LessThanThreshold', Threshold: threshold.below }),
      EvaluationPeriods: periods,
      DatapointsToAlarm: badPeriods,
      TreatMissingData: missingIsBad ? 'breaching' : 'notBreaching',
    },
  };
}

function topic({ name, stage, alarmEmail }: DeployedService): Record<string, Resource> {
  const subscription: Resource = {
    Type: 'AWS::SNS::Subscription',
    Properties: { TopicArn: ref(ALARM_TOPIC), Protocol: 'email', Endpoint: alarmEmail },
  };
  return {
    // Not encrypted with AWS's managed key, because CloudWatch could not publish then. The messages are not
    // secret.
    [ALARM_TOPIC]: { Type: 'AWS::SNS::Topic', Properties: { TopicName: `${name}-${stage}-alarms` } },
    ...(alarmEmail === '' ? {} : { [ALARM_SUBSCRIPTION]: subscription }),
  };
}

/** `events-parked` → `EventsParked`, as CloudFormation requires. */
const pascalCase = (name: string) =>
  name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
