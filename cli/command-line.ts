import { CommanderError } from '@commander-js/extra-typings';
import { buildProgram } from './program.ts';
import { Runner, type Shell } from './stage/session.ts';
import { EXIT, toFailure } from './terminal/failure.ts';
import { Output } from './terminal/output.ts';

/** Runs one command line in this shell. The returned runner holds the exit code. Never throws. */
export async function runCommandLine(args: readonly string[], shell: Shell): Promise<Runner> {
  const runner = new Runner(shell);
  try {
    await buildProgram(runner, shell).parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!isHelpOrVersion(error)) runner.fail(toFailure(error), new Output(shell, args.includes('--json')));
  }
  return runner;
}

/**
 * Commander throws after it prints the help or version that the user requested. It also prints help when the
 * command is missing, but then the exit code is not 0.
 */
const isHelpOrVersion = (error: unknown): boolean =>
  error instanceof CommanderError && error.exitCode === EXIT.ok;
