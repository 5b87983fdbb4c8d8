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

import { factLines, tableLines } from '../terminal/table.ts';
import { withProgress } from '../terminal/with-progress.ts';

export function addEvents(program: CommandUnknownOpts, runner: Runner): void {
  const events = program
    .command('events')
    .summary('webhook events that could not be applied')
    .description("Stripe's webhook events, and the parked ones that could not be applied.")
    .addHelpText('after', examples('rsolv-billing events list', 'rsolv-billing events replay evt_1Q…'));

  events
    .command('list')
    .summary('list parked events')
    .description('Lists and counts parked events, oldest first, with the reason.')
    .addHelpText(
      'after',
      examples('rsolv-billing events list', 'rsolv-billing events list --stage production --json'),
    )
    .action((_, command) =>
      runner.run(command, async (session) => {
        const { out } = session;
        const { events, unreadable } = await listParkedEvents(session);
        const parked = events.map(eventView);
        out.answer({ events: parked, unreadable: unreadable.map(unreadableView) }, () =>
          parked.length + unreadable.length === 0
            ? ['No parked events.']
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
    .summary('show the outcome of one event')
    .description('Shows the outcome of an event. Its content is not stored here; Stripe has it.')
    .argument('<event id>', 'evt_…', eventId)
    .addHelpText('after', examples('rsolv-billing events show evt_1Q…'))
    .action((id, _, command) =>
      runner.run(command, async ({ stage, out }) => {
        const record = await readEventRecord(stage.deps.table, id);
        if (record === null) {
          const detail = `The event ${id} was never accepted by this stage. To apply it: events replay ${id}`;
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
      'Fetches events from Stripe and applies them. Stripe keeps events for 30 days. Idempotent: an ' +
        'applied event is not applied again. Exit code 1 if an event stays parked or cannot be fetched.',
    )
    .argument('[event ids...]', 'evt_…', eventIds)
    .option('--parked', 'all parked events; asks first')
    .option('--actor <name>', 'your name', actor, ownName())
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      examples('rsolv-billing events replay evt_1Q…', 'rsolv-billing events replay --parked --yes'),
    )
    .action((ids, options, command) => {
      if (ids.length === 0 && !options.parked) throw usageFailure('Name an event, or add --parked.');
      return runner.run(command, async (session) => {
        const { out } = session;
        const { events: parked, unreadable } = options.parked
          ? await listParkedEvents(session)
          : { events: [], unreadable: [] };
        const selected = [...new Set([...ids, ...parked.map((event) => event.eventId)])];
        if (parked.length > 0) {
          await session.confirm(`Replay ${counted(parked.length, 'parked event')}?`, options.yes ?? false);
        }
        const replayed: Replayed[] = [];
        for await (const id of withProgress(session, 'events', selected, selected.length))
          replayed.push(await replay(session, id, options.actor));
        const withOutcome = (...outcomes: Replayed['outcome'][]) =>
          replayed.filter(({ outcome }) => outcomes.includes(outcome)).length;
        out.answer({ events: replayed, unreadable: unreadable.map(unreadableView) }, () =>
          replayed.length + unreadable.length === 0
            ? ['No parked events.']
            : [
                ...(replayed.length === 0 ? [] : replayedLines(replayed, out.width)),
                ...unreadableLines(unreadable, out.width),
                ...countLine(withOutcome(...APPLIED), 'applied or ignored'),
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

/** Reads all parked events before any is replayed. So an event that stays parked is replayed only once. */
async function listParkedEvents(
  session: Session,
): Promise<{ events: EventRecord[]; unreadable: UnreadableItem[] }> {
  const { table, now } = session.stage.deps;
  const events: EventRecord[] = [];
  const unreadable: UnreadableItem[] = [];
  for await (const found of withProgress(session, 'events', parkedEvents(table, now()))) {
    if (found instanceof UnreadableItem) unreadable.push(found);
    else events.push(found);
  }
  return { events, unreadable };
}

/**
 * Returns a refusal as a result, so the other events are still replayed. Throws if the stage is unreachable.
 */
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

const countLine = (count: number, state: string): string[] =>
  count === 0 ? [] : [`${counted(count, 'event')} ${state}.`];
