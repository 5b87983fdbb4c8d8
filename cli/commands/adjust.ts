import { randomUUID } from 'node:crypto';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { redactApiKeys } from '../../lib/domain/api-key.ts';
import type { LedgerEntry } from '../../lib/domain/ledger.ts';
import { LARGE_GRANT_CREDITS } from '../../lib/domain/pricing.ts';
import { adjustCreditsContract } from '../../lib/operators/contracts.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { readEntriesDown } from '../../lib/store/ledger.ts';
import type { Runner } from '../stage/session.ts';
import { actor, amount, customerId, idempotencyKey, ownName, reason } from '../terminal/arguments.ts';
import { counted } from '../terminal/counter.ts';
import { shortTime, signed } from '../terminal/format.ts';
import { examples } from '../terminal/help.ts';

const DUPLICATE_WITHIN_MS = 60_000;
/** More entries than a customer normally gets in a minute. */
const NEWEST_ENTRIES = 100;

export function addAdjust(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('adjust')
    .summary("give or remove a customer's credits")
    .description(
      'Gives credits to a customer, or removes credits. The change is a ledger entry with your reason and ' +
        'name. It is idempotent per key: if the answer was lost, repeat the command with --key. Without ' +
        '--key and --yes, it asks first if the ledger has an entry with the same amount and reason from ' +
        'the last minute.',
    )
    .argument('<customer id>', 'whose credits', customerId)
    .argument('<amount>', 'credits to give; negative to remove', amount)
    .requiredOption('--reason <text>', 'why; stored in the ledger', reason)
    .option('--key <key>', 'idempotency key; if missing, a random key is used and printed', idempotencyKey)
    .option('--actor <name>', 'your name', actor, ownName())
    .option(
      '--yes',
      `do not ask; else it asks before a removal, a duplicate, or more than ${LARGE_GRANT_CREDITS} credits`,
    )
    .addHelpText(
      'after',
      examples(
        'rsolv-billing adjust 5be0…c1 25 --reason "goodwill, ticket 812"',
        'rsolv-billing adjust 5be0…c1 -3 --reason "granted twice" --yes',
        'rsolv-billing adjust 5be0…c1 25 --reason "goodwill" --key 9f1c…',
        '                                        repeats safely: applied once per key',
      ),
    )
    .action((id, credits, options, command) =>
      runner.run(command, async ({ stage, out, confirm }) => {
        const amountText = counted(Math.abs(credits), 'credit');
        const action = credits < 0 ? `Remove ${amountText} from` : `Give ${amountText} to`;
        // With --key the operator decides: the same key repeats the adjustment, a new key makes another one.
        const duplicate =
          options.key === undefined
            ? await findRecentDuplicate(stage.deps, id, credits, options.reason)
            : null;
        if (duplicate !== null) {
          const question = `${duplicateText(duplicate, stage.deps.now())} ${action} customer ${id} again?`;
          await confirm(question, options.yes ?? false);
        } else if (credits < 0 || credits > LARGE_GRANT_CREDITS) {
          await confirm(`${action} customer ${id}?`, options.yes ?? false);
        }
        const key = options.key ?? randomUUID();
        // Printed before the call, so the operator has the key even if the answer is lost.
        if (options.key === undefined) out.note(`idempotency key ${key}`);
        const result = await stage.functions.call(adjustCreditsContract, {
          customer_id: id,
          amount: credits,
          reason: options.reason,
          actor: options.actor,
          idempotency_key: key,
        });
        const outcome = result.already ? 'Already done' : 'Done';
        out.answer({ customer_id: id, amount: credits, ...result, idempotency_key: key }, () => [
          `${outcome}: ${signed(credits)} as entry ${result.seq}, balance ${result.balance}.`,
        ]);
        return undefined;
      }),
    );
}

/** Finds an adjustment with this amount and reason that is less than a minute old. Null if there is none. */
async function findRecentDuplicate(
  { table, now }: Deps,
  customerId: string,
  amount: number,
  reason: string,
): Promise<LedgerEntry | null> {
  const since = now().getTime() - DUPLICATE_WITHIN_MS;
  // The function redacts API keys before it stores the reason.
  const storedReason = redactApiKeys(reason);
  const newest = await readEntriesDown(table, customerId, null, NEWEST_ENTRIES);
  const duplicate = newest.find(
    (entry) =>
      entry.source === 'adjustment' &&
      entry.amount === amount &&
      entry.metadata['reason'] === storedReason &&
      Date.parse(entry.createdAt) > since,
  );
  return duplicate ?? null;
}

function duplicateText({ seq, amount, createdAt, metadata }: LedgerEntry, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(createdAt)) / 1_000));
  return (
    `Entry ${seq} is the same adjustment, ${seconds} s ago (${shortTime(createdAt)} UTC): ` +
    `${signed(amount)} by ${metadata['actor']}, "${metadata['reason']}", key ` +
    `${metadata['idempotency_key']}. ` +
    'To repeat it safely, use that --key. For a second adjustment, use a new --key.'
  );
}
