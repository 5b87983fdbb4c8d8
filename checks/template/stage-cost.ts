import { alarmsOf } from './alarm.ts';
import type { Template } from './template.ts';

/*
 * What a stage costs in a month, apart from its requests. AWS's prices in us-east-1, in US dollars, looked up
 * in November 2026, without the free tier: aws.amazon.com/cloudwatch/pricing.
 */

const PRICES = {
  /** For each metric that an alarm watches. A calculated alarm watches several. */
  alarmMetric: 0.1,
  compositeAlarm: 0.5,
  dashboard: 3,
  /** For each name and set of dimensions with data, in parts of an hour. */
  metric: 0.3,
} as const;
/** The metrics that the gateway keeps for a route: count, two kinds of errors, two latencies, data. */
const METRICS_OF_A_ROUTE = 6;

interface CostLine {
  readonly what: string;
  readonly count: number;
  readonly dollars: number;
}

/** The lines of a stage's cost, each with its number of things. */
export function stageCost(template: Template): CostLine[] {
  const alarms = alarmsOf(template);
  const alarmMetrics = alarms.flatMap(({ watches }) => watches).length;
  const dashboards = template.ofType('AWS::CloudWatch::Dashboard').length;
  const routeMetrics = METRICS_OF_A_ROUTE * template.ofType('AWS::ApiGatewayV2::Route').length;
  const own = ownMetrics(template);
  return [
    {
      what: 'metrics that alarms watch',
      count: alarmMetrics,
      dollars:
        PRICES.alarmMetric * alarmMetrics +
        PRICES.compositeAlarm * template.ofType('AWS::CloudWatch::CompositeAlarm').length,
    },
    { what: 'dashboards', count: dashboards, dollars: PRICES.dashboard * dashboards },
    { what: 'metrics of our own, if each has data in every hour', count: own, dollars: PRICES.metric * own },
    {
      what: 'metrics of the routes, if each has requests in every hour',
      count: routeMetrics,
      dollars: PRICES.metric * routeMetrics,
    },
  ];
}

/** The number of our own metrics on the dashboard and in alarms. */
function ownMetrics(template: Template): number {
  const watched = alarmsOf(template)
    .flatMap(({ watches }) => watches)
    .filter(({ Namespace }) => !Namespace.startsWith('AWS/'))
    .map(({ MetricName }) => MetricName);
  const shown = template
    .ofType('AWS::CloudWatch::Dashboard')
    .flatMap(({ properties }) => [
      ...JSON.stringify(properties).matchAll(/\[\\+"RSOLV\/[^"\\]*\\+",\\+"(\w+)/g),
    ])
    .map(([, name = '']) => name);
  return new Set([...watched, ...shown]).size;
}

/** The rows of the table in docs/operate.md. */
export const costRows = (costs: readonly CostLine[]): string[] =>
  costs.map(({ what, count, dollars }) => `| ${what} | ${count} | $${dollars.toFixed(2)} |`);
