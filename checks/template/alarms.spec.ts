import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { alarmResources } from '../../infrastructure/alarms.ts';
import { referencesIn } from '../../infrastructure/template.ts';
import { alarmsOf, calculated } from './alarm.ts';
import { packagedStages } from './stages.ts';

/** When each alarm sounds. */
const WATCHED_EVERYWHERE: Readonly<Record<string, string>> = {
  'api-faults': 'Sum rate > 5, 1 of 1 times 5 minutes',
  'api-latency': 'p95 > 5000, 3 of 3 times 5 minutes',
  'billing-latency': 'p95 > 8000, 3 of 3 times 5 minutes',
  'cards-stuck': 'Maximum > 3600, 1 of 1 times 5 minutes',
  'charges-stuck': 'Maximum > 1800, 1 of 1 times 5 minutes',
  'closings-stuck': 'Maximum > 21600, 1 of 1 times 5 minutes',
  defects: 'Sum > 0, 1 of 1 times 5 minutes',
  'double-payment': 'Sum > 0, 1 of 1 times 5 minutes',
  drift: 'Sum > 0, 1 of 1 times 5 minutes',
  'error-budget-fast': 'Sum rate > 7.2, 1 of 1 times 60 minutes',
  'error-budget-slow': 'Sum rate > 3, 1 of 1 times 360 minutes',
  'mail-bounces': 'Maximum > 0.04, 1 of 1 times 60 minutes',
  'mail-complaints': 'Maximum > 0.0008, 1 of 1 times 60 minutes',
  'events-parked': 'Maximum > 0, 1 of 1 times 5 minutes',
  'unknown-price': 'Sum > 0, 1 of 1 times 5 minutes',
  'fixes-unrecorded': 'Sum > 0, 1 of 1 times 5 minutes',
  'gateway-refusals': 'Sum > 20, 3 of 3 times 5 minutes',
  'large-grant': 'Sum > 0, 1 of 1 times 5 minutes',
  'notice-dead-letters': 'Maximum > 0, 1 of 1 times 5 minutes',
  'notices-failing': 'Sum > 0, 1 of 1 times 5 minutes',
  'notices-late': 'Maximum > 600000, 1 of 1 times 5 minutes',
  'notices-stuck': 'Maximum > 600, 1 of 1 times 5 minutes',
  'orders-stuck': 'Maximum > 1800, 1 of 1 times 5 minutes',
  'paid-above-limit': 'Sum > 0, 1 of 1 times 5 minutes',
  'parameters-stale': 'Sum > 0, 3 of 3 times 5 minutes',
  'payment-failures-critical': 'Sum rate > 25, 1 of 1 times 60 minutes',
  'payment-failures-warning': 'Sum rate > 10, 1 of 1 times 60 minutes',
  'reconcile-missing': 'Sum rate < 1, 28 of 28 times 60 minutes',
  'refunds-stuck': 'Maximum > 3600, 1 of 1 times 5 minutes',
  'renewals-stuck': 'Maximum > 1800, 1 of 1 times 5 minutes',
  'requests-refused': 'Sum rate > 50, 1 of 1 times 5 minutes',
  'keys-refused': 'Sum rate > 80, 3 of 3 times 5 minutes',
  'schedule-dead-letters': 'Maximum > 0, 1 of 1 times 5 minutes',
  'signatures-refused': 'Sum rate > 4, 1 of 1 times 30 minutes',
  'sweeper-silent': 'Sum rate < 1, 3 of 3 times 5 minutes',
  'table-throttled': 'Sum rate > 0, 3 of 3 times 5 minutes',
  'warnings-failing': 'Sum > 0, 2 of 3 times 60 minutes',
  'warnings-silent': 'Sum rate < 1, 3 of 3 times 5 minutes',
  'warnings-stuck': 'Maximum > 9000, 1 of 1 times 5 minutes',
  'work-unreadable': 'Maximum > 0, 3 of 3 times 5 minutes',
  'webhook-endpoint': 'Sum > 0, 1 of 1 times 5 minutes',
  'webhook-failures': 'Sum rate > 10, 1 of 1 times 5 minutes',
};
const WATCHED_ON_PRODUCTION: Readonly<Record<string, string>> = {
  'copies-missing': 'Sum rate < 1, 28 of 28 times 60 minutes',
  'requests-missing': 'Sum rate < 1, 1 of 1 times 60 minutes',
  'webhooks-missing': 'Sum rate < 1, 6 of 6 times 60 minutes',
};
/** Where the probe runs: not on dev. */
const WATCHED_BY_PROBE: Readonly<Record<string, string>> = {
  'probe-customers-late': 'Maximum > 0, 1 of 1 times 5 minutes',
  'probe-failed': 'Sum > 0, 1 of 1 times 5 minutes',
  'probe-silent': 'Sum rate < 1, 4 of 4 times 5 minutes',
};
const ERRORS = 'Sum > 0, 1 of 1 times 5 minutes';
const THROTTLES = 'Sum > 0, 3 of 3 times 5 minutes';
/** Functions with a canary whose callers have keys. */
const CANARIES = {
  threshold: 'Sum rate > 40, 1 of 1 times 10 minutes',
  names: ['add-payment-method', 'bill-fix-attempt', 'cancel-subscription', 'subscribe-to-pro'],
};
const BAD_WHEN_SILENT = [
  ...['copies-missing', 'probe-silent', 'reconcile-missing', 'requests-missing', 'sweeper-silent'],
  'warnings-silent',
  'webhooks-missing',
];
/** Gauges: without a newer measurement, nothing is known to have changed. */
const KEPT_WHEN_SILENT = /^(?:\w+-stuck|events-parked|work-unreadable|mail-.*)$/;
/** Alarms that cannot wait. All others only send a mail. */
const PAGES = [
  ...['probe-failed', 'probe-silent'],
  'error-budget-fast',
  ...[
    'api-faults',
    'charges-stuck',
    'defects',
    'orders-stuck',
    'payment-failures-critical',
    'renewals-stuck',
  ],
  ...[
    'requests-missing',
    'requests-refused',
    'sweeper-silent',
    'table-throttled',
    'webhook-failures',
    'webhooks-missing',
  ],
  // Calls of a money function that exceed its concurrency.
  ...[
    'add-payment-method-throttles',
    'bill-fix-attempt-throttles',
    'billing-card-throttles',
    'billing-plan-throttles',
    'cancel-subscription-throttles',
    'stripe-webhook-throttles',
    'subscribe-to-pro-throttles',
  ],
];
/** They end after one period while the trouble is still there, so they send no OK. */
const WITHOUT_OK = [
  ...[
    'double-payment',
    'drift',
    'fixes-unrecorded',
    'large-grant',
    'paid-above-limit',
    'unknown-price',
    'webhook-endpoint',
  ],
];

const treatmentOf = (name: string): string => {
  if (BAD_WHEN_SILENT.includes(name)) return 'breaching';
  return KEPT_WHEN_SILENT.test(name) ? 'ignore' : 'notBreaching';
};

const OBSERVE = 'lib/runtime/observe.ts';
const businessMetrics = (() => {
  const [, union = ''] = /type BusinessMetric =([^;]+);/.exec(readFileSync(OBSERVE, 'utf8')) ?? [];
  return [...union.matchAll(/'(\w+)'/g)].map(([, name]) => String(name));
})();
const code = ['functions', 'lib']
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  )
  .filter((file) => file.endsWith('.ts') && file !== OBSERVE)
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

const MetricFilter = z.object({
  MetricTransformations: z.array(z.object({ MetricNamespace: z.string(), MetricName: z.string() })),
});

describe.each(packagedStages)('alarms on $stage', ({ stage, template, functions }) => {
  const alarms = alarmsOf(template);
  const short = (name: string) => name.replace(`rsolv-billing-${stage}-`, '');

  /** Metrics that a filter counts in a log. */
  const filtered = template
    .ofType('AWS::Logs::MetricFilter')
    .flatMap(({ properties }) => MetricFilter.parse(properties).MetricTransformations);

  it('every alarm exists, with its threshold and period', () => {
    const ofFunctions = functions.flatMap(({ name }) => [
      [`${name}-errors`, ERRORS],
      [`${name}-throttles`, THROTTLES],
    ]);
    expect(Object.fromEntries(alarms.map(({ AlarmName, sounds }) => [short(AlarmName), sounds]))).toEqual({
      ...WATCHED_EVERYWHERE,
      ...(stage === 'production' && WATCHED_ON_PRODUCTION),
      ...(stage !== 'dev' && WATCHED_BY_PROBE),
      ...Object.fromEntries(ofFunctions),
      ...Object.fromEntries(CANARIES.names.map((name) => [`${name}-canary`, CANARIES.threshold])),
    });
  });

  it.each([
    ['webhook-failures', { processed: 7, ignored: 1, parked: 1, failed: 1 }, 10],
    ['webhook-failures', { processed: 8, failed: 2 }, 20],
    ['webhook-failures', { failed: 4 }, 0],
    ['signatures-refused', { refused: 5 }, 5],
    ['signatures-refused', { refused: 5_000, processed: 1 }, 0],
    ['signatures-refused', {}, 0],
    ['bill-fix-attempt-canary', { accepted: 5, refused: 5, allAccepted: 50, allRefused: 5 }, 90],
    ['bill-fix-attempt-canary', { accepted: 5, refused: 5, allAccepted: 50, allRefused: 50 }, 0],
    ['bill-fix-attempt-canary', { accepted: 4, refused: 4, allAccepted: 50, allRefused: 4 }, 0],
    ['requests-refused', { accepted: 40, refused: 30 }, 75],
    ['requests-refused', { accepted: 19, refused: 19 }, 0],
    ['requests-refused', {}, 0],
    ['keys-refused', { strangers: 90, accepted: 10 }, 90],
    ['keys-refused', { strangers: 19 }, 0],
    ['payment-failures-warning', { charged: 9, declined: 1 }, 10],
    ['payment-failures-critical', { charged: 3, declined: 1 }, 0],
    ['payment-failures-critical', { charged: 6, declined: 2 }, 25],
    ['payment-failures-critical', { declined: 5 }, 100],
    ['payment-failures-critical', { charged: 2, paid: 4, unpaid: 2 }, 25],
    ['payment-failures-warning', { charged: 500 }, 0],
    ['api-faults', { requests: 40, faults: 2 }, 5],
    ['api-faults', { requests: 4, faults: 4 }, 0],
    ['api-faults', { requests: 40 }, 0],
    ['table-throttled', { writes: 2 }, 2],
    ['table-throttled', { indexWrites: 3 }, 3],
    ['error-budget-fast', { requests: 1000, faults: 75 }, 7.5],
    ['error-budget-fast', { requests: 19, faults: 19 }, 0],
  ])('the expression of %s turns %o into a rate of %d', (name, counts, rate) => {
    const alarm = alarms.find(({ AlarmName }) => short(AlarmName) === name);
    const expression = alarm?.Metrics.find(({ ReturnData }) => ReturnData)?.Expression ?? '';
    expect(calculated(expression, counts)).toBe(rate);
  });

  it.runIf(stage !== 'dev')('the requests of the probe hide no failing customer, and are none', () => {
    for (const name of ['api-faults', 'error-budget-fast', 'error-budget-slow']) {
      const alarm = alarms.find(({ AlarmName }) => short(AlarmName) === name);
      const expression = alarm?.Metrics.find(({ ReturnData }) => ReturnData)?.Expression ?? '';
      expect(calculated(expression, { requests: 1_480, probes: 1_440, faults: 40 })).toBe(100);
      expect(calculated(expression, { requests: 1_440, probes: 1_440, faults: 9 })).toBe(0);
      const outage = { requests: 1_480, probes: 1_440, probeFaults: 100 };
      expect(calculated(expression, { ...outage, faults: 100 })).toBe(0);
      expect(calculated(expression, { ...outage, faults: 120 })).toBe(50);
    }
  });

  it('every alarm notifies the topic, names what to do, and defines what missing data means', () => {
    expect(template.resource('AlarmTopic').Type).toBe('AWS::SNS::Topic');
    const manual = readFileSync('docs/operate.md', 'utf8');
    const [, table = ''] = /\n## Alarms\n(.*?)\n## /s.exec(manual) ?? [];
    for (const alarm of alarms) {
      const { AlarmName, ActionsEnabled, AlarmActions, OKActions, AlarmDescription, TreatMissingData } =
        alarm;
      expect([AlarmName, ActionsEnabled]).toEqual([AlarmName, true]);
      const isPage = PAGES.includes(short(AlarmName)) || AlarmName.endsWith('-canary');
      const topics = [{ Ref: 'AlarmTopic' }, ...(isPage ? [{ Ref: 'PagerTopic' }] : [])];
      expect([AlarmName, AlarmActions]).toEqual([AlarmName, topics]);
      expect([AlarmName, OKActions]).toEqual([
        AlarmName,
        WITHOUT_OK.includes(short(AlarmName)) ? [] : topics,
      ]);
      expect(AlarmDescription).toMatch(/[.?] What to do: docs\/operate\.md, "Alarms"\.$/);
      const ofAnyFunction = /-(errors|throttles|canary)$/.exec(AlarmName);
      const row = ofAnyFunction === null ? short(AlarmName) : `<function>-${ofAnyFunction[1]}`;
      expect(table.includes(`| \`${row}\` |`), `${row} is not in the table`).toBe(true);
      expect([AlarmName, TreatMissingData]).toEqual([AlarmName, treatmentOf(short(AlarmName))]);
    }
  });

  it('every alarm watches a metric that exists: our code counts it, or it belongs to a resource of the stack', () => {
    for (const { AlarmName, watches, Metrics } of alarms) {
      expect(watches.length, AlarmName).toBeGreaterThan(0);
      expect(
        Metrics.filter(({ ReturnData }) => ReturnData),
        AlarmName,
      ).toHaveLength(1);
      for (const { Namespace, MetricName, Dimensions } of watches) {
        if (Namespace.startsWith('AWS/')) {
          const resources = [...referencesIn(Dimensions)];
          // SES computes its rates for the whole account.
          if (Namespace !== 'AWS/SES') expect(resources, AlarmName).not.toEqual([]);
          for (const id of resources) expect([id, template.has(id)]).toEqual([id, true]);
        } else {
          expect([AlarmName, Namespace]).toEqual([AlarmName, `RSOLV/Billing/${stage}`]);
          if (filtered.some((one) => one.MetricName === MetricName && one.MetricNamespace === Namespace)) {
            expect([AlarmName, Dimensions]).toEqual([AlarmName, []]);
            continue;
          }
          expect(Dimensions[0]).toEqual({ Name: 'service', Value: 'rsolv-billing' });
          const more = Dimensions.slice(1).map(({ Name }) => Name);
          expect([[], ['function_name', 'function_version']]).toContainEqual(more);
          for (const id of referencesIn(Dimensions)) expect([id, template.has(id)]).toEqual([id, true]);
          expect(businessMetrics).toContain(MetricName);
          expect(code, `${MetricName} is never counted`).toContain(`'${MetricName}'`);
        }
      }
    }
  });

  it('every expression uses only metrics of its own alarm', () => {
    for (const { AlarmName, Metrics } of alarms) {
      const ids = Metrics.map(({ Id }) => Id);
      const used = Metrics.flatMap(({ Expression = '' }) => Expression.match(/\b[a-z]\w*/g) ?? []);
      for (const id of used) expect([AlarmName, ids]).toEqual([AlarmName, expect.arrayContaining([id])]);
    }
  });

  it('each dead-letter queue has the name in the manual, keeps messages for 14 days, is encrypted, and has an alarm', () => {
    const queues = template.ofType('AWS::SQS::Queue');
    expect(queues.map(({ id }) => id).sort()).toEqual(['NoticeDeadLetters', 'ScheduleDeadLetters']);
    for (const { id, properties } of queues) {
      expect(properties).toMatchObject({
        QueueName: `rsolv-billing-${stage}-${id === 'NoticeDeadLetters' ? 'notice' : 'schedule'}-dead-letters`,
        SqsManagedSseEnabled: true,
        MessageRetentionPeriod: 14 * 24 * 60 * 60,
      });
      const watching = alarms.filter(({ watches }) => referencesIn(watches).has(id));
      expect([id, watching.length]).toEqual([id, 1]);
    }
  });

  it('the dashboard shows every business metric', () => {
    const Dashboard = z.object({ DashboardBody: z.object({ 'Fn::Sub': z.string() }) });
    const { DashboardBody } = Dashboard.parse(template.resource('Dashboard').Properties);
    const text = DashboardBody['Fn::Sub'];
    const Body = z.object({
      widgets: z.array(
        z.object({
          properties: z.object({
            metrics: z._default(z.array(z.array(z.unknown())), []),
            alarms: z._default(z.array(z.string()), []),
            query: z._default(z.string(), ''),
          }),
        }),
      ),
    });
    const { widgets } = Body.parse(JSON.parse(text));
    const shown = widgets.flatMap(({ properties }) => properties.metrics.map(([, name]) => name));
    expect(shown).toEqual(expect.arrayContaining([...businessMetrics, 'GatewayThrottled']));
    const queries = widgets.map(({ properties }) => properties.query).filter((query) => query !== '');
    expect(queries, 'the problem codes of all functions').toEqual([
      expect.stringMatching(/filter status >= 400 \| stats count\(\*\) as requests by code/),
    ]);
    for (const { name } of functions)
      expect(queries[0]).toContain(`SOURCE '/aws/lambda/rsolv-billing-${stage}-${name}' | `);
    const states = widgets.flatMap(({ properties }) => properties.alarms);
    const names = alarms.map(({ AlarmName }) => AlarmName);
    expect(states.map((one) => one.replace(/^.*:alarm:/, '')).sort()).toEqual(
      names.filter((name) => !/-(errors|throttles|canary)$/.test(name)).sort(),
    );
    for (const [, id = ''] of text.matchAll(/\$\{(\w+)(?:\.\w+)?\}/g))
      expect([id, template.has(id)]).toEqual([id, true]);
  });
});

describe('the recipients of alarms', () => {
  const service = {
    name: 'rsolv-billing',
    stage: 'production',
    metricsNamespace: 'RSOLV/Billing/production',
    tableName: 'rsolv-billing-production',
    parameters: '/rsolv-billing/production',
    pagerUrl: '',
    runbookUrl: 'docs/operate.md',
    domainName: '',
    certificateArn: '',
    ...{ redeploy: '', preflight: 'run' as const, copyRegion: '', copyAccount: '' },
    expectsWebhooks: true,
    expectsRequests: true,
    shiftTraffic: 'LambdaAllAtOnce' as const,
    noticeIdentity: 'rsolv.dev',
    functions: [],
  };

  it('pages go to the pager if its address is set', () => {
    const paged = { ...service, alarmEmail: '', pagerUrl: 'https://pager.example/rsolv' };
    expect(alarmResources({ ...paged, pagerUrl: '' })).not.toHaveProperty('PagerSubscription');
    expect(alarmResources(paged)['PagerSubscription']).toMatchObject({
      Type: 'AWS::SNS::Subscription',
      Properties: { TopicArn: { Ref: 'PagerTopic' }, Protocol: 'https', Endpoint: paged.pagerUrl },
    });
  });

  it('alarms are e-mailed only if an address is set', () => {
    expect(alarmResources({ ...service, alarmEmail: '' })).not.toHaveProperty('AlarmEmail');
    expect(alarmResources({ ...service, alarmEmail: 'ops@rsolv.dev' })['AlarmEmail']).toMatchObject({
      Type: 'AWS::SNS::Subscription',
      Properties: { Protocol: 'email', Endpoint: 'ops@rsolv.dev' },
    });
  });
});
