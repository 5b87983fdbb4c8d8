import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { reconcileContract } from '../../lib/operators/reconcile-contract.ts';
import { reconciliationLines } from '../reports/reconciliation-text.ts';
import type { Runner, Session } from '../stage/session.ts';
import { runName } from '../terminal/arguments.ts';
import { showCount } from '../terminal/counter.ts';
import { EXIT } from '../terminal/failure.ts';
import { examples } from '../terminal/help.ts';

/** Well below what one invocation is waited for, and often enough to show how far it is. */
const BUDGET_SECONDS = 20;

export function addReconcile(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('reconcile')
    .summary('hold the ledgers against Stripe')
    .description(
      'Applies events that never came, checks the invariants of every customer, and holds all money at Stripe against ' +
        'the ledgers and back. Events apart it repairs nothing. A run that is interrupted goes on where it stopped when ' +
        'its name is given again; one that is finished is shown again. Exit code 1 when there is drift.',
    )
    .option('--run <name>', 'the run, up to 64 letters, digits and _.-; else a new one', runName)
    .option(
      '--now',
      "look at the last 10 minutes too, as always on this machine; else they are left to Stripe's own delivery",
    )
    .addHelpText(
      'after',
      examples('rsolv-billing reconcile', 'rsolv-billing reconcile --run after-fix --now --stage production'),
    )
    .action((options, command) =>
      runner.run(command, async (session) => {
        const run = options.run ?? `manual-${session.stage.deps.now().toISOString().replaceAll(':', '-')}`;
        session.out.note(`Run ${run}; if it is interrupted: reconcile --run ${run}`);
        // Nobody else is at work here, and Stripe's clock may be days ahead of ours.
        const upToNow = options.now ?? session.stage.name === 'local';
        const { report } = await toItsEnd(session, run, upToNow);
        session.out.answer({ run, report }, () => reconciliationLines(report, session.out.width));
        return report.drift.count > 0 ? EXIT.refused : EXIT.ok;
      }),
    );
}

/** Goes on, an invocation at a time, until the run is finished. */
async function toItsEnd({ stage, out, signal }: Session, run: string, upToNow: boolean) {
  const progress = showCount(out.stderr, 'customers checked', null);
  const asked = { run, budget_seconds: BUDGET_SECONDS, up_to_now: upToNow };
  let shown = 0;
  try {
    for (;;) {
      const answer = await stage.functions.run(reconcileContract, asked);
      progress.add(answer.report.customers.checked - shown);
      shown = answer.report.customers.checked;
      if (answer.done) return answer;
      signal.throwIfAborted();
    }
  } finally {
    progress.end();
  }
}
