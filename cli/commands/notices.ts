import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Deps } from '../../lib/deps.ts';
import { isGivenUp } from '../../lib/domain/notice.ts';
import { resendNoticeContract, warnLowBalancesContract } from '../../lib/operators/contracts.ts';
import type { StoredNotice, UnreadableNotice } from '../../lib/store/notice-items.ts';
import { listUnsentNotices } from '../../lib/store/notices.ts';
import { actor, customerId, noticeName, ownName } from '../arguments.ts';
import { counted } from '../counter.ts';
import { EXIT, usageFailure } from '../failure.ts';
import { shortTime } from '../format.ts';
import { examples } from '../help.ts';
import type { Runner } from '../session.ts';
import { textLines } from '../table.ts';
import { noticeView, unreadableNoticeView } from '../views.ts';

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
      'Lists the notices that were not sent, the oldest first, at most 100, with why. One that was just caused is among ' +
        'them until the stream has brought it.',
    )
    .addHelpText('after', examples('rsolv-billing notices list --stage production'))
    .action((_, command) =>
      runner.run(command, async ({ stage, out }) => {
        const { notices: unsent, unreadable } = await unsentNotices(stage.deps);
        const answer = {
          notices: unsent.map(noticeView),
          unreadable: unreadable.map(unreadableNoticeView),
        };
        out.answer(answer, () =>
          unsent.length + unreadable.length === 0
            ? ['Every notice is sent.']
            : [...unsentLines(unsent, out.width), ...unreadableLines(unreadable, out.width)],
        );
        return undefined;
      }),
    );

  notices
    .command('resend')
    .summary('send again what could not be sent')
    .description('Puts notices that were not sent into the stream again. What was sent is not sent again.')
    .argument('[customer id]', 'whose notice', customerId)
    .argument('[notice]', 'as the list shows it: kind#id', noticeName)
    .option('--all', 'all that were given up, at most 100')
    .option('--actor <name>', 'who does it', actor, ownName())
    .addHelpText(
      'after',
      examples('rsolv-billing notices resend 5be0…c1 dispute#du_1Q…', 'rsolv-billing notices resend --all'),
    )
    .action((id, notice, options, command) =>
      runner.run(command, async ({ stage, out }) => {
        // Whoever names a customer does not mean everybody's.
        if (options.all ? id !== undefined : notice === undefined)
          throw usageFailure('Name a customer and a notice, or give --all.');
        const { wanted, unreadable } =
          id !== undefined && notice !== undefined
            ? { wanted: [{ customer_id: id, notice }], unreadable: [] }
            : await givenUp(stage.deps);
        const requeued: { customer_id: string; notice: string; requeued: boolean }[] = [];
        for (const one of wanted) {
          const answer = await stage.functions.call(resendNoticeContract, { ...one, actor: options.actor });
          requeued.push({ ...one, ...answer });
        }
        const count = requeued.filter((one) => one.requeued).length;
        const left = requeued.length - count;
        const answer = { notices: requeued, unreadable: unreadable.map(unreadableNoticeView) };
        out.answer(answer, () => [
          ...unreadableLines(unreadable, out.width),
          `${counted(count, 'notice')} put into the stream again.`,
          ...(left === 0 ? [] : [`${counted(left, 'notice')} left alone: sent already, or being sent.`]),
        ]);
        return unreadable.length === 0 ? EXIT.ok : EXIT.refused;
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

async function unsentNotices({ table, now }: Deps) {
  const found = await listUnsentNotices(table, now());
  return {
    notices: found.flatMap((one) => ('notice' in one ? [one.notice] : [])),
    unreadable: found.flatMap((one) => ('unreadable' in one ? [one.unreadable] : [])),
  };
}

async function givenUp(deps: Deps) {
  const at = deps.now();
  const { notices, unreadable } = await unsentNotices(deps);
  const wanted = notices
    .filter((notice) => isGivenUp(notice, at))
    .map(noticeView)
    .map(({ customer_id, notice }) => ({ customer_id, notice }));
  return { wanted, unreadable };
}

/** The name of one is as long as a line, and is there to be copied: a table would break it. */
const unsentLines = (unsent: readonly StoredNotice[], width: number): string[] =>
  unsent
    .map(noticeView)
    .flatMap(({ customer_id, notice, created_at, attempts, failure, state }) => [
      `customer ${customer_id}, caused ${shortTime(created_at)} UTC`,
      `  ${notice}`,
      ...textLines(`${counted(attempts, 'try', 'tries')}: ${failure ?? state}`, width, '  '),
    ]);

const unreadableLines = (unreadable: readonly UnreadableNotice[], width: number): string[] =>
  unreadable.flatMap(({ customerId, label, attributes }) => [
    `customer ${customerId}`,
    `  ${label}`,
    ...textLines(`not readable: ${attributes.join(', ')}`, width, '  '),
  ]);
