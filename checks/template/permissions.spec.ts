import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { referencesIn } from '../../infrastructure/template.ts';
import { keys } from '../../lib/store/keys.ts';
import { grantedRights } from '../../test/support/rights.ts';
import { functionBehind } from './lambda.ts';
import { packagedStages } from './stages.ts';

/** Actions that AWS cannot restrict to a resource: they list or send data of no resource. */
const WITHOUT_RESOURCE = [
  'backup:CopyFromBackupVault', // restricted to one vault by a condition, see backups.spec.ts
  'backup:ListCopyJobs',
  'events:ListRules',
  'lambda:ListEventSourceMappings',
  'ses:GetAccount',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];
const OPERATORS_MAY_INVOKE = [
  'adjust-credits',
  'close-customer',
  'issue-customer-key',
  'reconcile',
  'remove-test-customer',
  'replay-event',
  'resend-notice',
  'revoke-customer-key',
  'settle-pending-charges',
  'warn-low-balances',
];
/** Every action that changes the table. */
const WRITES = /^dynamodb:(?:Put|Update|Delete|BatchWrite|PartiQL|Execute|Create|Restore|Import|Tag|Untag)/;

/** Rights to the table and its index, by function. test/http/rights.test.ts compares them with the calls. */
const rights = grantedRights();

const text = (value: unknown) => JSON.stringify(value);

describe.each(packagedStages)('permissions on $stage', ({ stage, template, functions }) => {
  const arn = (service: string, resource: string) => ({
    'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`,
  });
  const table = arn('dynamodb', `table/rsolv-billing-${stage}`);
  const index = arn('dynamodb', `table/rsolv-billing-${stage}/index/due`);
  const attribute = (id: string, name: string) => ({ 'Fn::GetAtt': [id, name] });
  const parameter = (path: string) => arn('ssm', `parameter${path}`);
  const of = (role: string, service: string) =>
    (template.statements.get(role) ?? []).filter(({ Action }) =>
      Action.some((action) => action.startsWith(`${service}:`)),
    );
  const all = [...template.statements.values()].flat();

  it('only roles and the policy for operators grant permissions', () => {
    const types = ['AWS::IAM::Policy', 'AWS::IAM::RolePolicy', 'AWS::IAM::User', 'AWS::IAM::Group'];
    expect(types.flatMap((type) => template.ofType(type))).toEqual([]);
    expect(template.ofType('AWS::IAM::ManagedPolicy').map(({ id }) => id)).toEqual(['OperatorPolicy']);
  });

  it('only the known policies name a principal', () => {
    // Every grant names a principal, also in a policy inside a table or in a queue's own policy.
    const naming = template.all.filter(({ properties }) => text(properties).includes('Principal'));
    expect([...new Set(naming.map(({ type }) => type))].sort()).toEqual([
      'AWS::IAM::Role',
      'AWS::Lambda::Permission', // each is checked below
      'AWS::S3::BucketPolicy',
    ]);
    const Trust = z.object({ Statement: z.tuple([z.object({ Principal: z.unknown() })]) });
    const trusted = template
      .ofType('AWS::IAM::Role')
      .map(({ properties }) =>
        text(Trust.parse(properties['AssumeRolePolicyDocument']).Statement[0].Principal),
      );
    expect([...new Set(trusted)].sort()).toEqual([
      ...(stage === 'production' ? ['{"Service":"backup.amazonaws.com"}'] : []),
      '{"Service":"codedeploy.amazonaws.com"}',
      '{"Service":["lambda.amazonaws.com"]}',
    ]);
    // The deployment bucket's policy, which denies access without TLS.
    const Denial = z.object({ Statement: z.tuple([z.object({ Effect: z.literal('Deny') })]) });
    const policies = template
      .ofType('AWS::S3::BucketPolicy')
      .map(({ properties }) => properties['PolicyDocument']);
    expect(policies.map((policy) => Denial.safeParse(policy).success)).toEqual([true]);
  });

  it('no action has a wildcard', () => {
    expect(all.flatMap(({ Action }) => Action).filter((action) => action.includes('*'))).toEqual([]);
  });

  it('every statement names its resources, except for actions that cannot be restricted', () => {
    const unnamed = all.filter(({ Resource }) => Resource.includes('*')).flatMap(({ Action }) => Action);
    expect([...new Set(unnamed)].sort()).toEqual(
      WITHOUT_RESOURCE.filter((action) => stage === 'production' || !action.startsWith('backup:')),
    );
    const partly = all.filter(({ Resource }) => !Resource.includes('*') && text(Resource).includes('*'));
    const services = partly.flatMap(({ Action }) => Action.map((action) => action.replace(/:.*/, '')));
    expect(
      [...new Set(services)].sort(),
      'their own log groups, the stack whatever its id, and alarms',
    ).toEqual(['cloudformation', 'cloudwatch', 'logs']);
  });

  it('the statements about the table cover only the table, its index and its stream', () => {
    const allowed = [table, index, attribute('LedgerTable', 'Arn'), attribute('LedgerTable', 'StreamArn')];
    const statements = all.filter(({ Action }) => text(Action).includes('dynamodb:'));
    expect(statements.length).toBeGreaterThan(functions.length / 2);
    for (const { Resource } of statements) {
      for (const one of Resource) expect(allowed).toContainEqual(one);
    }
  });

  it.each(functions)(
    '$name has exactly the rights to the table that serverless.yml grants',
    ({ name, role }) => {
      const stream = attribute('LedgerTable', 'StreamArn');
      const packaged = of(role, 'dynamodb').flatMap(({ Action, Resource }) =>
        Resource.filter((one) => text(one) !== text(stream)).flatMap((one) =>
          Action.map((action) => `${action} ${text(one) === text(index) ? 'tableIndexArn' : 'tableArn'}`),
        ),
      );
      const granted = rights.get(name)?.filter((right) => right.startsWith('dynamodb:'));
      expect(packaged.toSorted()).toEqual(granted?.toSorted());
    },
  );

  it.each(functions)('$name reads only the parameters named in its environment', (one) => {
    const { name, role, environment } = one;
    const named = Object.entries(environment).flatMap(([variable, value]) =>
      variable.endsWith('_PARAMETER') ? [parameter(value)] : [],
    );
    const statements = of(role, 'ssm');
    const actions = new Set(statements.flatMap(({ Action }) => Action));
    if (name === 'probe') actions.delete('ssm:PutParameter');
    expect([...actions].filter((action) => action !== 'ssm:GetParameter')).toEqual([]);
    expect(
      statements
        .flatMap(({ Resource }) => Resource)
        .map(text)
        .sort(),
    ).toEqual(named.map(text).sort());
    for (const value of Object.values(environment)) expect(value).not.toMatch(/sk_|rk_|whsec_|price_/);
  });

  it('only the webhook function reads the webhook secrets', () => {
    const readers = functions.filter(({ role }) => text(of(role, 'ssm')).includes('stripe-webhook-secrets'));
    expect(readers.map(({ name }) => name)).toEqual(['stripe-webhook']);
  });

  it('only the probe may use its parameter, and it may invoke only the removal of test customers', () => {
    const roles = [...template.statements.keys()];
    const readers = roles.filter((role) => text(of(role, 'ssm')).includes('/probe"'));
    const invokers = roles.filter((role) => role !== 'OperatorPolicy' && of(role, 'lambda').length > 0);
    const probe = functions.find(({ name }) => name === 'probe')?.role;
    const expected = probe === undefined ? [] : [probe];
    expect([readers, invokers.filter((role) => role !== 'CanaryRole')]).toEqual([expected, expected]);
    if (probe === undefined) return;
    expect(of(probe, 'lambda')).toEqual([
      {
        Effect: 'Allow',
        Action: ['lambda:InvokeFunction'],
        Resource: [arn('lambda', `function:rsolv-billing-${stage}-remove-test-customer`)],
      },
    ]);
    expect(of(probe, 'dynamodb')).toEqual([]);
  });

  it('only functions that close or remove a customer or release an address delete, and only the reconciliation scans', () => {
    const may = (action: string) =>
      functions
        .filter(({ role }) => text(of(role, 'dynamodb')).includes(`"${action}"`))
        .map(({ name }) => name);
    expect(may('dynamodb:DeleteItem')).toEqual(['billing-address', 'close-customer', 'remove-test-customer']);
    expect(may('dynamodb:Scan')).toEqual(['reconcile']);
  });

  it('only one function sends e-mail, and only from the configured sender', () => {
    const senders = functions.filter(({ role }) => of(role, 'ses').length > 0);
    expect(senders.map(({ name }) => name)).toEqual(['deliver-notices']);
    for (const { role, environment } of senders) {
      // The link in its letters to turn them off must lead to the API of this stage.
      expect(environment['API_URL']).toBe('{"Fn::GetAtt":["HttpApi","ApiEndpoint"]}');
      const sender = environment['NOTICE_SENDER'] ?? '';
      expect(sender).toMatch(/^[\w-]+@[\w.-]+$/);
      expect(of(role, 'ses')).toEqual([
        {
          Effect: 'Allow',
          Action: ['ses:SendEmail'],
          Resource: [arn('ses', `identity/${sender.replace(/.*@/, '')}`)],
          Condition: { StringEquals: { 'ses:FromAddress': sender } },
        },
      ]);
    }
  });

  it('only the gateway, for its routes, and a schedule can invoke a function', () => {
    const Permission = z.object({
      Action: z.literal('lambda:InvokeFunction'),
      Principal: z.string(),
      FunctionName: z.unknown(),
      SourceArn: z.unknown(),
    });
    const granted = template.ofType('AWS::Lambda::Permission').map(({ properties }) => {
      const { Principal, FunctionName, SourceArn } = Permission.parse(properties);
      const source = [...referencesIn(SourceArn)].find((id) => template.has(id));
      return `${functionBehind(template, FunctionName)} ${Principal} ${source === undefined ? '' : template.resource(source).Type}`;
    });
    const rules = template
      .ofType('AWS::Events::Rule')
      .map(({ properties }) => functionBehind(template, properties['Targets']));
    const expected = [
      ...functions
        .filter(({ routes }) => routes.length > 0)
        .map(({ id }) => `${id} apigateway.amazonaws.com AWS::ApiGatewayV2::Api`),
      ...rules.map((id) => `${id} events.amazonaws.com AWS::Events::Rule`),
    ];
    expect(granted.sort()).toEqual(expected.sort());
    expect(template.ofType('AWS::Lambda::Url')).toEqual([]);
  });

  it('functions that only read the ledger write nothing but the counts of calls with a key', () => {
    const counting = functions.filter(({ role }) =>
      text(of(role, 'dynamodb')).includes(keys.keyCalls('*', '').pk),
    );
    expect(counting.map(({ name }) => name).sort()).toEqual([
      'find-fix-attempt',
      'get-exposure',
      'get-notice-settings',
      'get-spending-limit',
      'get-usage',
      'list-api-keys',
      'list-transactions',
    ]);
    for (const { role } of counting) {
      const writing = of(role, 'dynamodb').filter(({ Action }) => Action.some((one) => WRITES.test(one)));
      expect(writing).toEqual([
        {
          Effect: 'Allow',
          Action: ['dynamodb:UpdateItem'],
          Resource: [table],
          Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [keys.keyCalls('*', '').pk] } },
        },
      ]);
    }
  });

  it('the page of the address deletes only the claim of an address', () => {
    const [address] = functions.filter(({ name }) => name === 'billing-address');
    const deleting = of(address?.role ?? '', 'dynamodb').filter(({ Action }) =>
      Action.includes('dynamodb:DeleteItem'),
    );
    expect(deleting).toEqual([
      {
        Effect: 'Allow',
        Action: ['dynamodb:DeleteItem'],
        Resource: [table],
        Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [keys.email('*').pk] } },
      },
    ]);
  });

  it('operators may invoke their functions and read the table, and may not write', () => {
    const statements = template.statements.get('OperatorPolicy') ?? [];
    const invoked = statements
      .filter(({ Action }) => Action.includes('lambda:InvokeFunction'))
      .flatMap(({ Resource }) => Resource.map((one) => functionBehind(template, one)));
    const names = functions.filter(({ id }) => invoked.includes(id)).map(({ name }) => name);
    expect(names.sort()).toEqual(OPERATORS_MAY_INVOKE);
    expect(invoked).toHaveLength(names.length);
    const actions = statements.flatMap(({ Action }) => Action);
    expect(actions.filter((action) => WRITES.test(action))).toEqual([]);
    for (const needed of [
      'dynamodb:Query',
      'dynamodb:Scan',
      'dynamodb:DescribeTable',
      'sns:ListSubscriptionsByTopic',
      'ssm:GetParameter',
    ])
      expect(actions).toContain(needed);
    const parameters = statements.filter(({ Action }) => Action.includes('ssm:GetParameter'));
    expect(parameters.flatMap(({ Resource }) => Resource)).toEqual(
      ['stripe-secret-key', 'stripe-pro-price-id', 'stripe-webhook-secrets'].map((name) =>
        parameter(`/rsolv-billing/${stage}/${name}`),
      ),
    );
  });

  it('operators may describe only the stack of the stage', () => {
    const asking = (template.statements.get('OperatorPolicy') ?? []).filter(({ Action }) =>
      Action.includes('cloudformation:DescribeStacks'),
    );
    expect(asking.map(({ Resource }) => Resource)).toEqual([
      [arn('cloudformation', `stack/rsolv-billing-${stage}/*`)],
    ]);
  });

  it('CodeDeploy may only move the aliases of canaries', () => {
    const actions = (template.statements.get('CanaryRole') ?? []).flatMap(({ Action }) => Action);
    expect(actions.sort()).toEqual([
      'cloudwatch:DescribeAlarms',
      'lambda:GetAlias',
      'lambda:GetProvisionedConcurrencyConfig',
      'lambda:UpdateAlias',
    ]);
    const roles = template
      .ofType('AWS::IAM::Role')
      .map(({ properties }) => properties['ManagedPolicyArns'] ?? []);
    expect(roles.flat(), 'ready-made policies').toEqual([]);
  });
});
