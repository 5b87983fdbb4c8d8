import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { isGivenUp } from '../../lib/domain/notice.ts';
import { resendNoticeContract, warnLowBalancesContract } from '../../lib/operators/contracts.ts';
import {
  type FoundNotice,
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
import { shown } from '../terminal/shown.ts';
import { textLines } from '../terminal/wrap.ts';

export function addNotices(program: CommandUnknownOpts, runner: Runner): void {
  const notices = program
    .command('notices')
    .summary('e-mails to customers that were not sent')
    .description('E-mails to customers: those that were not sent, and what warns of low balances.')
    .addHelpText('after', examples('rsolv-billing notices list', 'rsolv-billing notices resend --all'));

  notices
    .command('list')
    .summary('list what was not sent')
    .description(
      'Lists the notices that were not sent, the oldest first, with why, and says how many there are. One that was just ' +
        'caused is among them until the stream has brought it.',
    )
    .addHelpText('after', examples('rsolv-billing notices list --stage production'))
    .action((_, command) =>
      runner.run(command, async (session) => {
        const unsent: StoredNotice[] = [];
        const unreadable: UnreadableNotice[] = [];
        for await (const found of shownUnsent(session)) {
          if ('notice' in found) unsent.push(found.notice);
          else unreadable.push(found.unreadable);
        }
        const answer = {
          notices: unsent.map(noticeView),
          unreadable: unreadable.map(unreadableNoticeView),
        };
        session.out.answer(answer, () =>
          unsent.length + unreadable.length === 0
            ? ['Every notice is sent.']
            : [
                ...unsent.flatMap((one) => unsentLines(one, session.out.width)),
                ...unreadable.flatMap((one) => unreadableLines(one, session.out.width)),
                ...countLine(unsent.length, 'not sent'),
                ...countLine(unreadable.length, 'not readable'),
              ],
        );
        return undefined;
      }),
    );

  notices
    .command('resend')
    .summary('send again what could not be sent')
    .description(
      'Puts notices that were not sent into the stream again. What was sent is not sent again. Exit code 1 when one ' +
        'could not be put there.',
    )
    .argument('[customer id]', 'whose notice', customerId)
    .argument('[notice]', 'as the list shows it: kind#id', noticeName)
    .option('--all', 'all that were given up')
    .option('--actor <name>', 'who does it', actor, ownName())
    .addHelpText(
      'after',
      examples('rsolv-billing notices resend 5be0…c1 dispute#du_1Q…', 'rsolv-billing notices resend --all'),
    )
    .action((id, notice, options, command) =>
      runner.run(command, async (session) => {
        // Whoever names a customer does not mean everybody's.
        if (options.all ? id !== undefined : notice === undefined)
          throw usageFailure('Name a customer and a notice, or give --all.');
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
          `${counted(count, 'notice')} put into the stream again.`,
          ...countLine(resent.length - count - failed.length, 'left alone: sent already, or being sent'),
          ...countLine(failed.length, 'not put there'),
          ...countLine(unreadable.length, 'not readable'),
        ]);
        return failed.length + unreadable.length === 0 ? EXIT.ok : EXIT.refused;
      }),
    );

  notices
    .command('warn')
    .summary('warn those whose balance is low, now')
    .description(
      'Does what the schedule does every hour: writes the warnings that are due. Nobody is warned twice.',
    )
    .addHelpText('after', examples('rsolv-billing notices warn'))
    .action((_, command) =>
      runner.run(command, async ({ stage, out }) => {
        const result = await stage.functions.run(warnLowBalancesContract, {});
        out.answer(result, () => [
          `${counted(result.warned, 'warning')} written.`,
          ...(result.failed === 0
            ? []
            : [`${counted(result.failed, 'customer')} could not be warned; see the log.`]),
        ]);
        return result.failed === 0 ? EXIT.ok : EXIT.refused;
      }),
    );
}

const shownUnsent = (session: Session): AsyncGenerator<FoundNotice> =>
  shown(session, 'notices', unsentNotices(session.stage.deps.table, session.stage.deps.now()));

interface Resent {
  readonly customer_id: string;
  readonly notice: string;
  readonly requeued: boolean;
  /** Why it could not be put into the stream. */
  readonly failure: string | null;
}

async function resend({ stage }: Session, customer_id: string, notice: string, by: string): Promise<Resent> {
  const name = { customer_id, notice };
  const { requeued } = await stage.functions.call(resendNoticeContract, { ...name, actor: by });
  return { ...name, requeued, failure: null };
}

async function resendGivenUp(session: Session, by: string) {
  const at = session.stage.deps.now();
  const resent: Resent[] = [];
  const unreadable: UnreadableNotice[] = [];
  for await (const found of shownUnsent(session)) {
    if ('unreadable' in found) unreadable.push(found.unreadable);
    else if (isGivenUp(found.notice, at)) resent.push(await resendOrSay(session, found.notice, by));
  }
  return { resent, unreadable };
}

/** One that is refused does not keep the others from their turn; a stage that is gone does. */
async function resendOrSay(session: Session, stored: StoredNotice, by: string): Promise<Resent> {
  const { customer_id, notice } = noticeView(stored);
  try {
    return await resend(session, customer_id, notice, by);
  } catch (error) {
    const { exitCode, message } = toFailure(error);
    if (exitCode !== EXIT.refused) throw error;
    return { customer_id, notice, requeued: false, failure: message };
  }
}

/** The name of one is as long as a line, and is there to be copied: a table would break it. */
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

const countLine = (count: number, what: string): string[] =>
  count === 0 ? [] : [`${counted(count, 'notice')} ${what}.`];
