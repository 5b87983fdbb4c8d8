import * as z from 'zod/mini';
import type { Template } from '../template/template.ts';
import type { MetricName } from './metrics.ts';

/* The alarms of a packaged template, with the limits that CloudWatch sets, and what each of them does. */

const MAX_METRICS = 10;
const DAY_SECONDS = 24 * 60 * 60;
const HOUR_SECONDS = 60 * 60;
const WEEK_SECONDS = 7 * DAY_SECONDS;

const COMPARISONS = {
  GreaterThanThreshold: (point: number, threshold: number) => point > threshold,
  GreaterThanOrEqualToThreshold: (point: number, threshold: number) => point >= threshold,
  LessThanThreshold: (point: number, threshold: number) => point < threshold,
  LessThanOrEqualToThreshold: (point: number, threshold: number) => point <= threshold,
} as const;

const Dimension = z.object({ Name: z.string(), Value: z.unknown() });
const Alarm = z.strictObject({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  ActionsEnabled: z._default(z.boolean(), true),
  AlarmActions: z.array(z.unknown()),
  OKActions: z._default(z.array(z.unknown()), []),
  TreatMissingData: z._default(z.enum(['breaching', 'notBreaching', 'ignore', 'missing']), 'missing'),
  ComparisonOperator: z.enum([
    'GreaterThanThreshold',
    'GreaterThanOrEqualToThreshold',
    'LessThanThreshold',
    'LessThanOrEqualToThreshold',
  ]),
  Threshold: z.number(),
  EvaluationPeriods: z.int().check(z.positive()),
  DatapointsToAlarm: z.optional(z.int().check(z.positive())),
  Metrics: z.array(
    z.strictObject({
      Id: z.string().check(z.regex(/^[a-z]\w*$/)),
      ReturnData: z.boolean(),
      Expression: z.optional(z.string()),
      MetricStat: z.optional(
        z.strictObject({
          Stat: z.string(),
          Period: z.int().check(z.multipleOf(60)),
          Metric: z.strictObject({
            Namespace: z.string(),
            MetricName: z.string(),
            Dimensions: z._default(z.array(Dimension), []),
          }),
        }),
      ),
    }),
  ),
});
const CompositeAlarm = z.object({
  AlarmName: z.string(),
  AlarmRule: z.string(),
  AlarmActions: z.array(z.unknown()),
  OKActions: z._default(z.array(z.unknown()), []),
});
const DeploymentGroup = z.object({
  AlarmConfiguration: z.object({
    Enabled: z.boolean(),
    Alarms: z.array(z.object({ Name: z.object({ Ref: z.string() }) })),
  }),
});

export interface Actions {
  readonly mails: boolean;
  readonly pages: boolean;
  /** A canary that runs meanwhile is rolled back. */
  readonly rollsBack: boolean;
  readonly sendsOk: boolean;
}

export interface MetricAlarm {
  /** Without service and stage. */
  readonly name: string;
  /** Seconds. */
  readonly period: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: 'breaching' | 'notBreaching' | 'ignore' | 'missing';
  readonly isBreaching: (point: number) => boolean;
  readonly metrics: readonly { readonly id: string; readonly metric: MetricName; readonly stat: string }[];
  readonly expressions: readonly { readonly id: string; readonly expression: string }[];
  /** The id of the metric or expression that is compared with the threshold. */
  readonly watched: string;
}

export interface TemplateAlarms {
  readonly metricAlarms: readonly MetricAlarm[];
  readonly compositeAlarms: readonly { readonly name: string; readonly rule: string }[];
  readonly actions: ReadonlyMap<string, Actions>;
}

/** @throws Error naming an alarm that CloudWatch would reject */
export function alarmsOfTemplate(template: Template, prefix: string): TemplateAlarms {
  const short = (name: string) => name.replace(prefix, '');
  const rollback = new Set(
    template.ofType('AWS::CodeDeploy::DeploymentGroup').flatMap(({ properties }) => {
      const { Enabled, Alarms } = DeploymentGroup.parse(properties).AlarmConfiguration;
      return Enabled ? Alarms.map(({ Name }) => Name.Ref) : [];
    }),
  );
  const actions = new Map<string, Actions>();
  const note = (id: string, name: string, alarm: { AlarmActions: unknown[]; OKActions: unknown[] }) => {
    const goesTo = (topic: string) => JSON.stringify(alarm.AlarmActions).includes(`"${topic}"`);
    actions.set(short(name), {
      mails: goesTo('AlarmTopic'),
      pages: goesTo('PagerTopic'),
      rollsBack: rollback.has(id),
      sendsOk: alarm.OKActions.length > 0,
    });
  };
  const metricAlarms = template.ofType('AWS::CloudWatch::Alarm').map(({ id, properties }) => {
    const alarm = Alarm.parse(properties);
    note(id, alarm.AlarmName, alarm);
    return { ...metricAlarm(alarm), name: short(alarm.AlarmName) };
  });
  const compositeAlarms = template.ofType('AWS::CloudWatch::CompositeAlarm').map(({ id, properties }) => {
    const { AlarmName, AlarmRule, ...rest } = CompositeAlarm.parse(properties);
    note(id, AlarmName, rest);
    return { name: short(AlarmName), rule: AlarmRule.replaceAll(prefix, '') };
  });
  return { metricAlarms, compositeAlarms, actions };
}

function metricAlarm(alarm: z.output<typeof Alarm>): MetricAlarm {
  const { AlarmName, Metrics, EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = alarm;
  const reject = (reason: string): never => {
    throw new Error(`CloudWatch rejects ${AlarmName}: ${reason}`);
  };
  const stats = Metrics.flatMap(({ Id, MetricStat }) => (MetricStat ? [{ Id, ...MetricStat }] : []));
  const [period = reject('it has no metric'), ...others] = new Set(stats.map(({ Period }) => Period));
  if (others.length > 0) reject('its metrics have different periods');
  if (stats.length > MAX_METRICS) reject(`it has more than ${MAX_METRICS} metrics`);
  if (DatapointsToAlarm > EvaluationPeriods) reject('more data points than periods must breach');
  const longest = period < HOUR_SECONDS ? DAY_SECONDS : WEEK_SECONDS;
  if (period * EvaluationPeriods > longest) reject('it looks back too far');
  const [watched = reject('it watches nothing'), ...more] = Metrics.filter(({ ReturnData }) => ReturnData);
  if (more.length > 0) reject('it watches more than one series');
  const compare = COMPARISONS[alarm.ComparisonOperator];
  return {
    name: AlarmName,
    period,
    evaluationPeriods: EvaluationPeriods,
    datapointsToAlarm: DatapointsToAlarm,
    treatMissingData: alarm.TreatMissingData,
    isBreaching: (point) => compare(point, alarm.Threshold),
    metrics: stats.map(({ Id, Stat, Metric: { Namespace, MetricName, Dimensions } }) => ({
      id: Id,
      stat: Stat,
      metric: {
        namespace: Namespace,
        name: MetricName,
        dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, textOf(Value)])),
      },
    })),
    expressions: Metrics.flatMap(({ Id, Expression }) =>
      Expression === undefined ? [] : [{ id: Id, expression: Expression }],
    ),
    watched: watched.Id,
  };
}

/** A reference stands for the name that the resource gets at AWS: here its logical id. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const Reference = z.union([
    z.pipe(
      z.object({ Ref: z.string() }),
      z.transform(({ Ref }) => Ref),
    ),
    z.pipe(
      z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) }),
      z.transform((value) =>
        value['Fn::GetAtt'][1] === 'Version' ? value['Fn::GetAtt'].join('.') : value['Fn::GetAtt'][0],
      ),
    ),
  ]);
  return Reference.parse(value);
}
