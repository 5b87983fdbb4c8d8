import type { BusinessMetric } from '../lib/runtime/observe.ts';
import * as measure from './measures.ts';
import type { DeployedFunction, DeployedService } from './service.ts';
import { attribute, type Resource, ref } from './template.ts';

/** Logical id of the SNS topic that every alarm notifies. */
export const ALARM_TOPIC = 'AlarmTopic';
/** Logical id of the topic for alarms that cannot wait until the next working day. */
export const PAGER_TOPIC = 'PagerTopic';
/** Logical id of the topic's e-mail subscription, which exists only if serverless.yml sets an address. */
export const ALARM_SUBSCRIPTION = 'AlarmEmail';
/** Fewer counts than this give no meaningful rate: one of two is not "50 %". */
const MIN_COUNT_FOR_RATE = 5;
/** One customer's mistake must not look like the fault of a release. */
const MIN_CALLERS_COUNT = 20;

/**
 * Metric math for a sum in which missing data counts as 0. Where silence is bad, this is also what makes an
 * alarm prompt: without it, CloudWatch looks further back for data before it counts a period as missing.
 */
function sumOf(ids: readonly string[]): string {
  return `(${ids.map((id) => `FILL(${id}, 0)`).join(' + ')})`;
}

interface Rule {
  readonly name: string;
  /** A page cannot wait: money or every customer is affected. Default: a mail. */
  readonly severity?: 'page';
  /**
   * Counts single events, so it ends after one period although nothing is mended yet. Then no "OK" is sent,
   * which would look like the end of the trouble.
   */
  readonly countsEvents?: true;
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
  /** A measurement that stays true until the next one: without data, the alarm keeps its state. */
  readonly isGauge?: true;
}

const SYSTEM_RULES: readonly Rule[] = [
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
    severity: 'page',
    description: 'DynamoDB throttled requests to the table or its index for 15 minutes.',
    measures: {
      reads: measure.table('ReadThrottleEvents'),
      writes: measure.table('WriteThrottleEvents'),
      indexReads: measure.index('ReadThrottleEvents'),
      indexWrites: measure.index('WriteThrottleEvents'),
    },
    expression: sumOf(['reads', 'writes', 'indexReads', 'indexWrites']),
    threshold: { above: 0 },
    minutes: 5,
    periods: 3,
  },
];

/**
 * The service level: 99.5 % of the requests in 30 days are answered without a 5xx. A rate of failures that
 * uses up this budget too fast is a page, as the share of the budget that a window may use.
 */
const BUDGET_PERCENT = 0.5;
const BURN_RATES = [
  { name: 'error-budget-fast', hours: 1, times: 14.4, severity: 'page' },
  { name: 'error-budget-slow', hours: 6, times: 6 },
] as const;

/**
 * The share of 5xx in the requests of customers. The requests of the probe, which the gateway counts too, are
 * left out: on a quiet stage they are most of the requests, and would hide that all others fail. Their 5xx
 * are left out as well, or a short outage would use up the error budget for hours.
 */
function faultRules(service: DeployedService): Rule[] {
  const all = { faults: measure.api('5xx', 'Sum'), requests: measure.api('Count', 'Sum') };
  const probes = {
    probes: measure.business(service, 'ProbeRequest'),
    probeFaults: measure.business(service, 'ProbeFault'),
  };
  const measures = hasProbe(service) ? { ...all, ...probes } : all;
  const requests = hasProbe(service) ? '(requests - FILL(probes, 0))' : 'requests';
  const faults = hasProbe(service) ? '(FILL(faults, 0) - FILL(probeFaults, 0))' : 'FILL(faults, 0)';
  const share = (minRequests: number) =>
    `IF(${requests} >= ${minRequests}, 100 * ${faults} / ${requests}, 0)`;
  return [
    {
      name: 'api-faults',
      severity: 'page',
      description: 'More than 5 % of the requests were answered 5xx.',
      measures,
      expression: share(MIN_COUNT_FOR_RATE),
      threshold: { above: 5 },
      minutes: 5,
    },
    ...BURN_RATES.map(({ hours, times, ...rest }) => ({
      ...rest,
      description: `For ${hours} h, 5xx used up the error budget of 30 days ${times} times too fast.`,
      measures,
      expression: share(MIN_CALLERS_COUNT),
      threshold: { above: BUDGET_PERCENT * times },
      minutes: hours * 60,
    })),
  ];
}

/** SES reviews an account at 5 % bounces or 0.1 % complaints, and stops it at twice as much. */
const MAIL_RULES: readonly Rule[] = [
  {
    name: 'mail-bounces',
    description: 'More than 4 % of our mails bounce. At 5 % SES reviews the account, at 10 % it stops it.',
    measures: { rate: measure.mail('Reputation.BounceRate') },
    isGauge: true,
    threshold: { above: 0.04 },
    minutes: 60,
  },
  {
    name: 'mail-complaints',
    description: 'More than 0.08 % of our mails are called spam. At 0.1 % SES reviews the account.',
    measures: { rate: measure.mail('Reputation.ComplaintRate') },
    isGauge: true,
    threshold: { above: 0.0008 },
    minutes: 60,
  },
];

/**
 * The alarms that roll back a canary, in addition to the error alarm and the canary alarm of its function.
 * Only failures that are ours: an outage of Stripe or DynamoDB, or a stranger's requests, undo no release.
 */
const ROLLBACK_ALARMS = ['defects', 'requests-refused', 'webhook-failures'] as const;
export const rollbackAlarms = (service: DeployedService): readonly string[] =>
  hasProbe(service) ? [...ROLLBACK_ALARMS, 'probe-failed'] : ROLLBACK_ALARMS;

/** Whether the stage has the function that asks the API like a customer. */
const hasProbe = ({ functions }: DeployedService): boolean => functions.some(({ key }) => key === 'probe');

/** The names of a stage's alarms begin with service and stage, so that they can be listed by prefix. */
const alarmName = ({ name, stage }: DeployedService, alarm: string) => `${name}-${stage}-${alarm}`;
/** The logical id of an alarm, from its name without the prefix. */
export const alarmId = (alarm: string) => `${pascalCase(alarm)}Alarm`;
const throttleAlarmOf = (functionKey: string) => `${functionKey}-throttles`;
export const errorAlarmOf = (functionKey: string) => `${functionKey}-errors`;
/** Compares a canary with all versions. Only a call with an API key can refuse a caller. */
export const canaryAlarmOf = ({ key, canary, takesKey }: DeployedFunction): string[] =>
  canary && takesKey ? [`${key}-canary`] : [];

/**
 * The alarms, and the SNS topics that they notify.
 * @param versionIdOf the logical id of a function's newest version; only a packaged template has them
 */
export function alarmResources(
  service: DeployedService,
  versionIdOf: (one: DeployedFunction) => string = () => 'Version',
): Record<string, Resource> {
  const rules = [
    ...stageRules(service),
    ...service.functions.flatMap((one) => [...functionRules(one), ...canaryRules(service, one, versionIdOf)]),
  ];
  return {
    ...topics(service),
    ...Object.fromEntries(rules.map((rule) => [alarmId(rule.name), alarm(service, rule)])),
  };
}

/** The names of the alarms that belong to no single function: the first thing to look at. */
export const stageAlarmNames = (service: DeployedService): string[] =>
  stageRules(service).map(({ name }) => alarmName(service, name));

const stageRules = (service: DeployedService): Rule[] => [
  ...webhookRules(service),
  ...moneyRules(service),
  ...workRules(service),
  ...ledgerRules(service),
  ...noticeRules(service),
  defects(service),
  staleParameters(service),
  ...callerRules(service),
  ...probeRules(service),
  gatewayRefusals(service),
  ...SYSTEM_RULES,
  ...faultRules(service),
  ...MAIL_RULES,
  ...copyRules(service),
];

/** Whether the daily backup arrives in the other region, on a stage with a backup plan. */
function copyRules(service: DeployedService): Rule[] {
  if (service.copyRegion === '') return [];
  return [
    {
      name: 'copies-missing',
      description: `No backup was copied to ${service.copyRegion} for more than a day.`,
      measures: { copied: measure.copies() },
      threshold: { below: 1 },
      minutes: 60,
      periods: 28, // backups start and end within a few hours, so two ends are at most 28 hours apart
      missingIsBad: true,
    },
  ];
}

/**
 * One defect is enough: a rate over all requests would hide a canary that gets a tenth of one function's
 * requests.
 */
const defects = (service: DeployedService): Rule => ({
  name: 'defects',
  severity: 'page',
  description: 'A request was answered 500.',
  measures: { defects: measure.business(service, 'Defect') },
  threshold: { above: 0 },
  minutes: 5,
});

/** Requests by whether their key was accepted: a release can refuse every caller without a single 500. */
function callerRules(service: DeployedService): Rule[] {
  const accepted = measure.business(service, 'KeyAccepted');
  const refused = measure.business(service, 'RequestRefused');
  const strangers = measure.business(service, 'KeyRefused');
  const silent: Rule = {
    name: 'requests-missing',
    severity: 'page',
    description: 'No request with a valid key for an hour.',
    measures: { accepted },
    threshold: { below: 1 },
    minutes: 60,
    missingIsBad: true,
  };
  return [
    {
      name: 'requests-refused',
      severity: 'page',
      description: 'More than half of the requests with a valid key were answered 403 or 422.',
      measures: { refused, accepted },
      expression: `IF(FILL(accepted, 0) >= ${MIN_CALLERS_COUNT}, 100 * FILL(refused, 0) / accepted, 0)`,
      threshold: { above: 50 },
      minutes: 5,
    },
    {
      // Without a rollback: a stranger can make any number of such requests.
      name: 'keys-refused',
      description: 'For 15 minutes, more than 80 % of the requests with a key were answered 401.',
      measures: { strangers, accepted },
      expression:
        `IF(FILL(strangers, 0) >= ${MIN_CALLERS_COUNT}, ` +
        `100 * strangers / ${sumOf(['strangers', 'accepted'])}, 0)`,
      threshold: { above: 80 },
      minutes: 5,
      periods: 3,
    },
    ...(service.expectsRequests ? [silent] : []),
  ];
}

/** What the probe sees, and whether it sees anything. */
function probeRules(service: DeployedService): Rule[] {
  if (!hasProbe(service)) return [];
  return [
    {
      name: 'probe-failed',
      severity: 'page',
      description: 'The API gave the probe, which asks like a customer, another answer than it must.',
      measures: { failed: measure.business(service, 'ProbeFailed') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'probe-silent',
      severity: 'page',
      description: 'The probe completed no run for 20 minutes.',
      measures: { completed: measure.business(service, 'ProbeCompleted') },
      threshold: { below: 1 },
      minutes: 5,
      periods: 4,
      missingIsBad: true,
    },
    {
      name: 'probe-customers-late',
      description: 'A test customer of the probe could not be removed for more than an hour.',
      measures: { late: measure.gauge(service, 'ProbeCustomersLate') },
      threshold: { above: 0 },
      minutes: 5,
    },
  ];
}
/** Without a page: a stranger can make any number of requests. */
const gatewayRefusals = (service: DeployedService): Rule => ({
  name: 'gateway-refusals',
  description: 'For 15 minutes, the gateway answered more than 20 requests in 5 minutes with 429.',
  measures: { throttled: measure.gatewayThrottled(service) },
  threshold: { above: 20 },
  minutes: 5,
  periods: 3,
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
    severity: 'page',
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
      severity: 'page',
      description: 'More than 10 % of the webhooks failed.',
      // Without refused signatures: a stranger can make any number of them.
      measures: { failed, processed, ignored, parked },
      expression: percentage(['failed'], ['processed', 'ignored', 'parked']),
      threshold: { above: 10 },
      minutes: 5,
    },
    {
      name: 'signatures-refused',
      description: 'For 30 minutes, signatures were refused and no webhook was accepted.',
      measures: { refused, processed, ignored, parked },
      // "0 * refused" gives the condition a value even if there is no data about webhooks at all.
      expression: `IF(${sumOf(['processed', 'ignored', 'parked'])} + 0 * refused < 1, refused, 0)`,
      threshold: { above: MIN_COUNT_FOR_RATE - 1 },
      minutes: 30,
    },
    {
      name: 'events-parked',
      description: 'An event could not be applied and is parked until a replay.',
      measures: { parked: measure.gauge(service, 'ParkedEvents') },
      isGauge: true,
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'webhook-endpoint',
      countsEvents: true,
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
      severity: 'page',
      description: 'More than 25 % of the payments for fixes and Pro failed within an hour.',
      threshold: { above: 25 },
    },
    {
      name: 'unknown-price',
      countsEvents: true,
      description: 'An invoice was paid at a price of ours whose metadata does not name plan and credits.',
      measures: { unknown: measure.business(service, 'UnknownPrice') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'fixes-unrecorded',
      countsEvents: true,
      description: 'RSOLV-action sent no repository, so a fix is never billed.',
      measures: { unrecorded: measure.business(service, 'FixUnrecorded') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'paid-above-limit',
      countsEvents: true,
      description: "A late payment or a failed refund exceeded a customer's spending limit. It is counted.",
      measures: { paid: measure.business(service, 'PaidAboveLimit') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: 'double-payment',
      countsEvents: true,
      description: 'A fix was paid twice, and the second payment was refunded.',
      measures: { returned: measure.business(service, 'DoublePaymentReturned') },
      threshold: { above: 0 },
      minutes: 5,
    },
  ];
}

/** Kinds of open work: how old the oldest may be, and whether money waits for it. */
const OPEN_WORK = [
  { name: 'charges-stuck', what: 'A charge', metric: 'OldestCharge', maxMinutes: 30, severity: 'page' },
  { name: 'orders-stuck', what: 'An order for Pro', metric: 'OldestOrder', maxMinutes: 30, severity: 'page' },
  { name: 'renewals-stuck', what: 'A renewal', metric: 'OldestRenewal', maxMinutes: 30, severity: 'page' },
  { name: 'refunds-stuck', what: 'The return of a second payment', metric: 'OldestRefund', maxMinutes: 60 },
  { name: 'cards-stuck', what: 'A card from Checkout', metric: 'OldestCardSession', maxMinutes: 60 },
  { name: 'closings-stuck', what: 'The closing of an account', metric: 'OldestClosing', maxMinutes: 6 * 60 },
  { name: 'warnings-stuck', what: 'A low-balance warning', metric: 'OldestDueWarning', maxMinutes: 150 },
  { name: 'notices-stuck', what: 'A notice to a customer', metric: 'OldestUnsentNotice', maxMinutes: 10 },
] as const satisfies readonly {
  readonly name: string;
  readonly what: string;
  readonly metric: BusinessMetric;
  readonly maxMinutes: number;
  readonly severity?: 'page';
}[];

/** The schedules report each completed run, and the sweeper measures what is still open. */
function workRules(service: DeployedService): Rule[] {
  return [
    ...OPEN_WORK.map(({ name, what, metric, maxMinutes, ...more }) => ({
      ...more,
      name,
      description: `${what} has been open for more than ${maxMinutes} minutes.`,
      measures: { oldest: measure.gauge(service, metric) },
      isGauge: true as const,
      threshold: { above: maxMinutes * 60 }, // seconds
      minutes: 5,
    })),
    {
      name: 'work-unreadable',
      description: 'Open work cannot be read, so nothing finishes it.',
      measures: { unreadable: measure.gauge(service, 'UnknownWork') },
      isGauge: true,
      threshold: { above: 0 },
      minutes: 5,
      periods: 3,
    },
    {
      name: 'sweeper-silent',
      severity: 'page',
      description: 'No run of the sweeper was completed for 15 minutes.',
      measures: { completed: measure.business(service, 'SweeperCompleted') },
      threshold: { below: 1 },
      minutes: 5,
      periods: 3,
      missingIsBad: true,
    },
    {
      name: 'warnings-silent',
      description: 'No run of the low-balance warnings was completed for 15 minutes.',
      measures: { completed: measure.business(service, 'WarningsCompleted') },
      threshold: { below: 1 },
      minutes: 5,
      periods: 3,
      missingIsBad: true,
    },
  ];
}

function ledgerRules(service: DeployedService): Rule[] {
  return [
    {
      name: 'drift',
      countsEvents: true,
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
      countsEvents: true,
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

function functionRules({ key, logicalId, canary }: DeployedFunction): Rule[] {
  return [
    {
      name: errorAlarmOf(key),
      description: `${key} threw an error, ran out of time or memory, or could not start.`,
      measures: { errors: measure.lambda(logicalId, 'Errors', 'Sum') },
      threshold: { above: 0 },
      minutes: 5,
    },
    {
      name: throttleAlarmOf(key),
      // A canary marks a function that moves money.
      ...(canary && { severity: 'page' as const }),
      description: `Calls of ${key} exceeded its concurrency limit for 15 minutes.`,
      measures: { throttles: measure.lambda(logicalId, 'Throttles', 'Sum') },
      threshold: { above: 0 },
      minutes: 5,
      periods: 3,
    },
  ];
}

/**
 * A canary gets a tenth of the traffic, so its refusals are few among all. They are compared with those of
 * all versions: a caller who sends nonsense sends it to both.
 */
function canaryRules(
  service: DeployedService,
  one: DeployedFunction,
  versionIdOf: (one: DeployedFunction) => string,
): Rule[] {
  const ofVersion = (metric: BusinessMetric) =>
    measure.ofVersion(service, metric, one.logicalId, attribute(versionIdOf(one), 'Version'));
  return canaryAlarmOf(one).map((name) => ({
    name,
    severity: 'page',
    description: `The newest version of ${one.key} answers 403 or 422 to good keys, unlike the one before.`,
    measures: {
      accepted: ofVersion('KeyAccepted'),
      refused: ofVersion('RequestRefused'),
      allAccepted: measure.business(service, 'KeyAccepted'),
      allRefused: measure.business(service, 'RequestRefused'),
    },
    expression:
      `IF(FILL(accepted, 0) >= ${MIN_COUNT_FOR_RATE}, ` +
      '100 * FILL(refused, 0) / accepted - 100 * FILL(allRefused, 0) / allAccepted, 0)',
    threshold: { above: 40 },
    minutes: 10,
  }));
}

/** The share of `some` in all counts, in percent. 0 if all counts are below `MIN_COUNT_FOR_RATE`. */
function percentage(some: readonly string[], others: readonly string[]): string {
  const all = sumOf([...some, ...others]);
  return `IF(${all} >= ${MIN_COUNT_FOR_RATE}, 100 * ${sumOf(some)} / ${all}, 0)`;
}

function alarm(service: DeployedService, rule: Rule): Resource {
  const { threshold, minutes, periods = 1, badPeriods = periods, missingIsBad = false } = rule;
  const filled = missingIsBad ? sumOf(Object.keys(rule.measures)) : undefined;
  const { isGauge = false, expression = filled } = rule;
  const isSum = expression !== undefined;
  const topics = [ref(ALARM_TOPIC), ...(rule.severity === 'page' ? [ref(PAGER_TOPIC)] : [])];
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: alarmName(service, rule.name),
      // That section has a row for each alarm.
      AlarmDescription: `${rule.description} What to do: ${service.runbookUrl}, "Alarms".`,
      AlarmActions: topics,
      OKActions: rule.countsEvents ? [] : topics,
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
      TreatMissingData: missingIsBad ? 'breaching' : isGauge ? 'ignore' : 'notBreaching',
    },
  };
}

/** One topic for mails, one for pages. A page is also mailed. */
function topics({ name, stage, alarmEmail, pagerUrl }: DeployedService): Record<string, Resource> {
  const subscription = (topic: string, Protocol: string, Endpoint: string): Resource => ({
    Type: 'AWS::SNS::Subscription',
    Properties: { TopicArn: ref(topic), Protocol, Endpoint },
  });
  return {
    // Not encrypted with AWS's managed key, because CloudWatch could not publish then. The messages are not
    // secret.
    [ALARM_TOPIC]: { Type: 'AWS::SNS::Topic', Properties: { TopicName: `${name}-${stage}-alarms` } },
    [PAGER_TOPIC]: { Type: 'AWS::SNS::Topic', Properties: { TopicName: `${name}-${stage}-pages` } },
    ...(alarmEmail !== '' && { [ALARM_SUBSCRIPTION]: subscription(ALARM_TOPIC, 'email', alarmEmail) }),
    ...(pagerUrl !== '' && { PagerSubscription: subscription(PAGER_TOPIC, 'https', pagerUrl) }),
  };
}

/** `events-parked` → `EventsParked`, as CloudFormation requires. */
const pascalCase = (name: string) =>
  name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
