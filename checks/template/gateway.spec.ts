import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { addGatewaySettings, domainOutputs } from '../../infrastructure/gateway.ts';
import type { Template } from '../../infrastructure/template.ts';
import { packagedStages } from './stages.ts';

/** The money routes, and the public routes that ask Stripe. */
const LIMITED_ROUTES = [
  'GET /billing/card/return',
  'GET /billing/plan/return',
  'POST /api/v1/fix-attempts/{id}/billing',
  'POST /api/webhooks/stripe',
];

const Stage = z.object({
  DefaultRouteSettings: z.object({ DetailedMetricsEnabled: z.boolean(), ThrottlingRateLimit: z.number() }),
  RouteSettings: z.record(
    z.string(),
    z.object({
      DetailedMetricsEnabled: z.boolean(),
      ThrottlingRateLimit: z.number(),
      ThrottlingBurstLimit: z.number(),
    }),
  ),
  AccessLogSettings: z.object({ DestinationArn: z.unknown(), Format: z.string() }),
});

describe.each(packagedStages)('the gateway on $stage', ({ stage, template }) => {
  const settings = Stage.parse(template.resource('HttpApiStage').Properties);

  it('every route has metrics of its own, and money routes and the public returns from Stripe have limits of their own', () => {
    expect(settings.DefaultRouteSettings.DetailedMetricsEnabled).toBe(true);
    expect(Object.keys(settings.RouteSettings).sort()).toEqual(LIMITED_ROUTES);
    const routes = template.ofType('AWS::ApiGatewayV2::Route');
    for (const [route, { DetailedMetricsEnabled }] of Object.entries(settings.RouteSettings)) {
      expect([route, DetailedMetricsEnabled]).toEqual([route, true]);
      expect(routes.filter(({ properties }) => properties['RouteKey'] === route)).toHaveLength(1);
    }
  });

  it('every request has a line of JSON in the access log, without headers and bodies', () => {
    const format: unknown = JSON.parse(settings.AccessLogSettings.Format);
    expect(format).toEqual({
      gateway_request_id: '$context.requestId',
      time: '$context.requestTimeEpoch',
      route: '$context.routeKey',
      status: '$context.status',
      reason: '$context.error.responseType',
      integration_error: '$context.integrationErrorMessage',
      address: '$context.identity.sourceIp',
      latency_ms: '$context.responseLatency',
    });
    expect(template.resource('ApiAccessLog').Properties).toEqual({
      LogGroupName: `/aws/http-api/rsolv-billing-${stage}`,
      RetentionInDays: 90,
    });
  });

  it('what the gateway itself refuses with 429 is counted, and not what a function refuses', () => {
    expect(template.resource('GatewayThrottledFilter')).toMatchObject({
      Type: 'AWS::Logs::MetricFilter',
      Properties: {
        LogGroupName: { Ref: 'ApiAccessLog' },
        FilterPattern: '{ $.status = "429" && $.reason != "-" }',
        MetricTransformations: [
          {
            MetricNamespace: `RSOLV/Billing/${stage}`,
            MetricName: 'GatewayThrottled',
            MetricValue: '1',
            Unit: 'Count',
          },
        ],
      },
    });
  });

  it('the logs of operators are kept for 400 days, also without the stack', () => {
    const groups = template.ofType('AWS::Logs::LogGroup');
    const kept = groups.filter(({ id }) => template.resource(id).DeletionPolicy === 'RetainExceptOnCreate');
    const names = kept.map(({ properties }) => properties['LogGroupName']);
    expect(names).toContain(`/aws/lambda/rsolv-billing-${stage}-adjust-credits`);
    expect(names).not.toContain(`/aws/lambda/rsolv-billing-${stage}-bill-fix-attempt`);
    for (const { properties } of kept) expect(properties['RetentionInDays']).toBe(400);
    for (const { properties } of groups) expect(properties['RetentionInDays']).toEqual(expect.any(Number));
  });

  it('no role may create a log group: the template has one for every function', () => {
    const actions = [...template.statements.values()].flat().flatMap(({ Action }) => Action);
    expect(actions).toContain('logs:CreateLogStream');
    expect(actions).not.toContain('logs:CreateLogGroup');
    const functions = template
      .ofType('AWS::Lambda::Function')
      .map(({ properties }) => properties['FunctionName']);
    const groups = template.ofType('AWS::Logs::LogGroup').map(({ properties }) => properties['LogGroupName']);
    expect(groups).toEqual(expect.arrayContaining(functions.map((name) => `/aws/lambda/${String(name)}`)));
  });
});

describe('a domain of our own', () => {
  const service = {
    ...{
      name: 'rsolv-billing',
      stage: 'production',
      metricsNamespace: 'n',
      tableName: 't',
      parameters: '/p',
    },
    ...{ alarmEmail: '', pagerUrl: '', runbookUrl: '', expectsWebhooks: true, expectsRequests: true },
    ...{ shiftTraffic: 'LambdaAllAtOnce' as const, noticeIdentity: 'rsolv.dev', functions: [] },
    ...{ domainName: 'billing.rsolv.dev', certificateArn: 'arn:certificate' },
    ...{ redeploy: '', preflight: 'run' as const, copyRegion: '', copyAccount: '' },
  };
  const template = (): Template => ({
    Resources: {
      HttpApi: { Type: 'AWS::ApiGatewayV2::Api', Properties: {} },
      HttpApiStage: { Type: 'AWS::ApiGatewayV2::Stage', Properties: {} },
      ...Object.fromEntries(
        LIMITED_ROUTES.map((RouteKey, n) => [
          `Route${n}`,
          { Type: 'AWS::ApiGatewayV2::Route', Properties: { RouteKey } },
        ]),
      ),
      Letters: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          Environment: { Variables: { API_URL: { 'Fn::GetAtt': ['HttpApi', 'ApiEndpoint'] }, A: '1' } },
        },
      },
    },
  });

  it('the domain is the only address that customers, letters and Stripe get', () => {
    const made = template();
    addGatewaySettings(made, service);
    expect(made.Resources['HttpApi']?.Properties).toEqual({ DisableExecuteApiEndpoint: true });
    expect(made.Resources['ApiDomain']?.Properties).toMatchObject({ DomainName: 'billing.rsolv.dev' });
    expect(made.Resources['ApiDomainMapping']?.Properties).toMatchObject({ ApiId: { Ref: 'HttpApi' } });
    expect(made.Resources['Letters']?.Properties).toEqual({
      Environment: { Variables: { API_URL: 'https://billing.rsolv.dev', A: '1' } },
    });
    expect(domainOutputs(service)).toMatchObject({ ApiUrl: { Value: 'https://billing.rsolv.dev' } });
    const routes = LIMITED_ROUTES.map((_, n) => `Route${n}`);
    expect([made.Resources['HttpApiStage']?.DependsOn].flat().sort()).toEqual(routes);
  });

  it('without a domain the address of AWS stays', () => {
    const made = template();
    addGatewaySettings(made, { ...service, domainName: '' });
    expect(made.Resources).not.toHaveProperty('ApiDomain');
    expect(made.Resources['HttpApi']?.Properties).toEqual({});
    expect(domainOutputs({ ...service, domainName: '' })).toEqual({});
  });
});
