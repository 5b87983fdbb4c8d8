import { errorCode, reasonOf } from '../lib/settings/setup-error.ts';
import { runCommandLine } from './command-line.ts';
import { openStage } from './stage/open-stage.ts';
import { EXIT, Failure } from './terminal/failure.ts';
import { watchSignals } from './terminal/interrupt.ts';
import { Output } from './terminal/output.ts';

/* The process around a command line: its streams, its signals and its exit code. */

/** The reader closed the pipe (`… | head`), or the terminal was closed. Not an error. */
const READER_CLOSED: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO']);

const { stdin, stdout, stderr, env } = process;
let outputError: Error | undefined;
let reportOutputError = () => {};

// A closed reader does not stop a command, because it may have work to finish: smoke must remove its
// customer.
stdout.on('error', (error) => {
  if (!READER_CLOSED.has(errorCode(error))) outputError ??= error;
  reportOutputError();
});
stderr.on('error', () => {});

const shell = { stdin, stdout, stderr, env, interrupt: watchSignals(), openStage };
const runner = await runCommandLine(process.argv.slice(2), shell);
process.exitCode = runner.exitCode;

// If the answer could not be written, the command fails. The write error may arrive after the command ended.
reportOutputError = () => {
  if (outputError === undefined || runner.exitCode !== EXIT.ok) return;
  const detail = `stdout cannot be written: ${reasonOf(outputError)}`;
  runner.fail(new Failure('output_failed', detail, EXIT.refused), new Output(process, false));
  process.exitCode = runner.exitCode;
};
reportOutputError();
// An interrupted command may still be running. Exit once stdout is flushed.
if (runner.exitCode === EXIT.interrupted) stdout.write('', () => process.exit());
