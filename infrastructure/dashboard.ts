import type { BusinessMetric } from '../lib/runtime/observe.ts';
import { stageAlarmNames } from './alarms.ts';
import * as measure from './measures.ts';
import { errorCodes, logGroups } from './queries.ts';
import type { DeployedService } from './service.ts';
import { arn, type Resource } from './template.ts';

/** CloudWatch's grid is 24 columns wide. Each row has three graphs. */
const COLUMNS = 3;
const WIDTH = 24 / COLUMNS;
const HEIGHT = 6;

interface Graph {
  readonly title: string;
  readonly lines: readonly measure.Measure[];
}

/** The stage's dashboard as a CloudFormation resource: business graphs, then system graphs. */
export function dashboard(service: DeployedService): Record<string, Resource> {
  const graphs = [...businessGraphs(service), ...systemGraphs(service)];
  const widgets = graphs.map(({ title, lines }, index) => ({
    type: 'metric',
    x: (index % COLUMNS) * WIDTH,
    y: HEIGHT + Math.floor(index / COLUMNS) * HEIGHT,
    width: WIDTH,
    height: HEIGHT,
    properties: {
      title,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
      region: '${AWS::Region}',
      view: 'timeSeries',
      period: 300,
      metrics: lines.map(({ namespace, name, dimensions, stat }) => [
        namespace,
        name,
        ...Object.entries(dimensions).flatMap(([key, value]) => [key, placeholder(value)]),
        { stat },
      ]),
    },
  }));
  return {
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: {
        DashboardName: `${service.name}-${service.stage}`,
        DashboardBody: {
          'Fn::Sub': JSON.stringify({
            widgets: [alarmStates(service), ...widgets, problemCodes(service, graphs.length)],
          }),
        },
      },
    },
  };
}

const OPEN_WORK_COUNTS = [
  ...['OpenCharges', 'OpenOrders', 'OpenRenewals', 'OpenRefunds', 'OpenCardSessions', 'OpenClosings'],
  ...['ParkedEvents', 'DueWarnings', 'UnsentNotices', 'UnknownWork'],
] as const satisfies readonly BusinessMetric[];
const OPEN_WORK_AGES = [
  ...['OldestCharge', 'OldestOrder', 'OldestRenewal', 'OldestRefund', 'OldestCardSession'],
  ...['OldestClosing', 'OldestParkedEvent', 'OldestDueWarning', 'OldestUnsentNotice'],
] as const satisfies readonly BusinessMetric[];

/** The state of every alarm that belongs to no single function, above the graphs. */
const alarmStates = (service: DeployedService) => ({
  type: 'alarm',
  x: 0,
  y: 0,
  width: COLUMNS * WIDTH,
  height: HEIGHT,
  properties: {
    title: 'Alarms',
    alarms: stageAlarmNames(service).map((name) => arn('cloudwatch', `alarm:${name}`)['Fn::Sub']),
  },
});

/**
 * How many requests each problem code refused. A query of the log instead of a metric for each code: there
 * are more than 30 codes, and each metric costs money every month, whether it is looked at or not.
 */
const problemCodes = (service: DeployedService, graphs: number) => ({
  type: 'log',
  x: 0,
  y: HEIGHT + Math.ceil(graphs / COLUMNS) * HEIGHT,
  width: COLUMNS * WIDTH,
  height: HEIGHT,
  properties: {
    title: 'Problem codes',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
    region: '${AWS::Region}',
    view: 'table',
    query: [...logGroups(service).map((group) => `SOURCE '${group}'`), ...errorCodes].join(' | '),
  },
});

function businessGraphs(service: DeployedService): Graph[] {
  const gauges = (title: string, ...metrics: readonly BusinessMetric[]): Graph => ({
    title,
    lines: metrics.map((metric) => measure.gauge(service, metric)),
  });
  const graph = (title: string, ...metrics: readonly BusinessMetric[]): Graph => ({
    title,
    lines: metrics.map((metric) => measure.business(service, metric)),
  });
  return [
    graph('Fixes', 'FixBilled', 'FixCharged', 'FixBlocked', 'FixUnrecorded', 'ChargeDeclined'),
    graph('Pro invoices', 'InvoicePaid', 'InvoiceFailed'),
    graph('Money by card, US cents', 'FixCents', 'OrderCents', 'RenewalCents'),
    graph('End of Pro', 'ProSetToEnd', 'ProCancelledNow', 'ProEnded'),
    graph('Credits granted', 'TrialCredits', 'CardBonusCredits', 'ProCredits', 'AdjustedCredits'),
    graph('Refused sign-ups', 'SignUpTaken', 'SignUpDisposable', 'SignUpLimited', 'SignUpInvalid'),
    graph('Customers', 'CustomerOnboarded', 'PaymentMethodAdded', 'ProSubscribed', 'StripeEmailRefused'),
    graph('Webhooks', 'EventProcessed', 'EventIgnored', 'EventParked', 'EventFailed', 'SignatureRefused'),
    graph('Wrong setup at Stripe', 'UnknownPrice', 'EndpointMisconfigured'),
    graph('Notices', 'LowBalanceWarned', 'WarningFailed', 'NoticeSent', 'NoticeFailed'),
    graph('Reconciliation', 'ReconcileCompleted', 'Drift', 'MissedEvent'),
    graph(
      'Unusual events',
      'CreditsAdjusted',
      'LargeGrant',
      'DoublePaymentReturned',
      'PaidAboveLimit',
      'PendingChargeFailed',
      'Defect',
      'ParameterStale',
    ),
    graph('Callers', 'KeyAccepted', 'RequestRefused', 'KeyRefused'),
    {
      title: 'Too many calls',
      lines: [measure.business(service, 'RateLimited'), measure.gatewayThrottled(service)],
    },
    {
      title: 'Calls to Stripe, milliseconds',
      lines: ['p50', 'p95', 'p99'].map((stat) => ({
        ...measure.business(service, 'StripeDuration'),
        stat,
      })),
    },
    graph('Repeated calls to Stripe', 'StripeRetries'),
    graph('Completed runs', 'SweeperCompleted', 'WarningsCompleted', 'ReconcileCompleted'),
    graph('Probe', 'ProbeCompleted', 'ProbeFailed', 'ProbeCustomersLate', 'ProbeRequest', 'ProbeFault'),
    gauges('Open work', ...OPEN_WORK_COUNTS),
    gauges('Age of the oldest open work, seconds', ...OPEN_WORK_AGES),
  ];
}

function systemGraphs({ functions }: DeployedService): Graph[] {
  const each = (metric: measure.LambdaMetric, stat: string) =>
    functions.map(({ logicalId }) => measure.lambda(logicalId, metric, stat));
  return [
    {
      title: 'Requests',
      lines: [measure.api('Count', 'Sum'), measure.api('4xx', 'Sum'), measure.api('5xx', 'Sum')],
    },
    {
      title: 'Latency, milliseconds',
      lines: ['p50', 'p95', 'p99'].map((stat) => measure.api('Latency', stat)),
    },
    { title: 'Function duration, p95, milliseconds', lines: each('Duration', 'p95') },
    { title: 'Function errors', lines: each('Errors', 'Sum') },
    { title: 'Function throttles', lines: each('Throttles', 'Sum') },
    { title: 'Function concurrency', lines: each('ConcurrentExecutions', 'Maximum') },
    {
      title: 'Table',
      lines: [
        measure.table('ConsumedReadCapacityUnits'),
        measure.table('ConsumedWriteCapacityUnits'),
        measure.table('ReadThrottleEvents'),
        measure.table('WriteThrottleEvents'),
      ],
    },
    {
      title: 'Dead letters',
      lines: [measure.queue('NoticeDeadLetters'), measure.queue('ScheduleDeadLetters')],
    },
    {
      title: 'Notice delay, milliseconds',
      lines: [measure.lambda('DeliverDashnoticesLambdaFunction', 'IteratorAge', 'Maximum')],
    },
  ];
}

/** A reference in the placeholder syntax of Fn::Sub. */
const placeholder = (value: measure.DimensionValue): string => {
  if (typeof value === 'string') return value;
  return 'Ref' in value ? `\${${value.Ref}}` : `\${${value['Fn::GetAtt'].join('.')}}`;
};
