import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { isFit } from '../doctor/check.ts';
import { readDefinition } from '../doctor/definition.ts';
import { CHECKS, diagnose } from '../doctor/doctor.ts';
import { reportLines } from '../doctor/report.ts';
import { type LocalSite, openSite } from '../doctor/site.ts';
import { readSettings } from '../stage/local-settings.ts';
import { runningStack } from '../stage/running.ts';
import { LOCAL_STAGE } from '../stage/serverless-file.ts';
import type { Runner } from '../stage/session.ts';
import { showCount } from '../terminal/counter.ts';
import { EXIT } from '../terminal/failure.ts';
import { examples } from '../terminal/help.ts';

export function addDoctor(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('doctor')
    .summary('check a stage against the production checklist')
    .description(
      'Looks at the table, the deployed stack, alarms, schedules, secrets, Stripe, webhooks and mail of a stage, and ' +
        'says of each whether it is as it should be, or what to do. What should be there is read in this checkout, so ' +
        'use the release that is deployed. Changes nothing. Exit code 1 when something is wrong, or could not be looked at.',
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
      runner.run(command, async ({ stage: { name, deps }, out }) => {
        const site = openSite({
          definition: readDefinition(name === 'local' ? LOCAL_STAGE : name),
          dynamodb: deps.table.client,
          local: name === 'local' ? localSite() : null,
          stripeApiBase: process.env['STRIPE_API_BASE'],
        });
        const progress = showCount(out.stderr, 'checks', CHECKS);
        const results = await diagnose(site, () => progress.add(1)).finally(progress.end);
        const fit = isFit(results);
        out.answer({ stage: name, fit, checks: results }, () =>
          reportLines(results, name, { width: out.width, stream: out.stdout }),
        );
        return fit ? EXIT.ok : EXIT.refused;
      }),
    );
}

/** The stack on PORT; its webhooks and its API are on the address that the API listens on. */
function localSite(): LocalSite {
  const { port } = readSettings({ PORT: process.env['PORT'] });
  return { url: `http://127.0.0.1:${port}`, stripe: runningStack(port).stripe };
}
