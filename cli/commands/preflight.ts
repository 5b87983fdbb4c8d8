import { type CommandUnknownOpts, InvalidArgumentError } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import { examine, verdictOf } from '../doctor/check.ts';
import { readDefinition } from '../doctor/definition.ts';
import { reportLines, type Verdicts } from '../doctor/report.ts';
import { openSite } from '../doctor/site.ts';
import { openAccount } from '../preflight/account.ts';
import { PREFLIGHT } from '../preflight/checks.ts';
import type { Runner } from '../stage/session.ts';
import { STAGES } from '../stage/stage.ts';
import { showCount } from '../terminal/counter.ts';
import { usageFailure } from '../terminal/failure.ts';
import { examples } from '../terminal/help.ts';
import { assertSignedIn, EXIT_CODES } from './doctor.ts';

const Globals = z.object({ stage: z.enum(STAGES) });

/** Enough for the rights, which are asked for one service after the other. */
const CHECK_WITHIN_MS = 60_000;

const VERDICTS: Verdicts = {
  fit: 'can be deployed',
  not_fit: 'cannot be deployed',
  not_checked: 'could not be checked completely',
};

export function addPreflight(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('preflight')
    .summary('check an account before a deploy')
    .description(
      'Checks, before anything is created, what would make a deploy fail half-way: your rights, the ' +
        "account's concurrency, what an earlier stack left, parameters, certificate, mail and the vault " +
        'of the copies. For each, prints ok or what to do. Changes nothing. A deploy runs it first and ' +
        'stops if something is wrong. Exit code 1 if something is wrong, 3 if nothing is wrong but ' +
        'something could not be checked.',
    )
    .option('--param <name=value>', 'a setting of this deploy, as for serverless', settingOf, {})
    .addHelpText(
      'after',
      examples(
        'rsolv-billing preflight --stage staging',
        'rsolv-billing preflight --stage production --json',
        'rsolv-billing preflight --stage production --param copyRegion=eu-west-1',
      ),
    )
    .action(({ param }, command) => {
      if (Globals.parse(command.optsWithGlobals()).stage === 'local') {
        throw usageFailure('A local stack needs no preflight. Name the stage to deploy with --stage.');
      }
      return runner.run(command, async ({ stage, out, env }) => {
        const { name } = stage;
        await assertSignedIn(stage);
        const site = openSite({
          definition: readDefinition(name, param),
          dynamodb: stage.deps.table.client,
          local: null,
          stripeApiBase: env['STRIPE_API_BASE'],
          now: stage.deps.now,
        });
        const stages = STAGES.filter((one) => one !== 'local').map((one) => readDefinition(one));
        const progress = showCount(out.stderr, 'checks', PREFLIGHT.length);
        const results = await examine(PREFLIGHT, openAccount(site, stages), {
          timeoutMs: CHECK_WITHIN_MS,
          command: 'preflight',
          onDone: () => progress.add(1),
        }).finally(progress.end);
        const verdict = verdictOf(results);
        out.answer({ verdict, checks: results }, () => reportLines(results, [], name, out.width, VERDICTS));
        return EXIT_CODES[verdict];
      });
    });
}

/** Adds one `name=value` to those before it. @throws InvalidArgumentError */
function settingOf(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, name, value] = /^(\w+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('It must be a name and a value, like copyRegion=eu-west-1.');
  }
  return { ...before, [name]: value };
}
