import type { DeployedService } from './service.ts';
import { arn, attribute, type Resource, ref, sub } from './template.ts';

/** Logical ids, also for the import of a stack around what was kept. */
export const BACKUP_VAULT = 'BackupVault';

/** How long a backup stays beside the table. Point-in-time recovery reaches as far back. */
const BACKUP_DAYS = 35;
/** How long its copy stays in the other region. */
const COPY_DAYS = 90;
/** Before the nightly reconciliation, in UTC. A backup starts within an hour of that. */
const DAILY = 'cron(0 1 * * ? *)';
const START_WITHIN_MINUTES = 60;
const END_WITHIN_MINUTES = 180;

/** The vault of a stage, beside the table and in the other region: both have one name. */
export const vaultName = ({ name, stage }: Pick<DeployedService, 'name' | 'stage'>): string =>
  `${name}-${stage}`;

/**
 * A daily backup, and its copy in another region: a table that is deleted takes its point-in-time recovery
 * along, and a region or an account can be lost. infrastructure/copies.yml makes the vault over there.
 */
export function backups(service: DeployedService): Record<string, Resource> {
  if (service.copyRegion === '') return {};
  return {
    [BACKUP_VAULT]: {
      Type: 'AWS::Backup::BackupVault',
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BackupVaultName: vaultName(service),
        // Governance mode: only a person who may remove the lock can delete a backup early. Compliance mode
        // could never be undone, also if the days are wrong.
        LockConfiguration: { MinRetentionDays: BACKUP_DAYS },
      },
    },
    BackupPlan: {
      Type: 'AWS::Backup::BackupPlan',
      Properties: {
        BackupPlan: {
          BackupPlanName: vaultName(service),
          BackupPlanRule: [
            {
              RuleName: 'daily',
              TargetBackupVault: ref(BACKUP_VAULT),
              ScheduleExpression: DAILY,
              StartWindowMinutes: START_WITHIN_MINUTES,
              CompletionWindowMinutes: END_WITHIN_MINUTES,
              Lifecycle: { DeleteAfterDays: BACKUP_DAYS },
              CopyActions: [
                {
                  DestinationBackupVaultArn: copyVaultArn(service),
                  Lifecycle: { DeleteAfterDays: COPY_DAYS },
                },
              ],
            },
          ],
        },
      },
    },
    BackupSelection: {
      Type: 'AWS::Backup::BackupSelection',
      Properties: {
        BackupPlanId: ref('BackupPlan'),
        BackupSelection: {
          SelectionName: 'table',
          IamRoleArn: attribute('BackupRole', 'Arn'),
          Resources: [attribute('LedgerTable', 'Arn')],
        },
      },
    },
    BackupRole: backupRole(service),
  };
}

function copyVaultArn(service: DeployedService) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own variable
  const account = service.copyAccount === '' ? '${AWS::AccountId}' : service.copyAccount;
  return sub(
    `arn:\${AWS::Partition}:backup:${service.copyRegion}:${account}:backup-vault:${vaultName(service)}`,
  );
}

/** AWS Backup works with this role. It reads this one table, and AWS's managed policy every resource. */
function backupRole(service: DeployedService): Resource {
  const allow = (Action: readonly string[], Resource: unknown) => ({ Effect: 'Allow', Action, Resource });
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'backup.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
      Policies: [
        {
          PolicyName: `${service.name}-${service.stage}-backup`,
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              allow(
                ['dynamodb:DescribeTable', 'dynamodb:ListTagsOfResource', 'dynamodb:StartAwsBackupJob'],
                attribute('LedgerTable', 'Arn'),
              ),
              allow(
                ['backup:CopyIntoBackupVault', 'backup:DescribeBackupVault'],
                [arn('backup', `backup-vault:${vaultName(service)}`), copyVaultArn(service)],
              ),
              {
                // AWS supports no resource here, but the vaults that a copy may go to.
                ...allow(['backup:CopyFromBackupVault'], '*'),
                Condition: { 'ForAllValues:ArnEquals': { 'backup:CopyTargets': [copyVaultArn(service)] } },
              },
            ],
          },
        },
      ],
    },
  };
}
