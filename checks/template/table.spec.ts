import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { packagedStages } from './stages.ts';

describe.each(packagedStages)('the table on $stage', ({ stage, template }) => {
  it('is kept when the stack goes, backed up to the second, encrypted, and not deleted by mistake', () => {
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

  it('forgets what expires, and streams what an item is after a write', () => {
    expect(template.resource('LedgerTable').Properties).toMatchObject({
      TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
    });
  });

  it('is an output, with the address of the API', () => {
    expect(template.outputs).toMatchObject({
      ApiUrl: { Value: { 'Fn::GetAtt': ['HttpApi', 'ApiEndpoint'] } },
      TableName: { Value: { Ref: 'LedgerTable' } },
    });
  });
});

describe('before anything is built', () => {
  const refused = async (options: readonly string[], reason: string) => {
    const printed = promisify(execFile)('npx', ['--no-install', 'serverless', 'print', ...options]);
    await expect(printed).rejects.toThrow(
      expect.objectContaining({ stdout: expect.stringContaining(reason) }),
    );
  };

  it('a stage that serverless.yml does not name is refused', () =>
    refused(['--stage', 'produktion'], 'There is no stage "produktion".'));

  it('a way of shifting traffic that CodeDeploy does not know is refused, with those that it knows', () =>
    refused(
      ['--stage', 'production', '--param', 'shiftTraffic=AllAtOnce'],
      'custom.operations.shiftTraffic: must be one of LambdaAllAtOnce, LambdaCanary10Percent5Minutes,',
    ));
});
