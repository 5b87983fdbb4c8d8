import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { packagedStages } from './stages.ts';

describe.each(packagedStages)('the table on $stage', ({ stage, template }) => {
  it('the table is retained, backed up continuously, encrypted, and protected from deletion', () => {
    const tables = template.ofType('AWS::DynamoDB::Table').map(({ id }) => id);
    expect(tables).toEqual(['LedgerTable']);
    const { DeletionPolicy, UpdateReplacePolicy, Properties } = template.resource('LedgerTable');
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['Retain', 'Retain']);
    expect(Properties).toMatchObject({
      TableName: `rsolv-billing-${stage}`,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
      DeletionProtectionEnabled: true,
    });
  });

  it('the table deletes expired items, and its stream has the item after each write', () => {
    expect(template.resource('LedgerTable').Properties).toMatchObject({
      TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    });
  });

  it('the name of the table and the address of the API are outputs', () => {
    expect(template.outputs).toMatchObject({
      ApiUrl: { Value: { 'Fn::GetAtt': ['HttpApi', 'ApiEndpoint'] } },
      TableName: { Value: { Ref: 'LedgerTable' } },
    });
  });
});

describe('before anything is built', () => {
  const refused = async (options: readonly string[], reason: string, command = 'print') => {
    const printed = promisify(execFile)('npx', ['--no-install', 'serverless', command, ...options]);
    await expect(printed).rejects.toThrow(
      expect.objectContaining({ stdout: expect.stringContaining(reason) }),
    );
  };

  it('packaging fails for a stage that serverless.yml does not name', () =>
    refused(['--stage', 'produktion'], 'There is no stage "produktion".'));

  it('packaging fails for an unknown way to shift traffic, and lists the known ones', () =>
    refused(
      ['--stage', 'production', '--param', 'shiftTraffic=AllAtOnce'],
      'custom.operations.shiftTraffic: must be one of LambdaAllAtOnce, LambdaCanary10Percent5Minutes,',
    ));

  it('removing production is refused', () =>
    refused(['--stage', 'production'], 'production is not removed with a command', 'remove'));

  it('packaging production fails without a recipient of its alarms', () =>
    refused(['--stage', 'production'], 'Alarms of production would reach no one.', 'package'));
});
