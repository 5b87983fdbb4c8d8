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

const REPEAT_WITHIN_MS = 60_000;
/** More than one minute can add, but for a flood. */
const NEWEST = 100;

export function addAdjust(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('adjust')
    .summary('give a customer credits, or take some back')
    .description(
      'Gives a customer credits, or takes some back. The change is a ledger entry with your reason and name. ' +
        'Under the same key it happens once: after a lost answer, repeat the command with --key. Asks first when the ' +
        'ledger holds the same amount and reason from the last minute, unless --key or --yes is given.',
    )
    .argument('<customer id>', 'whose credits', customerId)
    .argument('<amount>', 'credits to give; negative to take back', amount)
    .requiredOption('--reason <text>', 'why, for whoever reads the ledger later', reason)
    .option('--key <key>', 'idempotency key; without it one is drawn and printed', idempotencyKey)
    .option('--actor <name>', 'who does it', actor, ownName())
    .option(
      '--yes',
      `do not ask; else it asks before taking, above ${LARGE_GRANT_CREDITS}, and before a repeat`,
    )
    .addHelpText(
      'after',
      examples(
        'rsolv-billing adjust 5be0…c1 25 --reason "goodwill, ticket 812"',
        'rsolv-billing adjust 5be0…c1 -3 --reason "granted twice" --yes',
        'rsolv-billing adjust 5be0…c1 25 --reason "goodwill" --key 9f1c…',
        '                                        the same again, done once',
      ),
    )
    .action((id, credits, options, command) =>
      runner.run(command, async ({ stage, out, confirm }) => {
        const what = credits < 0 ? `Take ${-credits} from` : `Give ${counted(credits, 'credit')} to`;
        // A key is the operator's own word on whether this is a repeat: the same one, or a fresh one.
        const earlier =
          options.key === undefined ? await sameOfLate(stage.deps, id, credits, options.reason) : null;
        if (earlier !== null) {
          const question = `${earlierText(earlier, stage.deps.now())} ${what} customer ${id} again?`;
          await confirm(question, options.yes ?? false);
        } else if (credits < 0 || credits > LARGE_GRANT_CREDITS) {
          await confirm(`${what} customer ${id}?`, options.yes ?? false);
        }
        const key = options.key ?? randomUUID();
        // Said beforehand: should the answer be lost, the operator still has it.
        if (options.key === undefined) out.note(`idempotency key ${key}`);
        const done = await stage.functions.call(adjustCreditsContract, {
          customer_id: id,
          amount: credits,
          reason: options.reason,
          actor: options.actor,
          idempotency_key: key,
        });
        out.answer({ customer_id: id, amount: credits, ...done, idempotency_key: key }, () => [
          `${done.already ? 'Was done before' : 'Done'}: ${signed(credits)} as entry ${done.seq}, balance ${done.balance}.`,
        ]);
        return undefined;
      }),
    );
}

/** An adjustment of this amount for this reason that is less than a minute old; null where there is none. */
async function sameOfLate(
  { table, now }: Deps,
  customerId: string,
  amount: number,
  reason: string,
): Promise<LedgerEntry | null> {
  const since = now().getTime() - REPEAT_WITHIN_MS;
  // As the function stores it.
  const stored = redactApiKeys(reason);
  const newest = await readEntriesDown(table, customerId, null, NEWEST);
  const same = newest.find(
    (entry) =>
      entry.source === 'adjustment' &&
      entry.amount === amount &&
      entry.metadata['reason'] === stored &&
      Date.parse(entry.createdAt) > since,
  );
  return same ?? null;
}

function earlierText({ seq, amount, createdAt, metadata }: LedgerEntry, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(createdAt)) / 1_000));
  return (
    `Entry ${seq} is the same adjustment, ${seconds} s ago (${shortTime(createdAt)} UTC): ${signed(amount)} ` +
    `by ${metadata['actor']}, "${metadata['reason']}", key ${metadata['idempotency_key']}. To repeat it with certainty, ` +
    'give that --key; for a second one, a fresh --key.'
  );
}
