import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { ACCOUNT_SETTINGS } from '../doctor/account-settings.ts';
import { type Verdict, verdictOf } from '../doctor/check.ts';
import { CHECKLIST, diagnose } from '../doctor/checklist.ts';
import { readDefinition } from '../doctor/definition.ts';
import { reportLines } from '../doctor/report.ts';
import { openSite } from '../doctor/site.ts';
import { LOCAL_STAGE } from '../stage/serverless-file.ts';
import type { Runner } from '../stage/session.ts';
import type { Stage } from '../stage/stage.ts';
import { showCount } from '../terminal/counter.ts';
import { EXIT, type ExitCode } from '../terminal/failure.ts';
import { examples } from '../terminal/help.ts';

export const EXIT_CODES: Readonly<Record<Verdict, ExitCode>> = {
  fit: EXIT.ok,
  not_fit: EXIT.refused,
  not_checked: EXIT.unreachable,
};

/** For programs. Null if not known. */
const IS_FIT: Readonly<Record<Verdict, boolean | null>> = { fit: true, not_fit: false, not_checked: null };

export function addDoctor(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('doctor')
    .summary('check a stage against the production checklist')
    .description(
      'Checks the table, stack, alarms, schedules, secrets, Stripe, webhooks and mail of a stage. For ' +
        'each, prints ok or what to do. The expected state comes from this checkout, so use the deployed ' +
        'release. Changes nothing. Exit code 1 if something is wrong, 3 if nothing is wrong but something ' +
        'could not be checked.',
    )
    .addHelpText(
      'after',
      examples(
        'rsolv-billing doctor',
        'rsolv-billing doctor --stage production',
        'rsolv-billing doctor --json',
      ),
    )
    .action((_, command) =>
      runner.run(command, async ({ stage, out, env }) => {
        await assertSignedIn(stage);
        const site = openSite({
          definition: readDefinition(stage.local === null ? stage.name : LOCAL_STAGE),
          dynamodb: stage.deps.table.client,
          local: stage.local,
          stripeApiBase: env['STRIPE_API_BASE'],
          now: stage.deps.now,
        });
        const progress = showCount(out.stderr, 'checks', CHECKLIST.length);
        const results = await diagnose(site, () => progress.add(1)).finally(progress.end);
        const verdict = verdictOf(results);
        // A local stack uses a stand-in for Stripe, which has no account settings.
        const settings = stage.local === null ? ACCOUNT_SETTINGS : [];
        out.answer({ fit: IS_FIT[verdict], verdict, checks: results, account_settings: settings }, () =>
          reportLines(results, settings, stage.name, out.width),
        );
        return EXIT_CODES[verdict];
      }),
    );
}

/**
 * Fails early if the region or the credentials are missing. Otherwise every check would report the same.
 * @throws the SDK's own errors
 */
export async function assertSignedIn({ local, deps }: Stage): Promise<void> {
  if (local !== null) return;
  const { region, credentials } = deps.table.client.config;
  await region();
  await credentials();
}
