import {
  type BackupClient,
  DescribeRestoreJobCommand,
  paginateListRecoveryPointsByBackupVault,
  type RecoveryPointByBackupVault,
  StartRestoreJobCommand,
} from '@aws-sdk/client-backup';
import {
  DeleteTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import { EXIT, Failure } from '../terminal/failure.ts';

const POLL_EVERY_MS = 15_000;
/** Far more than a restore takes. Then a person must look. */
const RESTORED_WITHIN_MS = 6 * 3_600_000;
const DELETED_WITHIN_MS = 30 * 60_000;

export interface DrillTools {
  /** In the region of the copies. */
  readonly backup: BackupClient;
  /** In the region of the copies. */
  readonly dynamodb: DynamoDBClient;
  readonly now: () => Date;
  readonly sleep: (ms: number) => Promise<void>;
  /** Aborted when the operator interrupts. */
  readonly signal: AbortSignal;
}

export interface Copy {
  readonly arn: string;
  readonly createdAt: Date;
}

/**
 * The newest complete copy of the stage's table.
 * @throws Failure if there is none
 */
export async function newestCopy(backup: BackupClient, vault: string, tableName: string): Promise<Copy> {
  const points: RecoveryPointByBackupVault[] = [];
  for await (const page of paginateListRecoveryPointsByBackupVault(
    { client: backup },
    { BackupVaultName: vault },
  )) {
    points.push(...(page.RecoveryPoints ?? []));
  }
  const copies = points.flatMap(
    ({ RecoveryPointArn: arn, CreationDate: createdAt, Status, ResourceArn = '' }) =>
      Status === 'COMPLETED' &&
      ResourceArn.endsWith(`:table/${tableName}`) &&
      arn !== undefined &&
      createdAt !== undefined
        ? [{ arn, createdAt }]
        : [],
  );
  const [newest] = copies.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  if (newest !== undefined) return newest;
  throw new Failure(
    'no_copy',
    `The vault ${vault} has no complete copy of ${tableName}. ` +
      '"Copies in another region" in docs/operate.md says how copies get there.',
    EXIT.refused,
  );
}

/** The name of a drill's table. The policy for drills allows to delete tables with this prefix only. */
export const drillTable = (tableName: string, now: Date): string =>
  `${tableName}-drill-${now.toISOString().replace(/\D/g, '').slice(0, 14)}`;

/**
 * Restores a copy to a table of its own, works with it, and deletes it, also after a failure or an interrupt.
 * @throws Failure if the restore fails; the error of `work`
 */
export async function withRestored<T>(
  tools: DrillTools,
  { copy, target, role }: { readonly copy: Copy; readonly target: string; readonly role: string },
  work: (restoredMs: number) => Promise<T>,
): Promise<T> {
  const { RestoreJobId: job } = await tools.backup.send(
    new StartRestoreJobCommand({
      RecoveryPointArn: copy.arn,
      IamRoleArn: role,
      ResourceType: 'DynamoDB',
      IdempotencyToken: target,
      Metadata: { targetTableName: target, encryptionType: 'Default' },
    }),
  );
  const startedAt = tools.now().getTime();
  try {
    await untilRestored(tools, job);
    return await work(tools.now().getTime() - startedAt);
  } finally {
    await deleteTable(tools, target);
  }
}

async function untilRestored(
  { backup, now, sleep, signal }: DrillTools,
  job: string | undefined,
): Promise<void> {
  const deadline = now().getTime() + RESTORED_WITHIN_MS;
  for (;;) {
    const { Status: status, StatusMessage: reason = '' } = await backup.send(
      new DescribeRestoreJobCommand({ RestoreJobId: job }),
    );
    if (status === 'COMPLETED') return;
    if (status === 'FAILED' || status === 'ABORTED') {
      throw new Failure('restore_failed', `The restore ended as ${status}. ${reason}`.trim(), EXIT.refused);
    }
    if (signal.aborted) throw new Failure('interrupted', 'Interrupted.', EXIT.interrupted);
    if (now().getTime() > deadline) {
      throw new Failure(
        'restore_slow',
        `The restore job ${job} is still ${status} after 6 hours.`,
        EXIT.refused,
      );
    }
    await sleep(POLL_EVERY_MS);
  }
}

/** A table that is still being restored cannot be deleted yet. Does nothing if there is none. */
async function deleteTable({ dynamodb, now, sleep }: DrillTools, TableName: string): Promise<void> {
  const deadline = now().getTime() + DELETED_WITHIN_MS;
  for (;;) {
    try {
      await dynamodb.send(new DeleteTableCommand({ TableName }));
      return;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return;
      if (!(error instanceof ResourceInUseException) || now().getTime() > deadline) {
        const command = `aws dynamodb delete-table --table-name ${TableName}`;
        const detail = `The table ${TableName} is left. Delete it: ${command}`;
        throw new Failure('table_left', detail, EXIT.refused, { cause: error });
      }
    }
    await sleep(POLL_EVERY_MS);
  }
}
