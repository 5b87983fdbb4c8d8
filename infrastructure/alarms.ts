import * as measure from './measures.ts';
import type { DeployedFunction, DeployedService } from './service.ts';
import { type Resource, ref } from './template.ts';

export const ALARM_TOPIC = 'AlarmTopic';
/** Whoever hears of alarms; there where serverless.yml names an address. */
export const ALARM_SUBSCRIPTION = 'AlarmEmail';
/** A row for each alarm is there. */
const WHAT_TO_DO = 'What to do: docs/operate.md, "Alarms".';
/** Fewer than this say nothing about a rate: one of two is not "50 %". */
const ENOUGH_FOR_A_RATE = 5;

interface Rule {
  readonly name: string;
  /** What has happened. */
  readonly says: string;
  /** By the ids that `expression` knows them by. */
  readonly measures: Readonly<Record<string, measure.Measure>>;
  /** CloudWatch's metric math; not needed for one measure. */
  readonly expression?: string;
  readonly threshold: { readonly above: number } | { readonly below: number };
  readonly minutes: number;
  /** How many periods are looked at, and how many of them have to be bad. */
  readonly periods?: number;
  readonly badPeriods?: number;
  /** Whether it is a bad sign that nothing at all is counted. */
  readonly silenceIsBad?: boolean;
}

const SYSTEM_RULES: readonly Rule[] = [
  {
    name: 'api-faults',
    says: 'More than 5 % of the requests were answered 5xx.',
    measures: { faults: measure.api('5xx', 'Sum'), requests: measure.api('Count', 'Sum') },
    expression: `IF(requests >= ${ENOUGH_FOR_A_RATE}, 100 * FILL(faults, 0) / requests, 0)`,
    threshold: { above: 5 },
    minutes: 5,
  },
  {
    name: 'api-latency',
    says: '5 % of the requests took longer than 5 seconds, for 15 minutes.',
    measures: { latency: measure.api('Latency', 'p95') },
    threshold: { above: 5_000 }, // milliseconds
    minutes: 5,
    periods: 3,
  },
  {
    name: 'billing-latency',
    says: 'Billing 5 % of the fixes took longer than 8 seconds, for 15 minutes.',
    measures: { duration: measure.lambda('BillDashfixDashattemptLambdaFunction', 'Duration', 'p95') },
    threshold: { above: 8_000 }, // milliseconds
    minutes: 5,
    periods: 3,
  },
  {
    name: 'table-throttled',
    says: 'DynamoDB turned requests away, for 15 minutes.',
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

/** The alarms that send a canary back, beside those of its own function. */
export const ROLLBACK_ALARMS = ['api-faults', 'defects', 'webhook-failures'] as const;

/** All alarms of a stage begin with its name and service, so that they can be listed by it. */
const alarmName = ({ name, stage }: DeployedService, alarm: string) => `${name}-${stage}-${alarm}`;
/** The logical id of an alarm, from its name without service and stage. */
export const alarmId = (alarm: string) => `${pascalCase(alarm)}Alarm`;
export const errorAlarmOf = (functionKey: string) => `${functionKey}-errors`;

/** The alarms, and the topic that tells people of them. */
export function alarmResources(service: DeployedService): Record<string, Resource> {
  const rules = [
    ...webhookRules(service),
    ...moneyRules(service),
    ...ledgerRules(service),
    ...noticeRules(service),
    defects(service),
    ...SYSTEM_RULES,
    ...service.functions.flatMap((one) => functionRules(one)),
  ];
  return {
    ...topic(service),
    ...Object.fromEntries(rules.map((rule) => [alarmId(rule.name), alarm(service, rule)])),
  };
}

/** One is enough: of a tenth of one function's requests that all fail, no rate over all of them would tell. */
const defects = (service: DeployedService): Rule => ({
  name: 'defects',
  says: 'A request was answered 500.',
  measures: { defects: measure.business(service, 'Defect') },
  threshold: { above: 0 },
  minutes: 5,
});

function webhookRules(service: DeployedService): Rule[] {
  const processed = measure.business(service, 'EventProcessed');
  const ignored = measure.business(service, 'EventIgnored');
  const parked = measure.business(service, 'EventParked');
  const failed = measure.business(service, 'EventFailed');
  const refused = measure.business(service, 'SignatureRefused');
  const missing: Rule = {
    name: 'webhooks-missing',
    says: 'No webhook from Stripe for 6 hours. Is the endpoint enabled, and at our address?',
    measures: { processed, ignored, parked },
    expression: 'FILL(processed, 0) + FILL(ignored, 0) + FILL(parked, 0)',
    threshold: { below: 1 },
    minutes: 60,
    periods: 6,
    silenceIsBad: true,
  };
  return [
    {
      name: 'webhook-failures',
      says: 'More than 10 % of the webhooks failed or were refused.',
      measures: { failed, refused, processed, ignored, parked },
      expression: percentage(['failed', 'refused'], ['processed', 'ignored', 'parked']),
      threshold: { above: 10 },
      minutes: 5,
    },
    {
      name: 'events-parked',
      says: 'An event could not be applied and waits for a replay.',
      measures: { parked },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'webhook-endpoint',
      says: 'An event came through an endpoint that was not set up by stripe:setup.',
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
      says: 'More than 10 % of the payments of an hour, for fixes and for Pro, failed.',
      threshold: { above: 10 },
    },
    {
      ...failures,
      name: 'payment-failures-critical',
      says: 'More than 25 % of the payments of an hour, for fixes and for Pro, failed.',
      threshold: { above: 25 },
    },
    {
      name: 'unknown-price',
      says: 'An invoice was paid at a price of ours that does not say what it brings.',
      measures: { unknown: measure.business(service, 'UnknownPrice') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'fixes-unrecorded',
      says: 'RSOLV-action did not name a repository, so a fix is never billed.',
      measures: { unrecorded: measure.business(service, 'FixUnrecorded') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'charges-pending',
      says: 'Two runs of the sweeper could not end a charge.',
      measures: { pending: measure.business(service, 'PendingChargeFailed') },
      threshold: { above: 0 },
      minutes: 5,
      periods: 3,
      badPeriods: 2, // one that the next run mends is Stripe's bad minute
    },
    {
      name: 'double-payment',
      says: 'A fix was paid twice; the second payment went back.',
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
      says: 'Ledger and Stripe, or a ledger and itself, do not agree.',
      measures: { drift: measure.business(service, 'Drift') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'reconcile-missing',
      says: 'Nothing was reconciled to its end for a day.',
      measures: { completed: measure.business(service, 'ReconcileCompleted') },
      threshold: { below: 1 },
      minutes: 60,
      periods: 28, // it ends between 3:00 one night and 6:00 the next: 27 hours at most
      silenceIsBad: true,
    },
    {
      name: 'large-grant',
      says: 'More than 1,000 credits were granted at once. Was that meant?',
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
      says: 'A notice could not be sent to its customer.',
      measures: { failed: measure.business(service, 'NoticeFailed') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'notices-late',
      says: 'Notices wait for more than 10 minutes.',
      measures: { age: measure.lambda('DeliverDashnoticesLambdaFunction', 'IteratorAge', 'Maximum') },
      threshold: { above: 600_000 }, // milliseconds
      minutes: 5,
    },
    {
      name: 'warnings-failing',
      says: 'Two runs could not warn a customer whose balance is low.',
      measures: { failed: measure.business(service, 'WarningFailed') },
      threshold: { above: 0 },
      minutes: 60,
      periods: 3,
      badPeriods: 2, // one that the next run mends is a bad minute
    },
    {
      name: 'notice-dead-letters',
      says: 'A notice failed three times and is in the dead-letter queue.',
      measures: { letters: measure.queue('NoticeDeadLetters') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'schedule-dead-letters',
      says: 'A scheduled run failed, and failed again.',
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
      says: `${key} threw, ran out of time or memory, or could not start.`,
      measures: { errors: measure.lambda(logicalId, 'Errors', 'Sum') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: `${key}-throttles`,
      says: `More calls of ${key} at once than are allowed, for 15 minutes.`,
      measures: { throttles: measure.lambda(logicalId, 'Throttles', 'Sum') },
      threshold: { above: 0 },
      minutes: 5,
      periods: 3,
    },
  ];
}

/** `some` of `some` and `others` together, in per cent; 0 where there are too few. */
function percentage(some: readonly string[], others: readonly string[]): string {
  const sum = (ids: readonly string[]) => `(${ids.map((id) => `FILL(${id}, 0)`).join(' + ')})`;
  const all = sum([...some, ...others]);
  return `IF(${all} >= ${ENOUGH_FOR_A_RATE}, 100 * ${sum(some)} / ${all}, 0)`;
}

function alarm(service: DeployedService, rule: Rule): Resource {
  const { threshold, minutes, periods = 1, badPeriods = periods, silenceIsBad = false, expression } = rule;
  const isSum = expression !== undefined;
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: alarmName(service, rule.name),
      AlarmDescription: `${rule.says} ${WHAT_TO_DO}`,
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
      TreatMissingData: silenceIsBad ? 'breaching' : 'notBreaching',
    },
  };
}

function topic({ name, stage, alarmEmail }: DeployedService): Record<string, Resource> {
  const subscription: Resource = {
    Type: 'AWS::SNS::Subscription',
    Properties: { TopicArn: ref(ALARM_TOPIC), Protocol: 'email', Endpoint: alarmEmail },
  };
  return {
    // Not encrypted with AWS's own key: CloudWatch could not write to it. What is in it are the texts in this file.
    [ALARM_TOPIC]: { Type: 'AWS::SNS::Topic', Properties: { TopicName: `${name}-${stage}-alarms` } },
    ...(alarmEmail === '' ? {} : { [ALARM_SUBSCRIPTION]: subscription }),
  };
}

/** `events-parked` as CloudFormation wants names to be: `EventsParked`. */
const pascalCase = (name: string) =>
  name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
