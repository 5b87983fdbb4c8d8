import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startAwsDouble } from '../support/aws-double.ts';
import { runInShell } from '../support/cli/shell.ts';

const TABLE = { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'rsolv-billing-production' } };
const LOG = {
  Type: 'AWS::Logs::LogGroup',
  Properties: { LogGroupName: '/aws/lambda/rsolv-billing-production-adjust-credits', RetentionInDays: 400 },
};
const VAULT = {
  Type: 'AWS::Backup::BackupVault',
  Properties: { BackupVaultName: 'rsolv-billing-production' },
};
const PACKAGED = {
  LedgerTable: TABLE,
  AdjustLog: LOG,
  BackupVault: VAULT,
  Other: { Type: 'AWS::SNS::Topic' },
};
const RETAINED = { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' };

async function world(resources: object = PACKAGED) {
  const aws = await startAwsDouble('production');
  onTestFinished(() => aws.stop());
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { deployment } = aws;
  deployment.stack = null;
  deployment.account.logGroups = [LOG.Properties.LogGroupName];
  deployment.account.vaults['us-east-1 rsolv-billing-production'] = { Locked: true };
  const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-import-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const template = join(folder, 'packaged.json');
  writeFileSync(template, JSON.stringify({ Resources: resources }));
  const run = async () => {
    const files = ['--template', template, '--output', join(folder, 'out')];
    const { code, stdout } = await runInShell(['import-kept', '--stage', 'production', '--json', ...files]);
    const answer: unknown = JSON.parse(stdout);
    return { code, answer };
  };
  const written = (name: string): unknown => JSON.parse(readFileSync(join(folder, 'out', name), 'utf8'));
  return { deployment, run, written };
}

describe('import-kept', () => {
  it('the files bring the table, the logs and the vault into a new stack, as packaged', async () => {
    const { run, written } = await world();
    expect((await run()).code).toBe(0);
    expect(written('template.json')).toEqual({
      AWSTemplateFormatVersion: '2010-09-09',
      Resources: {
        LedgerTable: { ...TABLE, ...RETAINED },
        AdjustLog: { ...LOG, ...RETAINED },
        BackupVault: { ...VAULT, ...RETAINED },
      },
    });
    expect(written('resources.json')).toEqual([
      {
        ResourceType: 'AWS::DynamoDB::Table',
        LogicalResourceId: 'LedgerTable',
        ResourceIdentifier: { TableName: 'rsolv-billing-production' },
      },
      {
        ResourceType: 'AWS::Logs::LogGroup',
        LogicalResourceId: 'AdjustLog',
        ResourceIdentifier: { LogGroupName: LOG.Properties.LogGroupName },
      },
      {
        ResourceType: 'AWS::Backup::BackupVault',
        LogicalResourceId: 'BackupVault',
        ResourceIdentifier: { BackupVaultName: 'rsolv-billing-production' },
      },
    ]);
  });

  it('a stack that exists is not imported into', async () => {
    const { deployment, run } = await world();
    deployment.stack = { status: 'CREATE_COMPLETE', isProtected: true, outputs: {}, resources: {} };
    expect(await run()).toMatchObject({ code: 1, answer: { error: { code: 'stack_exists' } } });
  });

  it('an account with nothing kept needs a deploy only', async () => {
    const { deployment, run } = await world();
    Object.assign(deployment, { table: null });
    Object.assign(deployment.account, { logGroups: [], vaults: {} });
    expect(await run()).toMatchObject({ code: 1, answer: { error: { code: 'nothing_kept' } } });
  });

  it('a template of another stage is refused', async () => {
    const { run } = await world({
      LedgerTable: { ...TABLE, Properties: { TableName: 'rsolv-billing-dev' } },
    });
    expect(await run()).toMatchObject({ code: 1, answer: { error: { code: 'template_differs' } } });
  });
});
