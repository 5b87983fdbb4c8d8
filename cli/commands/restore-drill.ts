import { BackupClient } from '@aws-sdk/client-backup';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { vaultName } from '../../infrastructure/backup.ts';
import { startRuntime } from '../../lib/runtime/start.ts';
import { readDefinition } from '../doctor/definition.ts';
import { CLIENT } from '../doctor/site.ts';
import { type Copy, drillTable, newestCopy, withRestored } from '../recovery/drill.ts';
import { type Verified, verifyLedgers } from '../reports/verify.ts';
import type { Runner, Session } from '../stage/session.ts';
import { counted } from '../terminal/counter.ts';
import { EXIT, type ExitCode, usageFailure } from '../terminal/failure.ts';
import { examples } from '../terminal/help.ts';

const HOUR_MS = 3_600_000;
/** As the alarm `copies-missing` and doctor have it. */
const MAX_COPY_AGE_HOURS = 28;

export function addRestoreDrill(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('restore-drill')
    .summary('restore the newest copy beside the table, and verify it')
    .description(
      'Restores the newest copy of the table in the other region to a table of its own, verifies every ' +
        'ledger, reports the age of the copy and the time of the restore, and deletes that table. Never ' +
        'touches the live table. Needs the policy of the stack of the copies. Exit code 1 if a ledger is ' +
        'wrong, or if the copy is older than 28 hours.',
    )
    .addHelpText(
      'after',
      examples(
        'rsolv-billing restore-drill --stage production',
        'rsolv-billing restore-drill --stage production --json',
      ),
    )
    .action((_, command) => runner.run(command, drill, { handlesInterrupt: true }));
}

async function drill(session: Session): Promise<ExitCode> {
  const { stage, out, signal } = session;
  if (stage.name === 'local') throw usageFailure('A local stack has no copies. Name a stage with --stage.');
  const { service, tableName, stackName } = readDefinition(stage.name);
  const { copyRegion } = service;
  if (copyRegion === '') throw usageFailure(`${stage.name} has no copies: its copyRegion is not set.`);
  // Every client from here on works where the copies are.
  process.env['AWS_REGION'] = copyRegion;
  const backup = new BackupClient(CLIENT);
  const { now, sleep } = stage.deps;
  const copy = await newestCopy(backup, vaultName(service), tableName);
  const target = drillTable(tableName, now());
  const deps = { ...stage.deps, ...startRuntime({ TABLE_NAME: target, STAGE: stage.name }), now, sleep };
  out.note(`Restoring the copy of ${copy.createdAt.toISOString()} to ${target} in ${copyRegion}.`);
  try {
    const tools = { backup, dynamodb: deps.table.client, now, sleep, signal };
    const role = await restoreRole(stackName, copyRegion);
    const { restoredMs, verified } = await withRestored(tools, { copy, target, role }, async (ms) => ({
      restoredMs: ms,
      verified: await verifyLedgers({ ...session, stage: { ...stage, deps } }, [], false),
    }));
    return report(session, { copy, target, restoredMs, verified });
  } finally {
    deps.table.client.destroy();
  }
}

/** The role of the stack of the copies: see infrastructure/copies.yml. */
async function restoreRole(stackName: string, region: string): Promise<string> {
  const { Arn: arn = '' } = await new STSClient(CLIENT).send(new GetCallerIdentityCommand({}));
  const [, partition, , , account] = arn.split(':');
  return `arn:${partition}:iam::${account}:role/${stackName}-restore-${region}`;
}

interface Outcome {
  readonly copy: Copy;
  readonly target: string;
  readonly restoredMs: number;
  readonly verified: Verified;
}

function report({ stage, out }: Session, { copy, target, restoredMs, verified }: Outcome): ExitCode {
  const ageHours = (stage.deps.now().getTime() - restoredMs - copy.createdAt.getTime()) / HOUR_MS;
  const { customers, entries, violations } = verified;
  const isOld = ageHours > MAX_COPY_AGE_HOURS;
  const isOk = violations.length === 0 && !isOld;
  const answer = {
    ok: isOk,
    copy: copy.arn,
    copied_at: copy.createdAt.toISOString(),
    age_hours: Number(ageHours.toFixed(1)),
    restore_seconds: Math.round(restoredMs / 1_000),
    table: target,
    customers,
    entries,
    violations,
  };
  out.answer(answer, () => [
    `The copy is ${answer.age_hours} hours old${isOld ? `, more than ${MAX_COPY_AGE_HOURS}` : ''}.`,
    `The restore took ${answer.restore_seconds} seconds.`,
    `Verified ${counted(customers, 'customer')} with ${counted(entries, 'entry', 'entries')}.`,
    ...violations.map(({ customerId, message }) => `customer ${customerId}: ${message}`),
    `${counted(violations.length, 'violation')}. The table ${target} is deleted.`,
  ]);
  return isOk ? EXIT.ok : EXIT.refused;
}
