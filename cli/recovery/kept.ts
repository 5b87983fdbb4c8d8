import {
  type BackupClient,
  DescribeBackupVaultCommand,
  type DescribeBackupVaultCommandOutput,
  ResourceNotFoundException,
} from '@aws-sdk/client-backup';
import { ResourceNotFoundException as NoTable } from '@aws-sdk/client-dynamodb';
import { vaultName } from '../../infrastructure/backup.ts';
import type { Account } from '../preflight/account.ts';

/** Resources that can outlive their stack, in people's words. */
export const KIND_OF = {
  'AWS::DynamoDB::Table': 'the table',
  'AWS::Logs::LogGroup': 'the log group',
  'AWS::Backup::BackupVault': 'the vault',
} as const;

/** The property that names a resource, which is its identifier in an import too. */
export const NAME_OF = {
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::Backup::BackupVault': 'BackupVaultName',
} as const satisfies Record<keyof typeof KIND_OF, string>;

export interface Kept {
  readonly type: keyof typeof KIND_OF;
  readonly name: string;
}

/** What the template creates, and what exists already outside of the stack. */
export async function findKept(account: Account): Promise<Kept[]> {
  const { tableName, stackName, service } = account.definition;
  const resources = (await account.stack())?.resources ?? new Map<string, string>();
  const created = new Set([
    `/aws/http-api/${stackName}`,
    ...service.functions.map(({ key }) => `/aws/lambda/${stackName}-${key}`),
  ]);
  const ofStack = new Set(resources.values());
  const logs = [
    ...(await account.logGroups(`/aws/lambda/${stackName}-`)),
    ...(await account.logGroups(`/aws/http-api/${stackName}`)),
  ].filter((name) => created.has(name) && !ofStack.has(name));
  // The table and the vault have one name, so their logical ids tell them apart.
  const hasTable = !resources.has('LedgerTable') && (await tableExists(account));
  const hasVault =
    service.copyRegion !== '' &&
    !resources.has('BackupVault') &&
    (await readVault(account.backup, vaultName(service))) !== null;
  return [
    ...(hasTable ? [{ type: 'AWS::DynamoDB::Table' as const, name: tableName }] : []),
    ...logs.map((name) => ({ type: 'AWS::Logs::LogGroup' as const, name })),
    ...(hasVault ? [{ type: 'AWS::Backup::BackupVault' as const, name: vaultName(service) }] : []),
  ];
}

async function tableExists(account: Account): Promise<boolean> {
  try {
    await account.table();
    return true;
  } catch (error) {
    if (error instanceof NoTable) return false;
    throw error;
  }
}

/** Null if there is no such vault, also if AWS Backup denies access, which it does for a missing vault. */
export async function readVault(
  backup: BackupClient,
  name: string,
): Promise<DescribeBackupVaultCommandOutput | null> {
  try {
    return await backup.send(new DescribeBackupVaultCommand({ BackupVaultName: name }));
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    if (error instanceof Error && error.name === 'AccessDeniedException') return null;
    throw error;
  }
}
