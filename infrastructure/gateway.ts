import { GATEWAY_THROTTLED } from './measures.ts';
import type { DeployedService } from './service.ts';
import { attribute, type Resource, ref, type Template } from './template.ts';

const API = 'HttpApi';
const STAGE = 'HttpApiStage';
const ACCESS_LOG = 'ApiAccessLog';
const ACCESS_LOG_DAYS = 90;

/** Requests a second, and in one moment. */
interface Throttle {
  readonly rate: number;
  readonly burst: number;
}

/** For every route without a limit of its own. */
const DEFAULT: Throttle = { rate: 200, burst: 400 };
/**
 * Money functions have few concurrent slots. Their routes have limits of their own, so that requests to other
 * routes, which need no key, cannot use up theirs.
 */
const OF_ROUTES: Readonly<Record<string, Throttle>> = {
  'POST /api/v1/fix-attempts/{id}/billing': { rate: 150, burst: 300 },
  'POST /api/webhooks/stripe': { rate: 100, burst: 200 },
  // Anyone may open these, and each asks Stripe. A few a second leave the functions' slots to customers; the
  // outcome is also stored without them, by Stripe's events.
  'GET /billing/card/return': { rate: 2, burst: 10 },
  'GET /billing/plan/return': { rate: 2, burst: 10 },
};

/** The fields of a line of the access log, by the gateway's own names for them. */
const FIELDS = {
  gateway_request_id: 'requestId',
  time: 'requestTimeEpoch',
  route: 'routeKey',
  status: 'status',
  reason: 'error.responseType',
  integration_error: 'integrationErrorMessage',
  address: 'identity.sourceIp',
  latency_ms: 'responseLatency',
} as const;

/** Adds limits and metrics for each route, an access log, and the stage's own domain if it has one. */
export function addGatewaySettings({ Resources }: Template, service: DeployedService): void {
  const stage = Resources[STAGE];
  if (stage === undefined) throw new Error(`The template has no ${STAGE}.`);
  Resources[ACCESS_LOG] = accessLog(service);
  Resources['GatewayThrottledFilter'] = throttledFilter(service);
  stage.Properties = {
    ...stage.Properties,
    DefaultRouteSettings: settingsOf(DEFAULT),
    RouteSettings: Object.fromEntries(
      Object.entries(OF_ROUTES).map(([route, throttle]) => [route, settingsOf(throttle)]),
    ),
    AccessLogSettings: {
      DestinationArn: attribute(ACCESS_LOG, 'Arn'),
      Format: JSON.stringify(
        Object.fromEntries(Object.entries(FIELDS).map(([name, from]) => [name, `$context.${from}`])),
      ),
    },
  };
  // The gateway rejects settings of a route that does not exist yet.
  stage.DependsOn = [...[stage.DependsOn ?? []].flat(), ...routeIds(Resources)];
  addDomain(Resources, service);
}

const settingsOf = ({ rate, burst }: Throttle) => ({
  DetailedMetricsEnabled: true,
  ThrottlingRateLimit: rate,
  ThrottlingBurstLimit: burst,
});

function routeIds(resources: Template['Resources']): string[] {
  return Object.keys(OF_ROUTES).map((route) => {
    const found = Object.entries(resources).find(
      ([, { Type, Properties }]) => Type === 'AWS::ApiGatewayV2::Route' && Properties?.['RouteKey'] === route,
    );
    if (found === undefined) throw new Error(`There is no route ${route}.`);
    return found[0];
  });
}

const accessLog = ({ name, stage }: DeployedService): Resource => ({
  Type: 'AWS::Logs::LogGroup',
  Properties: { LogGroupName: `/aws/http-api/${name}-${stage}`, RetentionInDays: ACCESS_LOG_DAYS },
});

/**
 * Counts what the gateway refused: its metrics have only all 4xx together. A function's own 429 has no reason
 * in the log.
 */
const throttledFilter = ({ metricsNamespace }: DeployedService): Resource => ({
  Type: 'AWS::Logs::MetricFilter',
  Properties: {
    LogGroupName: ref(ACCESS_LOG),
    FilterPattern: '{ $.status = "429" && $.reason != "-" }',
    MetricTransformations: [
      { MetricNamespace: metricsNamespace, MetricName: GATEWAY_THROTTLED, MetricValue: '1', Unit: 'Count' },
    ],
  },
});

/**
 * With a domain of our own, no customer, letter or Stripe endpoint knows an address that AWS made up, and a
 * new stack can take the address over. The address of AWS is switched off.
 */
function addDomain(resources: Template['Resources'], { domainName, certificateArn }: DeployedService): void {
  const api = resources[API];
  if (domainName === '' || api === undefined) return;
  api.Properties = { ...api.Properties, DisableExecuteApiEndpoint: true };
  for (const resource of Object.values(resources)) useDomain(resource, `https://${domainName}`);
  resources['ApiDomain'] = {
    Type: 'AWS::ApiGatewayV2::DomainName',
    Properties: {
      DomainName: domainName,
      DomainNameConfigurations: [
        { CertificateArn: certificateArn, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' },
      ],
    },
  };
  resources['ApiDomainMapping'] = {
    Type: 'AWS::ApiGatewayV2::ApiMapping',
    Properties: { ApiId: ref(API), DomainName: ref('ApiDomain'), Stage: ref(STAGE) },
  };
}

/** Replaces the API's address in the environment of functions that name it to customers. */
function useDomain(resource: Resource, apiUrl: string): void {
  const Environment = resource.Properties?.['Environment'];
  if (typeof Environment !== 'object' || Environment === null || !('Variables' in Environment)) return;
  const { Variables } = Environment;
  if (typeof Variables !== 'object' || Variables === null || !('API_URL' in Variables)) return;
  resource.Properties = {
    ...resource.Properties,
    Environment: { ...Environment, Variables: { ...Variables, API_URL: apiUrl } },
  };
}

/** The outputs that name the domain: the API's address, and where its DNS record must point. */
export function domainOutputs({ domainName }: DeployedService): Record<string, unknown> {
  if (domainName === '') return {};
  return {
    ApiUrl: { Value: `https://${domainName}` },
    ApiDomainTarget: { Value: attribute('ApiDomain', 'RegionalDomainName') },
  };
}
