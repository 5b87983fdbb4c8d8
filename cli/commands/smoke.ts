import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import { testCustomerEmail } from '../../lib/domain/test-customer.ts';
import { removeTestCustomerContract } from '../../lib/operators/contracts.ts';
import type { SmokeCustomer } from '../smoke/journey.ts';
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
    .summary("run a customer's journey on a test stage")
    .description(
      'Signs up a customer, adds a test card, bills a fix, subscribes to Pro and cancels. Checks the ' +
        'balance after each step (5, 10, 9, 69) and the statement. Always removes the customer here and at ' +
        'Stripe, also if a step fails or you press Ctrl-C. Refuses a live stage. Exit code 1 if a step ' +
        'fails or the customer is not fully removed.',
    )
    .requiredOption('--url <url>', "address of the stage's API")
    .option('--actor <name>', 'your name', actor, ownName())
    .addHelpText(
      'after',
      examples(
        'rsolv-billing smoke --url http://localhost:4000',
        'rsolv-billing smoke --url https://….execute-api.us-east-1.amazonaws.com',
        '                               the address decides the stage',
      ),
    )
    .action(async (options, command) => {
      const target = await findTarget({
        url: options.url,
        stage: stageOption(command),
        localPort: readSettings({ PORT: runner.env['PORT'] }).port,
      });
      const onTarget = { optsWithGlobals: () => ({ ...command.optsWithGlobals(), stage: target.name }) };
      await runner.run(onTarget, (session) => smoke(session, target, options.actor), {
        handlesInterrupt: true,
      });
    });
}

/** The stage that the user named. Null if --stage has only its default. */
function stageOption(command: CommandUnknownOpts): StageName | null {
  if (command.getOptionValueSourceWithGlobals('stage') === 'default') return null;
  return Globals.parse(command.optsWithGlobals()).stage;
}

async function smoke({ stage, out, signal }: Session, target: SmokeTarget, actor: string): Promise<ExitCode> {
  const email = testCustomerEmail(stage.deps.randomBytes(RANDOM_BYTES));
  const remove = (awaitEvents: boolean) =>
    stage.functions.call(removeTestCustomerContract, { email, actor, await_events: awaitEvents });
  // Fails before anything is created if the operator has no right to clean up.
  await remove(true);

  const customer: SmokeCustomer = {
    api: new ApiClient(target.url),
    email,
    sleep: stage.deps.sleep,
    entries: [],
    signUpUnanswered: false,
    signedUp: false,
  };
  let progress: Progress | null = null;
  const manualRemoval = removalCommand(stage, target, email, actor);
  signal.addEventListener('abort', () => {
    progress?.end();
    progress = null;
    out.note('Interrupted: removing the customer. Ctrl-C again skips that; then remove the customer with:');
    out.noteCommand(manualRemoval);
  });
  const results = await runSmoke(customer, remove, {
    signal,
    manualRemoval,
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
  const passed = results.every(({ state }) => state === 'ok');
  const code = exitCode(results, signal);
  out.answer({ url: target.url, stage: target.stage, email, ok: passed, steps: results }, () => [
    VERDICTS[passed ? EXIT.ok : code](target.stage),
  ]);
  return code;
}

type Verdict = typeof EXIT.ok | typeof EXIT.refused | typeof EXIT.interrupted;
const VERDICTS: Readonly<Record<Verdict, (stage: string) => string>> = {
  [EXIT.ok]: (stage) => `${stage} passed.`,
  [EXIT.refused]: (stage) => `${stage} failed.`,
  [EXIT.interrupted]: (stage) => `Interrupted: not every step ran on ${stage}.`,
};

/** A failed step takes precedence over an interruption. */
function exitCode(results: readonly StepResult[], signal: AbortSignal): Verdict {
  if (results.some(({ state }) => state === 'wrong')) return EXIT.refused;
  return signal.aborted ? EXIT.interrupted : EXIT.ok;
}

/** The command that removes the customer without this program. */
function removalCommand({ local }: Stage, target: SmokeTarget, email: string, actor: string): string {
  const functionName = `rsolv-billing-${target.stage}-${removeTestCustomerContract.name}`;
  const input = `'${escapeQuotes(JSON.stringify({ email, actor }))}'`;
  if (local !== null) {
    // The aws command would reach the deployed stage of the same name instead.
    return `curl -d ${input} ${local.lambdaEndpoint}/2015-03-31/functions/${functionName}/invocations`;
  }
  return (
    `aws lambda invoke --function-name ${functionName} --cli-binary-format raw-in-base64-out ` +
    `--payload ${input} /dev/stdout`
  );
}

/** For text between single quotes in a shell. */
const escapeQuotes = (text: string): string => text.replaceAll("'", "'\\''");
