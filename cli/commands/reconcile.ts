import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { reconcileContract } from '../../lib/operators/reconcile-contract.ts';
import { reconciliationLines } from '../reports/reconciliation-text.ts';
import type { Runner, Session } from '../stage/session.ts';
import { runName } from '../terminal/arguments.ts';
import { showCount } from '../terminal/counter.ts';
import { EXIT } from '../terminal/failure.ts';
import { examples } from '../terminal/help.ts';

/** Well below the invocation timeout, and short enough to show progress. */
const BUDGET_SECONDS = 20;

export function addReconcile(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('reconcile')
    .summary('compare the ledgers with Stripe')
    .description(
      'Applies missed events, checks the invariants of every customer, and compares all money at Stripe ' +
        'with the ledgers in both directions. Repairs nothing except missed events. To resume an ' +
        'interrupted run, use its name again; for a finished run this prints its report again. Exit code 1 ' +
        'if there is drift.',
    )
    .option('--run <name>', 'name of the run, up to 64 letters, digits and _.-; default: a new run', runName)
    .option(
      '--now',
      'include the last 10 minutes, which Stripe may still be delivering; always on for the local stage',
    )
    .addHelpText(
      'after',
      examples('rsolv-billing reconcile', 'rsolv-billing reconcile --run after-fix --now --stage production'),
    )
    .action((options, command) =>
      runner.run(command, async (session) => {
        const run = options.run ?? `manual-${session.stage.deps.now().toISOString().replaceAll(':', '-')}`;
        session.out.note(`Run ${run}. To resume it: reconcile --run ${run}`);
        // A local stack has no other traffic, and the clock of its Stripe double may be days ahead.
        const upToNow = options.now ?? session.stage.name === 'local';
        const { report } = await runToCompletion(session, run, upToNow);
        session.out.answer({ run, report }, () => reconciliationLines(report, session.out.width));
        return report.drift.count > 0 ? EXIT.refused : EXIT.ok;
      }),
    );
}

/** Invokes the function until the run is finished. */
async function runToCompletion({ stage, out, signal }: Session, run: string, upToNow: boolean) {
  const progress = showCount(out.stderr, 'customers checked', null);
  const input = { run, budget_seconds: BUDGET_SECONDS, up_to_now: upToNow };
  let displayed = 0;
  try {
    for (;;) {
      const answer = await stage.functions.run(reconcileContract, input);
      progress.add(answer.report.customers.checked - displayed);
      displayed = answer.report.customers.checked;
      if (answer.done) return answer;
      signal.throwIfAborted();
    }
  } finally {
    progress.end();
  }
}
