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
import { tableLines } from '../terminal/table.ts';
import { withProgress } from '../terminal/with-progress.ts';
import { textLines } from '../terminal/wrap.ts';

/** `work list|settle`, and their older names `charges pending|settle`. */
export function addWork(program: CommandUnknownOpts, runner: Runner): void {
  const work = program
    .command('work')
    .summary('open work: charges, orders, refunds, closings, parked events')
    .description(
      'Lists and finishes open work: charges, orders and renewals without an outcome, payments to return, ' +
        'cards to put on file, closed accounts to clear, and parked events.',
    )
    .addHelpText('after', examples('rsolv-billing work list', 'rsolv-billing work settle --now'));
  addList(work, runner, { path: 'work list', name: 'list', answerField: 'work', indexes: OPEN_WORK_INDEX });
  addSettle(work, runner, 'work settle');

  const charges = program
    .command('charges')
    .summary('alias of work, without parked events')
    .description(
      'Alias of `work`: `pending` is `work list` without parked events, `settle` is `work settle`.',
    )
    .addHelpText('after', examples('rsolv-billing charges pending', 'rsolv-billing charges settle --now'));
  addList(charges, runner, {
    path: 'charges pending',
    name: 'pending',
    answerField: 'charges',
    indexes: ['charge'],
  });
  addSettle(charges, runner, 'charges settle');
}

interface Listing {
  /** The group and the command, as the user types them. */
  readonly path: string;
  readonly name: string;
  /** The field of the JSON answer that holds the list. */
  readonly answerField: string;
  readonly indexes: readonly DueKind[];
}

function addList(group: CommandUnknownOpts, runner: Runner, listing: Listing): void {
  const { path, name, answerField, indexes } = listing;
  group
    .command(name)
    .summary('list open work')
    .description('Lists and counts open work, oldest first. A request may still be working on the newest.')
    .addHelpText(
      'after',
      examples(`rsolv-billing ${path}`, `rsolv-billing ${path} --stage production --json`),
    )
    .action((_, command) =>
      runner.run(command, async (session) => {
        const { out, stage } = session;
        const now = stage.deps.now();
        const { open, unreadable } = await readOpenWork(session, indexes, now);
        out.answer({ [answerField]: open, unreadable: unreadable.map(unreadableView) }, () =>
          open.length + unreadable.length === 0
            ? ['No open work.']
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
  const found = listAllOpenWork(session.stage.deps.table, indexes, now);
  for await (const work of withProgress(session, 'items', found)) {
    if (work instanceof UnreadableItem) unreadable.push(work);
    else open.push(workView(work));
  }
  return { open, unreadable };
}

async function* listAllOpenWork(
  table: Table,
  indexes: readonly DueKind[],
  now: Date,
): AsyncGenerator<OpenWork | UnreadableItem> {
  for (const index of indexes) yield* listOpenWork(table, index, now);
}

function addSettle(group: CommandUnknownOpts, runner: Runner, path: string): void {
  group
    .command('settle')
    .summary('finish open work')
    .description(
      'Finishes open work, as the schedule does every 5 minutes. Resumes each payment under the key it ' +
        'was announced with. Also refreshes the prices that customers are shown. Skips parked events: ' +
        '`events replay` applies them. Safe at any time. Exit code 1 if an item fails.',
    )
    .option('--older-than <seconds>', 'only work that is at least this old; default: 120', seconds)
    .option('--now', 'all work; the same as --older-than 0')
    .addHelpText('after', examples(`rsolv-billing ${path} --now`, `rsolv-billing ${path} --older-than 3600`))
    .action((options, command) =>
      runner.run(command, async ({ stage, out }) => {
        const age = options.now ? 0 : options.olderThan;
        const result = await stage.functions.run(
          settlePendingChargesContract,
          age === undefined ? {} : { older_than_seconds: age },
        );
        out.answer(result, () => [
          ...result.failed.flatMap((work) => textLines(`still open: ${labelOf(work)}`, out.width)),
          ...result.waiting.flatMap((work) => textLines(`waiting for Stripe: ${labelOf(work)}`, out.width)),
          settledLine(result.settled, result.failed.length + result.waiting.length),
        ]);
        return result.failed.length > 0 ? EXIT.refused : EXIT.ok;
      }),
    );
}

const settledLine = (settled: number, open: number): string =>
  settled + open === 0 ? 'Nothing to settle.' : `${counted(settled, 'item')} settled, ${open} still open.`;

interface Labelled {
  readonly kind: string;
  readonly customer_id: string | null;
  readonly id: string | null;
}

const labelOf = ({ kind, customer_id: customerId, id }: Labelled): string =>
  (id === null ? kind : `${kind} ${id}`) + (customerId === null ? '' : ` of ${customerId}`);

const countLine = (count: number, state: string): string[] =>
  count === 0 ? [] : [`${counted(count, 'item')} ${state}.`];

function workLines(work: readonly WorkView[], now: Date, width: number): string[] {
  return tableLines(
    [
      { heading: 'customer' },
      { heading: 'work', flexible: true },
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
