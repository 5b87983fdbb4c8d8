import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { formatUsd } from '../../lib/domain/pricing.ts';
import { pendingWork } from '../../lib/operations/work/pending-work.ts';
import { settlePendingChargesContract } from '../../lib/operators/contracts.ts';
import { UnreadableItem } from '../../lib/store/record.ts';
import { unreadableLines } from '../reports/unreadable.ts';
import { pendingWorkView, unreadableView, type WorkView } from '../reports/views.ts';
import type { Runner } from '../stage/session.ts';
import { seconds } from '../terminal/arguments.ts';
import { counted } from '../terminal/counter.ts';
import { EXIT } from '../terminal/failure.ts';
import { ageOf, orNone } from '../terminal/format.ts';
import { examples } from '../terminal/help.ts';
import { shown } from '../terminal/shown.ts';
import { tableLines } from '../terminal/table.ts';
import { textLines } from '../terminal/wrap.ts';

export function addCharges(program: CommandUnknownOpts, runner: Runner): void {
  const charges = program
    .command('charges')
    .summary('charges, orders and refunds that are not decided')
    .description(
      'What a crash or a silent Stripe left open: charges, orders for Pro, payments to return, closed accounts to clear.',
    )
    .addHelpText('after', examples('rsolv-billing charges pending', 'rsolv-billing charges settle --now'));

  charges
    .command('pending')
    .summary('list what is open')
    .description(
      'Lists what is open, the oldest first, and says how much it is. A request may be busy with the youngest.',
    )
    .addHelpText(
      'after',
      examples('rsolv-billing charges pending', 'rsolv-billing charges pending --stage production --json'),
    )
    .action((_, command) =>
      runner.run(command, async (session) => {
        const { out } = session;
        const { table, now } = session.stage.deps;
        const pending: WorkView[] = [];
        const unreadable: UnreadableItem[] = [];
        for await (const work of shown(session, 'pieces of work', pendingWork(table, now()))) {
          if (work instanceof UnreadableItem) unreadable.push(work);
          else pending.push(pendingWorkView(work));
        }
        out.answer({ charges: pending, unreadable: unreadable.map(unreadableView) }, () =>
          pending.length + unreadable.length === 0
            ? ['Nothing is open.']
            : [
                ...(pending.length === 0 ? [] : workLines(pending, now(), out.width)),
                ...unreadableLines(unreadable, out.width),
                ...countLine(pending.length, 'open'),
                ...countLine(unreadable.length, 'not readable'),
              ],
        );
        return undefined;
      }),
    );

  charges
    .command('settle')
    .summary('take up what is open')
    .description(
      'Takes up what is open, as the schedule does every 5 minutes: each under the key that it was begun with. ' +
        'Safe at any time. Exit code 1 when something stays open.',
    )
    .option('--older-than <seconds>', 'only what is at least this old; else 120', seconds)
    .option('--now', 'all of it, as --older-than 0')
    .addHelpText(
      'after',
      examples('rsolv-billing charges settle --now', 'rsolv-billing charges settle --older-than 3600'),
    )
    .action((options, command) =>
      runner.run(command, async ({ stage, out }) => {
        const age = options.now ? 0 : options.olderThan;
        const done = await stage.functions.run(
          settlePendingChargesContract,
          age === undefined ? {} : { older_than_seconds: age },
        );
        out.answer(done, () => [
          ...done.failed.flatMap(({ kind, customer_id, id }) =>
            textLines(`still open: ${id === null ? kind : `${kind} ${id}`} of ${customer_id}`, out.width),
          ),
          `${counted(done.settled, 'piece')} of work settled, ${done.failed.length} still open.`,
        ]);
        return done.failed.length > 0 ? EXIT.refused : EXIT.ok;
      }),
    );
}

const countLine = (count: number, what: string): string[] =>
  count === 0 ? [] : [`${counted(count, 'piece')} of work ${what}.`];

function workLines(work: readonly WorkView[], now: Date, width: number): string[] {
  return tableLines(
    [
      { heading: 'customer' },
      { heading: 'what', flexible: true },
      { heading: 'state', flexible: true },
      { heading: 'amount', align: 'right' },
      { heading: 'age', align: 'right' },
    ],
    work.map(({ kind, customer_id, id, state, amount_cents, started_at }) => [
      customer_id,
      id === null ? kind : `${kind} ${id}`,
      orNone(state),
      amount_cents === null ? '' : formatUsd(amount_cents),
      started_at === null ? '' : ageOf(started_at, now),
    ]),
    width,
  );
}
