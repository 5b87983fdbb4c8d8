import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { readDefinition } from '../../cli/doctor/definition.ts';
import { backups, vaultName } from '../../infrastructure/backup.ts';
import { packagedStages } from './stages.ts';

const Plan = z.object({
  BackupPlan: z.object({
    BackupPlanRule: z.tuple([
      z.object({
        TargetBackupVault: z.object({ Ref: z.string() }),
        ScheduleExpression: z.string(),
        Lifecycle: z.object({ DeleteAfterDays: z.number() }),
        CopyActions: z.tuple([
          z.object({
            DestinationBackupVaultArn: z.object({ 'Fn::Sub': z.string() }),
            Lifecycle: z.object({ DeleteAfterDays: z.number() }),
          }),
        ]),
      }),
    ]),
  }),
});
const Vault = z.object({
  BackupVaultName: z.string(),
  LockConfiguration: z.object({
    MinRetentionDays: z.number(),
    MaxRetentionDays: z.optional(z.number()),
    ChangeableForDays: z.optional(z.unknown()),
  }),
});

/** The template that is deployed by hand into the other region. */
const copies = z
  .object({
    Resources: z.object({ CopyVault: z.looseObject({ DeletionPolicy: z.string(), Properties: Vault }) }),
  })
  .parse(parse(readFileSync('infrastructure/copies.yml', 'utf8'), { logLevel: 'error' }));

describe.each(packagedStages)('backups on $stage', ({ stage, template }) => {
  const isBackedUp = stage === 'production';

  it('only production has a backup plan, because a test stage has nothing to lose', () => {
    expect(template.ofType('AWS::Backup::BackupPlan')).toHaveLength(isBackedUp ? 1 : 0);
    expect(template.ofType('AWS::Backup::BackupVault')).toHaveLength(isBackedUp ? 1 : 0);
  });

  it.runIf(isBackedUp)(
    'the table is backed up every day, and each backup is copied to another region',
    () => {
      const [rule] = Plan.parse(template.resource('BackupPlan').Properties).BackupPlan.BackupPlanRule;
      expect(rule).toMatchObject({
        TargetBackupVault: { Ref: 'BackupVault' },
        ScheduleExpression: 'cron(0 1 * * ? *)',
        Lifecycle: { DeleteAfterDays: 35 },
      });
      const [copy] = rule.CopyActions;
      expect(copy).toEqual({
        DestinationBackupVaultArn: {
          'Fn::Sub': `arn:\${AWS::Partition}:backup:us-west-2:\${AWS::AccountId}:backup-vault:rsolv-billing-production`,
        },
        Lifecycle: { DeleteAfterDays: 90 },
      });
      expect(template.resource('BackupSelection').Properties).toMatchObject({
        BackupSelection: { Resources: [{ 'Fn::GetAtt': ['LedgerTable', 'Arn'] }] },
      });
    },
  );

  it.runIf(isBackedUp)('both vaults outlive their stack, and refuse an early deletion', () => {
    const { DeletionPolicy, UpdateReplacePolicy, Properties } = template.resource('BackupVault');
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
    const [rule] = Plan.parse(template.resource('BackupPlan').Properties).BackupPlan.BackupPlanRule;
    const vault = Vault.parse(Properties);
    expect(vault.LockConfiguration).toEqual({ MinRetentionDays: rule.Lifecycle.DeleteAfterDays });
    const { CopyVault } = copies.Resources;
    expect(CopyVault.DeletionPolicy).toBe('RetainExceptOnCreate');
    const { MinRetentionDays, MaxRetentionDays = 0 } = CopyVault.Properties.LockConfiguration;
    const days = rule.CopyActions[0].Lifecycle.DeleteAfterDays;
    expect([MinRetentionDays <= days, days <= MaxRetentionDays]).toEqual([true, true]);
    expect(CopyVault.Properties.BackupVaultName.replace(`\${Stage}`, stage)).toBe(vault.BackupVaultName);
  });

  it.runIf(isBackedUp)('AWS Backup may read this table and copy to the one vault, and nothing else', () => {
    const [read, vaults, from, ...more] = template.statements.get('BackupRole') ?? [];
    expect(more).toEqual([]);
    const copy = { 'Fn::Sub': expect.stringContaining(':backup:us-west-2:') };
    expect(read).toMatchObject({
      Action: ['dynamodb:DescribeTable', 'dynamodb:ListTagsOfResource', 'dynamodb:StartAwsBackupJob'],
      Resource: [{ 'Fn::GetAtt': ['LedgerTable', 'Arn'] }],
    });
    expect(vaults).toMatchObject({
      Action: ['backup:CopyIntoBackupVault', 'backup:DescribeBackupVault'],
      Resource: [{ 'Fn::Sub': expect.stringContaining(`\${AWS::Region}`) }, copy],
    });
    expect(from).toMatchObject({
      Action: ['backup:CopyFromBackupVault'],
      Condition: { 'ForAllValues:ArnEquals': { 'backup:CopyTargets': [copy] } },
    });
  });
});

describe('the stack of the copies', () => {
  const Statements = z.object({
    Statement: z.array(z.object({ Action: z.array(z.string()), Resource: z.unknown() })),
  });
  const { Resources } = z
    .object({
      Resources: z.object({
        DrillPolicy: z.object({ Properties: z.looseObject({ PolicyDocument: Statements }) }),
      }),
    })
    .parse(parse(readFileSync('infrastructure/copies.yml', 'utf8'), { logLevel: 'error' }));

  it('the names in IAM contain the region, so that two regions can have such a stack', () => {
    const { RestoreRole, DrillPolicy } = z
      .object({
        Resources: z.object({
          RestoreRole: z.object({ Properties: z.looseObject({ RoleName: z.string() }) }),
          DrillPolicy: z.object({ Properties: z.looseObject({ ManagedPolicyName: z.string() }) }),
        }),
      })
      .parse(parse(readFileSync('infrastructure/copies.yml', 'utf8'), { logLevel: 'error' })).Resources;
    for (const name of [RestoreRole.Properties.RoleName, DrillPolicy.Properties.ManagedPolicyName])
      expect(name).toMatch(/-\$\{AWS::Region\}$/);
  });

  it('a drill may delete the tables of drills, write to none, and pass on one role', () => {
    const { Statement } = Resources.DrillPolicy.Properties.PolicyDocument;
    const on = (action: string) =>
      Statement.filter(({ Action }) => Action.includes(action)).flatMap(({ Resource }) => Resource);
    for (const table of on('dynamodb:DeleteTable')) expect(table).toMatch(/:table\/[^*]+-drill-\*/);
    expect(on('dynamodb:DeleteTable')).toHaveLength(2);
    expect(on('iam:PassRole')).toEqual(['RestoreRole.Arn']);
    const actions = Statement.flatMap(({ Action }) => Action);
    expect(actions.filter((one) => /\*|dynamodb:(?:Put|Update|DeleteItem|Batch(?!Get))/.test(one))).toEqual(
      [],
    );
  });
});

describe('the place of the copies', () => {
  const { service } = readDefinition('production');

  it('the copies go to another account if one is set', () => {
    const { BackupPlan } = backups({ ...service, copyAccount: '210987654321' });
    expect(JSON.stringify(BackupPlan)).toContain(
      `:backup:us-west-2:210987654321:backup-vault:${vaultName(service)}`,
    );
  });

  it('the copies are in another region than the stack', () => {
    const { provider } = z
      .object({ provider: z.looseObject({ region: z.string() }) })
      .parse(parse(readFileSync('serverless.yml', 'utf8'), { logLevel: 'error' }));
    expect(provider.region).toContain("'us-east-1'");
    expect(service.copyRegion).not.toBe('us-east-1');
  });
});
