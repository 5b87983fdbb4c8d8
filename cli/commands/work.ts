import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { formatUsd } from '../../lib/domain/pricing.ts';
import { OPEN_WORK_INDEX } from '../../lib/operations/work/kinds.ts';
import { listOpenWork } from '../../lib/operations/work/list-open-work.ts';
import type { OpenWork } from '../../lib/operations/work/work-kind.ts';
import { settlePendingChargesContract } from '../../lib/operators/contracts.ts';
import type { DueKind } from '../../lib/store/due-work.ts';
import { UnreadableItem } from '../../lib/store/record.ts';
import type { Table } from '../../lib/store/table.ts';
import { unreadableLines } from '../reports/unreadable.ts';
import { unreadableView, type WorkView, workView } from '../reports/views.ts';
import type { Runner, Session } from '../stage/session.ts';
import { seconds } from '../terminal/arguments.ts';
import { counted } from '../terminal/counter.ts';
import { EXIT } from '../terminal/failure.ts';
import { ageOf, orNone } from '../terminal/format.ts';
import { examples } from '../terminal/help.ts';
import { shown } from '../terminal/shown.ts';
import { tableLines } from '../terminal/table.ts';
import { textLines } from '../terminal/wrap.ts';

/** `work list|settle`, and `charges pending|settle`, which are their names of before. */
export function addWork(program: CommandUnknownOpts, runner: Runner): void {
  const work = program
    .command('work')
    .summary('open work: charges, orders, refunds, closings, parked events')
    .description(
      'What is not finished: charges, orders and renewals without an outcome, payments to return, ' +
        'closed accounts to clear, and events that could not be applied.',
    )
    .addHelpText('after', examples('rsolv-billing work list', 'rsolv-billing work settle --now'));
  addList(work, runner, { command: 'work list', name: 'list', answer: 'work', indexes: OPEN_WORK_INDEX });
  addSettle(work, runner, 'work settle');

  const charges = program
    .command('charges')
    .summary('alias of work, without parked events')
    .description(
      'Alias of `work`: `pending` is `work list` without parked events, `settle` is `work settle`.',
    )
    .addHelpText('after', examples('rsolv-billing charges pending', 'rsolv-billing charges settle --now'));
  addList(charges, runner, {
    command: 'charges pending',
    name: 'pending',
    answer: 'charges',
    indexes: ['charge'],
  });
  addSettle(charges, runner, 'charges settle');
}

interface Listing {
  readonly command: string;
  readonly name: string;
  /** What the list is called in the answer. */
  readonly answer: string;
  readonly indexes: readonly DueKind[];
}

function addList(group: CommandUnknownOpts, runner: Runner, listing: Listing): void {
  const { command: words, name, answer, indexes } = listing;
  group
    .command(name)
    .summary('list open work')
    .description(
      'Lists open work, the oldest first, and counts it. A request may still be busy with the youngest.',
    )
    .addHelpText(
      'after',
      examples(`rsolv-billing ${words}`, `rsolv-billing ${words} --stage production --json`),
    )
    .action((_, command) =>
      runner.run(command, async (session) => {
        const { out, stage } = session;
        const now = stage.deps.now();
        const { open, unreadable } = await readOpenWork(session, indexes, now);
        out.answer({ [answer]: open, unreadable: unreadable.map(unreadableView) }, () =>
          open.length + unreadable.length === 0
            ? ['Nothing is open.']
            : [
                ...(open.length === 0 ? [] : workLines(open, now, out.width)),
                ...unreadableLines(unreadable, out.width),
                ...countLine(open.length, 'open'),
                ...countLine(unreadable.length, 'not readable'),
              ],
        );
        return undefined;
      }),
    );
}

async function readOpenWork(session: Session, indexes: readonly DueKind[], now: Date) {
  const open: WorkView[] = [];
  const unreadable: UnreadableItem[] = [];
  const found = workOf(session.stage.deps.table, indexes, now);
  for await (const work of shown(session, 'pieces of work', found)) {
    if (work instanceof UnreadableItem) unreadable.push(work);
    else open.push(workView(work));
  }
  return { open, unreadable };
}

async function* workOf(
  table: Table,
  indexes: readonly DueKind[],
  now: Date,
): AsyncGenerator<OpenWork | UnreadableItem> {
  for (const index of indexes) yield* listOpenWork(table, index, now);
}

function addSettle(group: CommandUnknownOpts, runner: Runner, words: string): void {
  group
    .command('settle')
    .summary('finish open work')
    .description(
      'Finishes open work, as the schedule does every 5 minutes. A payment is resumed under the key it was announced with. ' +
        'Parked events are not touched: `events replay` applies them. Safe at any time. Exit code 1 when something fails.',
    )
    .option('--older-than <seconds>', 'only what is at least this old; else 120', seconds)
    .option('--now', 'all of it, as --older-than 0')
    .addHelpText(
      'after',
      examples(`rsolv-billing ${words} --now`, `rsolv-billing ${words} --older-than 3600`),
    )
    .action((options, command) =>
      runner.run(command, async ({ stage, out }) => {
        const age = options.now ? 0 : options.olderThan;
        const done = await stage.functions.run(
          settlePendingChargesContract,
          age === undefined ? {} : { older_than_seconds: age },
        );
        const stillOpen = done.failed.length + done.waiting.length;
        out.answer(done, () => [
          ...done.failed.flatMap((work) => textLines(`still open: ${namesOf(work)}`, out.width)),
          ...done.waiting.flatMap((work) => textLines(`waiting for Stripe: ${namesOf(work)}`, out.width)),
          `${counted(done.settled, 'piece')} of work settled, ${stillOpen} still open.`,
        ]);
        return done.failed.length > 0 ? EXIT.refused : EXIT.ok;
      }),
    );
}

interface Named {
  readonly kind: string;
  readonly customer_id: string | null;
  readonly id: string | null;
}

const namesOf = ({ kind, customer_id: customerId, id }: Named): string =>
  (id === null ? kind : `${kind} ${id}`) + (customerId === null ? '' : ` of ${customerId}`);

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
      orNone(customer_id),
      id === null ? kind : `${kind} ${id}`,
      orNone(state),
      amount_cents === null ? '' : formatUsd(amount_cents),
      started_at === null ? '' : ageOf(started_at, now),
    ]),
    width,
  );
}
