import { CommanderError } from '@commander-js/extra-typings';
import { buildProgram } from './program.ts';
import { Runner, type Shell } from './stage/session.ts';
import { EXIT, toFailure } from './terminal/failure.ts';
import { Output } from './terminal/output.ts';

/** Runs one command line in this shell; the exit code is the runner's. Never throws. */
export async function runCommandLine(args: readonly string[], shell: Shell): Promise<Runner> {
  const runner = new Runner(shell);
  try {
    await buildProgram(runner, shell).parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!isInformation(error)) runner.fail(toFailure(error), new Output(shell, args.includes('--json')));
  }
  return runner;
}

/** Help and version that were asked for have been shown. Without a command there is help too, but that is not right. */
const isInformation = (error: unknown): boolean =>
  error instanceof CommanderError && error.exitCode === EXIT.ok;
