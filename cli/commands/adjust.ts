import { randomUUID } from 'node:crypto';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { LARGE_GRANT_CREDITS } from '../../lib/operators/contract.ts';
import { adjustCreditsContract } from '../../lib/operators/contracts.ts';
import type { Runner } from '../stage/session.ts';
import { actor, amount, customerId, idempotencyKey, ownName, reason } from '../terminal/arguments.ts';
import { counted } from '../terminal/counter.ts';
import { signed } from '../terminal/format.ts';
import { examples } from '../terminal/help.ts';

export function addAdjust(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('adjust')
    .summary('give a customer credits, or take some back')
    .description(
      'Gives a customer credits, or takes some back. The change is a ledger entry with your reason and name. ' +
        'Under the same key it happens once: after a lost answer, repeat the command with --key.',
    )
    .argument('<customer id>', 'whose credits', customerId)
    .argument('<amount>', 'credits to give; negative to take back', amount)
    .requiredOption('--reason <text>', 'why, for whoever reads the ledger later', reason)
    .option('--key <key>', 'idempotency key; without it one is drawn and printed', idempotencyKey)
    .option('--actor <name>', 'who does it', actor, ownName())
    .option('--yes', `do not ask; else it asks before taking, and above ${LARGE_GRANT_CREDITS}`)
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
        if (credits < 0 || credits > LARGE_GRANT_CREDITS) {
          const what = credits < 0 ? `Take ${-credits} from` : `Give ${counted(credits, 'credit')} to`;
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
