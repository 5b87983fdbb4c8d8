import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { allContracts } from '../../lib/http/contracts/index.ts';
import { alarmsOf } from './alarm.ts';
import { functionBehind } from './lambda.ts';
import { packagedStages } from './stages.ts';

const GATEWAY_GIVES_UP_AFTER_SECONDS = 30;
const SCHEDULES = {
  'settle-pending-charges': 'rate(5 minutes)',
  'warn-low-balances': 'rate(10 minutes)',
  reconcile: 'cron(0/15 3-5 * * ? *)',
};
/** Not on dev. A lost run needs no repeat, because the next one follows within a minute. */
const PROBE = { probe: 'rate(1 minute)' };
const CANARIES = [
  'add-payment-method',
  'bill-fix-attempt',
  'billing-card',
  'billing-plan',
  'cancel-subscription',
  'stripe-webhook',
  'subscribe-to-pro',
];
/** Stripe and browsers have no key that a version could refuse. */
const WITHOUT_KEYS: ReadonlySet<string> = new Set(['billing-card', 'billing-plan', 'stripe-webhook']);
/** They call Stripe for a request and change nothing there. */
const READERS = ['billing-documents'];

const SHIFTS_TRAFFIC = {
  production: 'LambdaCanary10Percent10Minutes',
  staging: 'LambdaCanary10Percent5Minutes',
  dev: 'LambdaAllAtOnce',
} as const;

/** Their logs say who changed which account. */
const OF_OPERATORS: ReadonlySet<string> = new Set([
  ...['adjust-credits', 'close-customer', 'issue-customer-key', 'reconcile', 'remove-test-customer'],
  ...['replay-event', 'resend-notice', 'revoke-customer-key', 'settle-pending-charges', 'warn-low-balances'],
]);

describe.each(packagedStages)('functions on $stage', ({ stage, template, functions }) => {
  const logGroups = template.ofType('AWS::Logs::LogGroup').map(({ properties }) => properties);
  const alarms = alarmsOf(template);
  const routes = functions.flatMap((one) => one.routes);

  describe.each(functions)('$name', (one) => {
    it('a function keeps its log for 90 days, and for 400 if operators invoke it', () => {
      const LogGroupName = `/aws/lambda/rsolv-billing-${stage}-${one.name}`;
      const RetentionInDays = OF_OPERATORS.has(one.name) ? 400 : 90;
      expect(logGroups).toContainEqual({ LogGroupName, RetentionInDays });
    });

    it('a function has an alarm for its errors and its throttles', () => {
      const watched = alarms
        .flatMap(({ watches }) => watches)
        .filter(({ Dimensions }) => functionBehind(template, Dimensions) === one.id)
        .map(({ MetricName }) => MetricName);
      expect(watched).toEqual(expect.arrayContaining(['Errors', 'Throttles']));
    });

    it('a function has its own role', () => {
      expect(functions.filter(({ role }) => role === one.role)).toHaveLength(1);
      expect(template.resource(one.role).Type).toBe('AWS::IAM::Role');
    });

    it('a function is traced, and its metrics belong to its stage', () => {
      expect(one.tracing).toBe('Active');
      expect(one.environment).toMatchObject({
        STAGE: stage,
        TABLE_NAME: `rsolv-billing-${stage}`,
        SERVICE_NAME: 'rsolv-billing',
        METRICS_NAMESPACE: `RSOLV/Billing/${stage}`,
      });
    });
  });

  it('every role belongs to a function, to CodeDeploy or to AWS Backup', () => {
    const roles = template.ofType('AWS::IAM::Role').map(({ id }) => id);
    const others = ['CanaryRole', ...(stage === 'production' ? ['BackupRole'] : [])];
    expect(roles.sort()).toEqual([...functions.map(({ role }) => role), ...others].sort());
  });

  it('every call of the API and every page has a route, and nothing else has', () => {
    const calls = allContracts.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort();
    const pages = routes.filter((route) => / \/billing(?:\/|$)/.test(route));
    expect(pages.length).toBeGreaterThan(0);
    expect(routes.sort()).toEqual([...calls, ...pages].sort());
    // Also finds routes that lead to a function in a way that the code above does not follow.
    const all = template.ofType('AWS::ApiGatewayV2::Route').map(({ properties }) => properties['RouteKey']);
    expect(all.sort()).toEqual([...calls, ...pages].sort());
  });

  it('a function behind a route times out before the gateway does', () => {
    for (const { name, timeout } of functions.filter((one) => one.routes.length > 0))
      expect([name, timeout < GATEWAY_GIVES_UP_AFTER_SECONDS]).toEqual([name, true]);
  });

  it('the gateway has a time-out, throttles every route, and allows only the browsers of our own sites', () => {
    for (const { properties } of template.ofType('AWS::ApiGatewayV2::Integration'))
      expect(properties['TimeoutInMillis']).toBe(GATEWAY_GIVES_UP_AFTER_SECONDS * 1000);
    const stages = template.ofType('AWS::ApiGatewayV2::Stage');
    expect(stages.map(({ properties }) => properties['DefaultRouteSettings'])).toEqual([
      expect.objectContaining({ ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 }),
    ]);
    expect(template.resource('HttpApi').Properties['CorsConfiguration']).toMatchObject({
      AllowOrigins:
        stage === 'dev'
          ? ['http://localhost:3000', 'http://localhost:4000']
          : ['https://rsolv.dev', 'https://app.rsolv.dev'],
    });
  });

  it('a function that calls Stripe for a request has limited concurrency', () => {
    const calling = functions.filter(
      (one) => one.routes.length > 0 && 'STRIPE_SECRET_KEY_PARAMETER' in one.environment,
    );
    expect(calling.map(({ name }) => name).sort()).toEqual([...CANARIES, ...READERS].sort());
    for (const { name, concurrency } of calling)
      expect([name, concurrency]).toEqual([name, expect.any(Number)]);
    const together = calling.reduce(
      (sum, { concurrency = Number.POSITIVE_INFINITY }) => sum + concurrency,
      0,
    );
    expect(together).toBeLessThanOrEqual(stage === 'production' ? 50 : 15);
  });

  it('each schedule exists and runs its function once at a time; a failed run becomes a dead letter', () => {
    const Rule = z.object({
      ScheduleExpression: z.string(),
      State: z.literal('ENABLED'),
      Targets: z.unknown(),
    });
    const scheduled = template.ofType('AWS::Events::Rule').map(({ properties }) => {
      const { ScheduleExpression, Targets } = Rule.parse(properties);
      const target = functionBehind(template, Targets);
      return { expression: ScheduleExpression, target: functions.find(({ id }) => id === target) };
    });
    expect(Object.fromEntries(scheduled.map(({ target, expression }) => [target?.name, expression]))).toEqual(
      {
        ...SCHEDULES,
        ...(stage !== 'dev' && PROBE),
      },
    );
    for (const { target } of scheduled) {
      expect([target?.name, target?.concurrency]).toEqual([target?.name, 1]);
      if (target?.name === 'probe') continue;
      const config = template
        .ofType('AWS::Lambda::EventInvokeConfig')
        .find(({ properties }) => functionBehind(template, properties) === target?.id);
      const queue = { 'Fn::GetAtt': ['ScheduleDeadLetters', 'Arn'] };
      expect(config?.properties).toMatchObject({
        DestinationConfig: { OnFailure: { Destination: queue } },
        MaximumRetryAttempts: 1,
      });
      expect(template.statements.get(target?.role ?? '')).toContainEqual({
        Effect: 'Allow',
        Action: ['sqs:SendMessage'],
        Resource: [queue],
      });
    }
  });

  it('pending notices of the stream are delivered in at most three tries, and then kept as dead letters', () => {
    const mappings = template.ofType('AWS::Lambda::EventSourceMapping').map(({ properties }) => properties);
    expect(mappings).toHaveLength(1);
    const [mapping = {}] = mappings;
    const queue = { 'Fn::GetAtt': ['NoticeDeadLetters', 'Arn'] };
    expect(mapping).toMatchObject({
      EventSourceArn: { 'Fn::GetAtt': ['LedgerTable', 'StreamArn'] },
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 10,
      MaximumRetryAttempts: 2,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: { OnFailure: { Destination: queue } },
    });
    const deliver = functions.find(({ id }) => id === functionBehind(template, mapping['FunctionName']));
    expect(deliver?.name).toBe('deliver-notices');
    expect(template.statements.get(deliver?.role ?? '')).toContainEqual({
      Effect: 'Allow',
      Action: ['sqs:SendMessage'],
      Resource: [queue],
    });
    const Criteria = z.object({ Filters: z.array(z.object({ Pattern: z.string() })) });
    const patterns = Criteria.parse(mapping['FilterCriteria']).Filters.map(({ Pattern }) =>
      JSON.parse(Pattern),
    );
    expect(patterns).toEqual([
      {
        eventName: ['INSERT', 'MODIFY'],
        dynamodb: {
          Keys: { sk: { S: [{ prefix: 'NOTICE#' }] } },
          NewImage: { state: { S: ['pending'] } },
        },
      },
    ]);
  });

  it('a new version of a money function first gets a share of the traffic, and is rolled back on an alarm', () => {
    const Update = z.object({
      CodeDeployLambdaAliasUpdate: z.object({ DeploymentGroupName: z.object({ Ref: z.string() }) }),
    });
    const Group = z.object({
      DeploymentConfigName: z.string(),
      AlarmConfiguration: z.object({
        Enabled: z.boolean(),
        Alarms: z.array(z.object({ Name: z.object({ Ref: z.string() }) })),
      }),
      AutoRollbackConfiguration: z.object({ Enabled: z.literal(true), Events: z.array(z.string()) }),
    });
    const aliases = template.ofType('AWS::Lambda::Alias').map(({ id, properties }) => ({
      id,
      name: functions.find((one) => one.id === functionBehind(template, properties['FunctionName']))?.name,
    }));
    expect(aliases.map(({ name }) => name).sort()).toEqual(CANARIES);
    const integrations = template
      .ofType('AWS::ApiGatewayV2::Integration')
      .map(({ properties }) => properties);
    for (const { id, name } of aliases) {
      expect(integrations, `the gateway calls the alias of ${name}`).toContainEqual(
        expect.objectContaining({ IntegrationUri: { Ref: id } }),
      );
      const update = Update.parse(template.resource(id).UpdatePolicy).CodeDeployLambdaAliasUpdate;
      const group = Group.parse(template.resource(update.DeploymentGroupName.Ref).Properties);
      expect(group.DeploymentConfigName).toBe(`CodeDeployDefault.${SHIFTS_TRAFFIC[stage]}`);
      // CodeDeploy does not start while an alarm sounds. All-at-once must work then, so it has no alarms.
      expect(group.AlarmConfiguration.Enabled).toBe(SHIFTS_TRAFFIC[stage] !== 'LambdaAllAtOnce');
      expect(group.AutoRollbackConfiguration.Events).toContain('DEPLOYMENT_STOP_ON_ALARM');
      const watched = group.AlarmConfiguration.Alarms.map(
        ({ Name }) => alarms.find((alarm) => alarm.id === Name.Ref)?.AlarmName,
      );
      const canary = WITHOUT_KEYS.has(name ?? '') ? [] : [`${name}-canary`];
      expect(watched).toEqual(
        [
          ...[`${name}-errors`, ...canary, 'defects', 'requests-refused', 'webhook-failures'],
          ...(stage === 'dev' ? [] : ['probe-failed']),
        ].map((alarm) => `rsolv-billing-${stage}-${alarm}`),
      );
    }
  });

  it('the probe runs once at a time, is over before the next run, and asks the API of its own stage', () => {
    const probe = functions.find(({ name }) => name === 'probe');
    expect(probe !== undefined).toBe(stage !== 'dev');
    if (probe === undefined) return;
    expect([probe.concurrency, probe.timeout < 60]).toEqual([1, true]);
    expect(probe.environment).toMatchObject({
      API_URL: '{"Fn::GetAtt":["HttpApi","ApiEndpoint"]}',
      PROBE_PARAMETER: `/rsolv-billing/${stage}/probe`,
      FUNCTION_PREFIX: `rsolv-billing-${stage}-`,
    });
    expect(functions.map(({ name }) => name)).toContain('remove-test-customer');
    const config = template
      .ofType('AWS::Lambda::EventInvokeConfig')
      .find(({ properties }) => functionBehind(template, properties) === probe.id);
    expect(config?.properties).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
  });
});
