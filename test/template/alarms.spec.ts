import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { alarmResources } from '../../infrastructure/alarms.ts';
import { referencesIn } from '../../infrastructure/template.ts';
import { alarmsOf } from './alarm.ts';
import { packagedStages } from './stages.ts';

const WATCHED_EVERYWHERE = [
  'api-faults',
  'api-latency',
  'billing-latency',
  'charges-pending',
  'defects',
  'double-payment',
  'drift',
  'events-parked',
  'large-grant',
  'notice-dead-letters',
  'notices-failing',
  'notices-late',
  'payment-failures-critical',
  'payment-failures-warning',
  'reconcile-missing',
  'schedule-dead-letters',
  'table-throttled',
  'webhook-failures',
];
const BAD_WHEN_SILENT = ['reconcile-missing', 'webhooks-missing'];

const OBSERVE = 'lib/http/observe.ts';
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

describe.each(packagedStages)('alarms on $stage', ({ stage, template, functions }) => {
  const alarms = alarmsOf(template);
  const short = (name: string) => name.replace(`rsolv-billing-${stage}-`, '');

  it('everything that has to be watched is watched', () => {
    const ofFunctions = functions.flatMap(({ name }) => [`${name}-errors`, `${name}-throttles`]);
    const missing = stage === 'production' ? ['webhooks-missing'] : [];
    expect(alarms.map(({ AlarmName }) => short(AlarmName)).sort()).toEqual(
      [...WATCHED_EVERYWHERE, ...missing, ...ofFunctions].sort(),
    );
  });

  it('every alarm tells somebody, says what to do, and knows what silence means', () => {
    expect(template.resource('AlarmTopic').Type).toBe('AWS::SNS::Topic');
    const manual = readFileSync('docs/operate.md', 'utf8');
    const [, table = ''] = /\n## Alarms\n(.*?)\n## /s.exec(manual) ?? [];
    for (const { AlarmName, AlarmActions, AlarmDescription, TreatMissingData } of alarms) {
      expect(AlarmActions).toEqual([{ Ref: 'AlarmTopic' }]);
      expect(AlarmDescription).toMatch(/[.?] What to do: docs\/operate\.md, "Alarms"\.$/);
      const ofAnyFunction = /-(errors|throttles)$/.exec(AlarmName);
      const row = ofAnyFunction === null ? short(AlarmName) : `<function>-${ofAnyFunction[1]}`;
      expect(table.includes(`| \`${row}\` |`), `${row} is not in the table`).toBe(true);
      expect([AlarmName, TreatMissingData]).toEqual([
        AlarmName,
        BAD_WHEN_SILENT.includes(short(AlarmName)) ? 'breaching' : 'notBreaching',
      ]);
    }
  });

  it('every alarm looks at what is counted: our metrics at what the code counts, the others at resources of ours', () => {
    for (const { AlarmName, watches, Metrics } of alarms) {
      expect(watches.length, AlarmName).toBeGreaterThan(0);
      expect(
        Metrics.filter(({ ReturnData }) => ReturnData),
        AlarmName,
      ).toHaveLength(1);
      for (const { Namespace, MetricName, Dimensions } of watches) {
        if (Namespace.startsWith('AWS/')) {
          const resources = [...referencesIn(Dimensions)];
          expect(resources, AlarmName).not.toEqual([]);
          for (const id of resources) expect([id, template.has(id)]).toEqual([id, true]);
        } else {
          expect([AlarmName, Namespace]).toEqual([AlarmName, `RSOLV/Billing/${stage}`]);
          expect(Dimensions).toEqual([{ Name: 'service', Value: 'rsolv-billing' }]);
          expect(businessMetrics).toContain(MetricName);
          expect(code, `${MetricName} is counted nowhere`).toContain(`'${MetricName}'`);
        }
      }
    }
  });

  it('every expression knows the metrics that it calculates with', () => {
    for (const { AlarmName, Metrics } of alarms) {
      const ids = Metrics.map(({ Id }) => Id);
      const used = Metrics.flatMap(({ Expression = '' }) => Expression.match(/\b[a-z]\w*/g) ?? []);
      for (const id of used) expect([AlarmName, ids]).toEqual([AlarmName, expect.arrayContaining([id])]);
    }
  });

  it('payments are a warning above 10 % and critical above 25 %', () => {
    const threshold = (name: string) => alarms.find(({ AlarmName }) => short(AlarmName) === name)?.Threshold;
    expect(threshold('payment-failures-warning')).toBe(10);
    expect(threshold('payment-failures-critical')).toBe(25);
    expect(threshold('webhook-failures')).toBe(10);
  });

  it('each queue has the name that the manual knows, keeps what is in it for 14 days, encrypted, and has an alarm', () => {
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
      widgets: z.array(z.object({ properties: z.object({ metrics: z.array(z.array(z.unknown())) }) })),
    });
    const { widgets } = Body.parse(JSON.parse(text));
    const shown = widgets.flatMap(({ properties }) => properties.metrics.map(([, name]) => name));
    expect(shown).toEqual(expect.arrayContaining(businessMetrics));
    for (const [, id = ''] of text.matchAll(/\$\{(\w+)(?:\.\w+)?\}/g))
      expect([id, template.has(id)]).toEqual([id, true]);
  });
});

describe('who hears of alarms', () => {
  const service = {
    name: 'rsolv-billing',
    stage: 'production',
    metricsNamespace: 'RSOLV/Billing/production',
    tableName: 'rsolv-billing-production',
    parameters: '/rsolv-billing/production',
    expectsWebhooks: true,
    shiftTraffic: 'LambdaAllAtOnce',
    noticeIdentity: 'rsolv.dev',
    functions: [],
  };

  it('is nobody unless an address is given, and then that address', () => {
    expect(alarmResources({ ...service, alarmEmail: '' })).not.toHaveProperty('AlarmEmail');
    expect(alarmResources({ ...service, alarmEmail: 'ops@rsolv.dev' })['AlarmEmail']).toMatchObject({
      Type: 'AWS::SNS::Subscription',
      Properties: { Protocol: 'email', Endpoint: 'ops@rsolv.dev' },
    });
  });
});
