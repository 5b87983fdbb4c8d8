import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import { testCustomerEmail } from '../../lib/domain/test-customer.ts';
import { removeTestCustomerContract } from '../../lib/operators/contracts.ts';
import type { Traveller } from '../smoke/journey.ts';
import { stepLines } from '../smoke/report.ts';
import { runSmoke, type StepResult } from '../smoke/smoke.ts';
import { findTarget, type SmokeTarget } from '../smoke/target.ts';
import { ApiClient } from '../stage/api-client.ts';
import { readSettings } from '../stage/local-settings.ts';
import type { Runner, Session } from '../stage/session.ts';
import { STAGES, type Stage, type StageName } from '../stage/stage.ts';
import { actor, ownName } from '../terminal/arguments.ts';
import { EXIT, type ExitCode } from '../terminal/failure.ts';
import { examples } from '../terminal/help.ts';
import { type Progress, showProgress } from '../terminal/progress.ts';

const RANDOM_BYTES = 8;
const Globals = z.object({ stage: z.enum(STAGES) });

export function addSmoke(program: CommandUnknownOpts, runner: Runner): void {
  program
    .command('smoke')
    .summary('go the journey of a customer on a test stage')
    .description(
      'Signs a customer up, adds a test card, bills a fix, subscribes to Pro and cancels; looks at the balance after ' +
        'each step (5, 10, 9, 69) and at the statement; and removes the customer here and at Stripe, also when a step ' +
        'fails or you press Ctrl-C. Refuses a live stage. Exit code 1 when a step did not hold, or something stays behind.',
    )
    .requiredOption('--url <url>', 'where the API of the stage is')
    .option('--actor <name>', 'who does it', actor, ownName())
    .addHelpText(
      'after',
      examples(
        'rsolv-billing smoke --url http://localhost:4000',
        'rsolv-billing smoke --url https://….execute-api.us-east-1.amazonaws.com',
        '                               the stage is the one that answers there',
      ),
    )
    .action(async (options, command) => {
      const target = await findTarget({
        url: options.url,
        stage: givenStage(command),
        localPort: readSettings({ PORT: runner.env['PORT'] }).port,
      });
      const onTarget = { optsWithGlobals: () => ({ ...command.optsWithGlobals(), stage: target.name }) };
      await runner.run(onTarget, (session) => smoke(session, target, options.actor), { endsInOrder: true });
    });
}

/** Null where it is only the default. */
function givenStage(command: CommandUnknownOpts): StageName | null {
  if (command.getOptionValueSourceWithGlobals('stage') === 'default') return null;
  return Globals.parse(command.optsWithGlobals()).stage;
}

async function smoke({ stage, out, signal }: Session, target: SmokeTarget, by: string): Promise<ExitCode> {
  const email = testCustomerEmail(stage.deps.randomBytes(RANDOM_BYTES));
  const remove = (awaitEvents: boolean) =>
    stage.functions.call(removeTestCustomerContract, { email, actor: by, await_events: awaitEvents });
  // Whoever may not clean up must not begin.
  await remove(true);

  const traveller: Traveller = {
    api: new ApiClient(target.url),
    email,
    sleep: stage.deps.sleep,
    entries: [],
    signUpUnanswered: false,
    signedUp: false,
  };
  let progress: Progress | null = null;
  const byHand = removalByHand(stage, target, email, by);
  signal.addEventListener('abort', () => {
    progress?.end();
    progress = null;
    out.note(`Interrupted: what was made is removed first. Ctrl-C again leaves it there; then by hand:`);
    out.noteCommand(byHand);
  });
  const results = await runSmoke(traveller, remove, {
    signal,
    byHand,
    onBegin: (title) => {
      if (out.stderr.isTTY) progress ??= showProgress(out.stderr);
      progress?.step(title);
    },
    onResult: (result) => {
      progress?.end();
      progress = null;
      if (!out.json) out.print(stepLines(result, out.width));
    },
  });
  const held = results.every(({ state }) => state === 'ok');
  const code = exitCode(results, signal);
  out.answer({ url: target.url, stage: target.stage, email, ok: held, steps: results }, () => [
    VERDICTS[held ? EXIT.ok : code](target.stage),
  ]);
  return code;
}

type Verdict = typeof EXIT.ok | typeof EXIT.refused | typeof EXIT.interrupted;
const VERDICTS: Readonly<Record<Verdict, (stage: string) => string>> = {
  [EXIT.ok]: (stage) => `${stage} holds.`,
  [EXIT.refused]: (stage) => `${stage} does not hold.`,
  [EXIT.interrupted]: (stage) => `Interrupted: ${stage} was not tried to the end.`,
};

/** Interrupted, where that is all that is wrong. */
function exitCode(results: readonly StepResult[], signal: AbortSignal): Verdict {
  if (results.some(({ state }) => state === 'wrong')) return EXIT.refused;
  return signal.aborted ? EXIT.interrupted : EXIT.ok;
}

function removalByHand({ local }: Stage, target: SmokeTarget, email: string, by: string): string {
  const functionName = `rsolv-billing-${target.stage}-${removeTestCustomerContract.name}`;
  const input = `'${quoted(JSON.stringify({ email, actor: by }))}'`;
  if (local !== null) {
    // AWS knows a stage of the same name, which is not this one.
    return `curl -d ${input} ${local.lambdaEndpoint}/2015-03-31/functions/${functionName}/invocations`;
  }
  return `aws lambda invoke --function-name ${functionName} --cli-binary-format raw-in-base64-out --payload ${input} /dev/stdout`;
}

/** For a shell, between single quotes. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''");
