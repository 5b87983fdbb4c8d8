import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { needsResend } from '../../lib/domain/notices/delivery.ts';
import { resendNoticeContract, warnLowBalancesContract } from '../../lib/operators/contracts.ts';
import {
  type FoundNotice,
  heldNotices,
  type StoredNotice,
  type UnreadableNotice,
  unsentNotices,
} from '../../lib/store/notices.ts';
import { noticeView, unreadableNoticeView } from '../reports/views.ts';
import type { Runner, Session } from '../stage/session.ts';
import { actor, customerId, noticeName, ownName } from '../terminal/arguments.ts';
import { counted } from '../terminal/counter.ts';
import { EXIT, toFailure, usageFailure } from '../terminal/failure.ts';
import { shortTime } from '../terminal/format.ts';
import { examples } from '../terminal/help.ts';
import { withProgress } from '../terminal/with-progress.ts';
import { textLines } from '../terminal/wrap.ts';

export function addNotices(program: CommandUnknownOpts, runner: Runner): void {
  const notices = program
    .command('notices')
    .summary('unsent e-mails to customers')
    .description('Lists and resends unsent e-mails to customers, and writes low-balance warnings.')
    .addHelpText('after', examples('rsolv-billing notices list', 'rsolv-billing notices resend --all'));

  notices
    .command('list')
    .summary('list unsent notices')
    .description(
      'Lists and counts unsent notices, oldest first, with the reason. A new notice is listed until the ' +
        "stream delivers it. Notices beyond a customer's letters of a day are held until the next day.",
    )
    .addHelpText('after', examples('rsolv-billing notices list --stage production'))
    .action((_, command) =>
      runner.run(command, async (session) => {
        const unsent: StoredNotice[] = [];
        const unreadable: UnreadableNotice[] = [];
        const held: StoredNotice[] = [];
        for await (const found of allWithProgress(session)) {
          if ('unreadable' in found) unreadable.push(found.unreadable);
          else (found.notice.state === 'held' ? held : unsent).push(found.notice);
        }
        const answer = {
          notices: unsent.map(noticeView),
          held: held.map(noticeView),
          unreadable: unreadable.map(unreadableNoticeView),
        };
        session.out.answer(answer, () =>
          unsent.length + held.length + unreadable.length === 0
            ? ['No unsent notices.']
            : [
                ...[...unsent, ...held].flatMap((one) => unsentLines(one, session.out.width)),
                ...unreadable.flatMap((one) => unreadableLines(one, session.out.width)),
                ...countLine(unsent.length, 'not sent'),
                ...countLine(held.length, 'held for the next day, in one letter'),
                ...countLine(unreadable.length, 'not readable'),
              ],
        );
        return undefined;
      }),
    );

  notices
    .command('resend')
    .summary('send unsent notices again')
    .description(
      'Queues unsent notices again. A notice that was sent is not sent again. Exit code 1 if a notice ' +
        'could not be queued.',
    )
    .argument('[customer id]', 'whose notice', customerId)
    .argument('[notice]', 'kind#id, as the list shows it', noticeName)
    .option('--all', 'all notices that the service stopped retrying')
    .option('--actor <name>', 'your name', actor, ownName())
    .addHelpText(
      'after',
      examples('rsolv-billing notices resend 5be0…c1 dispute#du_1Q…', 'rsolv-billing notices resend --all'),
    )
    .action((id, notice, options, command) =>
      runner.run(command, async (session) => {
        // --all with a customer id is ambiguous: it would resend the notices of every customer.
        if (options.all ? id !== undefined : notice === undefined)
          throw usageFailure('Name a customer and a notice, or add --all.');
        const { resent, unreadable } =
          id !== undefined && notice !== undefined
            ? { resent: [await resend(session, id, notice, options.actor)], unreadable: [] }
            : await resendGivenUp(session, options.actor);
        const failed = resent.filter(({ failure }) => failure !== null);
        const count = resent.filter(({ requeued }) => requeued).length;
        const answer = { notices: resent, unreadable: unreadable.map(unreadableNoticeView) };
        session.out.answer(answer, () => [
          ...failed.flatMap((one) => failedLines(one, session.out.width)),
          ...unreadable.flatMap((one) => unreadableLines(one, session.out.width)),
          `${counted(count, 'notice')} queued again.`,
          ...countLine(resent.length - count - failed.length, 'skipped: sent already, held, or in flight'),
          ...countLine(failed.length, 'not queued'),
          ...countLine(unreadable.length, 'not readable'),
        ]);
        return failed.length + unreadable.length === 0 ? EXIT.ok : EXIT.refused;
      }),
    );

  notices
    .command('warn')
    .summary('write due warnings and reminders now')
    .description(
      'Writes the low-balance warnings and the reminders that are due, and joins held notices whose day ' +
        'has come, as the schedule does every 10 minutes. No customer is warned twice.',
    )
    .addHelpText('after', examples('rsolv-billing notices warn'))
    .action((_, command) =>
      runner.run(command, async ({ stage, out }) => {
        const result = await stage.functions.run(warnLowBalancesContract, {});
        out.answer(result, () => [
          `${counted(result.warned, 'warning')} written.`,
          ...(result.failed === 0
            ? []
            : [`${counted(result.failed, 'customer')} could not be warned. See the log.`]),
        ]);
        return result.failed === 0 ? EXIT.ok : EXIT.refused;
      }),
    );
}

const unsentWithProgress = (session: Session): AsyncGenerator<FoundNotice> =>
  withProgress(session, 'notices', unsentNotices(session.stage.deps.table, session.stage.deps.now()));

/** Also the notices that are held. */
const allWithProgress = (session: Session): AsyncGenerator<FoundNotice> =>
  withProgress(session, 'notices', unsentAndHeld(session.stage.deps));

async function* unsentAndHeld({ table, now }: Session['stage']['deps']): AsyncGenerator<FoundNotice> {
  yield* unsentNotices(table, now());
  yield* heldNotices(table);
}

interface Resent {
  readonly customer_id: string;
  readonly notice: string;
  readonly requeued: boolean;
  /** Why the notice could not be queued. */
  readonly failure: string | null;
}

async function resend(
  { stage }: Session,
  customer_id: string,
  notice: string,
  actor: string,
): Promise<Resent> {
  const name = { customer_id, notice };
  const { requeued } = await stage.functions.call(resendNoticeContract, { ...name, actor });
  return { ...name, requeued, failure: null };
}

async function resendGivenUp(session: Session, actor: string) {
  const at = session.stage.deps.now();
  const resent: Resent[] = [];
  const unreadable: UnreadableNotice[] = [];
  for await (const found of unsentWithProgress(session)) {
    if ('unreadable' in found) unreadable.push(found.unreadable);
    else if (needsResend(found.notice, at)) resent.push(await tryResend(session, found.notice, actor));
  }
  return { resent, unreadable };
}

/**
 * Returns a refusal as a result, so the other notices are still resent. Throws if the stage is unreachable.
 */
async function tryResend(session: Session, stored: StoredNotice, actor: string): Promise<Resent> {
  const { customer_id, notice } = noticeView(stored);
  try {
    return await resend(session, customer_id, notice, actor);
  } catch (error) {
    const { exitCode, message } = toFailure(error);
    if (exitCode !== EXIT.refused) throw error;
    return { customer_id, notice, requeued: false, failure: message };
  }
}

/** Not a table: a notice's name is as long as a line and must stay whole to be copied. */
function unsentLines(stored: StoredNotice, width: number): string[] {
  const { customer_id, notice, created_at, attempts, failure, state } = noticeView(stored);
  return [
    `customer ${customer_id}, caused ${shortTime(created_at)} UTC`,
    `  ${notice}`,
    ...textLines(`${counted(attempts, 'try', 'tries')}: ${failure ?? state}`, width, '  '),
  ];
}

const unreadableLines = ({ customerId, label, attributes }: UnreadableNotice, width: number): string[] => [
  `customer ${customerId}`,
  `  ${label}`,
  ...textLines(`not readable: ${attributes.join(', ')}`, width, '  '),
];

const failedLines = ({ customer_id, notice, failure }: Resent, width: number): string[] => [
  `customer ${customer_id}`,
  `  ${notice}`,
  ...textLines(failure ?? '', width, '  '),
];

const countLine = (count: number, state: string): string[] =>
  count === 0 ? [] : [`${counted(count, 'notice')} ${state}.`];
