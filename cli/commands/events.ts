import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { replayEventContract } from '../../lib/operators/contracts.ts';
import { type EventRecord, parkedEvents, readEventRecord } from '../../lib/store/events.ts';
import { UnreadableItem } from '../../lib/store/record.ts';
import { unreadableLines } from '../reports/unreadable.ts';
import { eventView, unreadableView } from '../reports/views.ts';
import type { Runner, Session } from '../stage/session.ts';
import { actor, eventId, eventIds, ownName } from '../terminal/arguments.ts';
import { counted } from '../terminal/counter.ts';
import { EXIT, Failure, toFailure, usageFailure } from '../terminal/failure.ts';
import { shortTime } from '../terminal/format.ts';
import { examples } from '../terminal/help.ts';
import { shown } from '../terminal/shown.ts';
import { factLines, tableLines } from '../terminal/table.ts';

export function addEvents(program: CommandUnknownOpts, runner: Runner): void {
  const events = program
    .command('events')
    .summary('webhook events that could not be applied')
    .description('Webhook events of Stripe, and those that could not be applied.')
    .addHelpText('after', examples('rsolv-billing events list', 'rsolv-billing events replay evt_1Q…'));

  events
    .command('list')
    .summary('list the parked ones')
    .description('Lists the events that are parked, the oldest first, with why, and says how many there are.')
    .addHelpText(
      'after',
      examples('rsolv-billing events list', 'rsolv-billing events list --stage production --json'),
    )
    .action((_, command) =>
      runner.run(command, async (session) => {
        const { out } = session;
        const { events, unreadable } = await parkedNow(session);
        const parked = events.map(eventView);
        out.answer({ events: parked, unreadable: unreadable.map(unreadableView) }, () =>
          parked.length + unreadable.length === 0
            ? ['No event is parked.']
            : [
                ...(parked.length === 0 ? [] : parkedLines(parked, out.width)),
                ...unreadableLines(unreadable, out.width),
                ...countLine(parked.length, 'parked'),
                ...countLine(unreadable.length, 'not readable'),
              ],
        );
        return undefined;
      }),
    );

  events
    .command('show')
    .summary('show what became of one')
    .description('Shows what became of an event. What it said stays at Stripe.')
    .argument('<event id>', 'evt_…', eventId)
    .addHelpText('after', examples('rsolv-billing events show evt_1Q…'))
    .action((id, _, command) =>
      runner.run(command, async ({ stage, out }) => {
        const record = await readEventRecord(stage.deps.table, id);
        if (record === null) {
          const detail = `The event ${id} was never accepted here. To apply it: events replay ${id}`;
          throw new Failure('event_not_found', detail, EXIT.refused);
        }
        const event = eventView(record);
        out.answer(event, () =>
          factLines(
            Object.entries(event).map(([name, value]): [string, string] => [
              name,
              value === null ? 'none' : String(value),
            ]),
            out.width,
          ),
        );
        return undefined;
      }),
    );

  events
    .command('replay')
    .summary('fetch events from Stripe and apply them')
    .description(
      'Fetches events from Stripe, which keeps them for 30 days, and applies them. What was applied is not applied ' +
        'again. Exit code 1 when one stays parked, or cannot be had.',
    )
    .argument('[event ids...]', 'evt_…', eventIds)
    .option('--parked', 'all that are parked; asks first')
    .option('--actor <name>', 'who does it', actor, ownName())
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      examples('rsolv-billing events replay evt_1Q…', 'rsolv-billing events replay --parked --yes'),
    )
    .action((ids, options, command) => {
      if (ids.length === 0 && !options.parked) throw usageFailure('Name an event, or give --parked.');
      return runner.run(command, async (session) => {
        const { out } = session;
        const { events: parked, unreadable } = options.parked
          ? await parkedNow(session)
          : { events: [], unreadable: [] };
        const wanted = [...new Set([...ids, ...parked.map((event) => event.eventId)])];
        if (parked.length > 0) {
          await session.confirm(`Replay ${counted(parked.length, 'parked event')}?`, options.yes ?? false);
        }
        const replayed: Replayed[] = [];
        for await (const id of shown(session, 'events', wanted, wanted.length))
          replayed.push(await replay(session, id, options.actor));
        const withOutcome = (...outcomes: Replayed['outcome'][]) =>
          replayed.filter(({ outcome }) => outcomes.includes(outcome)).length;
        out.answer({ events: replayed, unreadable: unreadable.map(unreadableView) }, () =>
          replayed.length + unreadable.length === 0
            ? ['No event is parked.']
            : [
                ...(replayed.length === 0 ? [] : replayedLines(replayed, out.width)),
                ...unreadableLines(unreadable, out.width),
                ...countLine(withOutcome(...APPLIED), 'done with'),
                ...countLine(withOutcome('parked'), 'still parked'),
                ...countLine(withOutcome('failed'), 'not replayed'),
                ...countLine(unreadable.length, 'not readable'),
              ],
        );
        const isAll = unreadable.length === 0 && replayed.every(({ outcome }) => APPLIED.has(outcome));
        return isAll ? EXIT.ok : EXIT.refused;
      });
    });
}

interface Replayed {
  readonly id: string;
  readonly outcome: 'processed' | 'ignored' | 'duplicate' | 'parked' | 'failed';
  readonly reason: string;
}

const APPLIED: ReadonlySet<Replayed['outcome']> = new Set(['processed', 'ignored', 'duplicate']);

/** Those that are parked as this begins: one that stays so is not come to again. */
async function parkedNow(session: Session): Promise<{ events: EventRecord[]; unreadable: UnreadableItem[] }> {
  const { table, now } = session.stage.deps;
  const events: EventRecord[] = [];
  const unreadable: UnreadableItem[] = [];
  for await (const found of shown(session, 'events', parkedEvents(table, now()))) {
    if (found instanceof UnreadableItem) unreadable.push(found);
    else events.push(found);
  }
  return { events, unreadable };
}

/** One that cannot be had does not keep the others from their turn; a stage that is gone does. */
async function replay({ stage }: Session, id: string, actor: string): Promise<Replayed> {
  try {
    const { outcome, reason } = await stage.functions.call(replayEventContract, { event_id: id, actor });
    return { id, outcome, reason };
  } catch (error) {
    const failure = toFailure(error);
    if (failure.exitCode !== EXIT.refused) throw error;
    return { id, outcome: 'failed', reason: failure.message };
  }
}

const parkedLines = (parked: readonly ReturnType<typeof eventView>[], width: number): string[] =>
  tableLines(
    [
      { heading: 'event' },
      { heading: 'type', flexible: true },
      { heading: 'received (UTC)' },
      { heading: 'why', flexible: true },
    ],
    parked.map(({ id, type, received_at, reason }) => [id, type, shortTime(received_at), reason]),
    width,
  );

const replayedLines = (replayed: readonly Replayed[], width: number): string[] =>
  tableLines(
    [{ heading: 'event' }, { heading: 'outcome' }, { heading: 'why', flexible: true }],
    replayed.map(({ id, outcome, reason }) => [id, outcome, reason]),
    width,
  );

const countLine = (count: number, what: string): string[] =>
  count === 0 ? [] : [`${counted(count, 'event')} ${what}.`];
