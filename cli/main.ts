import { errorCode, reasonOf } from '../lib/settings/setup-error.ts';
import { runCommandLine } from './command-line.ts';
import { openStage } from './stage/open-stage.ts';
import { EXIT, Failure } from './terminal/failure.ts';
import { watchSignals } from './terminal/interrupt.ts';
import { Output } from './terminal/output.ts';

/* The process around a command line: its streams, its signals and its exit code. */

/** A reader that has seen enough (`… | head`), or a terminal that was closed: no fault. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO']);

const { stdin, stdout, stderr, env } = process;
let unwritten: Error | undefined;
let reportUnwritten = () => {};

// A command runs to its own end, with its own exit code, whether it is read or not: smoke has a customer to remove.
stdout.on('error', (error) => {
  if (!READER_GONE.has(errorCode(error))) unwritten ??= error;
  reportUnwritten();
});
stderr.on('error', () => {});

const shell = { stdin, stdout, stderr, env, interrupt: watchSignals(), openStage };
const runner = await runCommandLine(process.argv.slice(2), shell);
process.exitCode = runner.exitCode;

// An answer that did not arrive is no success. That may turn out only after the end.
reportUnwritten = () => {
  if (unwritten === undefined || runner.exitCode !== EXIT.ok) return;
  const detail = `stdout cannot be written: ${reasonOf(unwritten)}`;
  runner.fail(new Failure('output_failed', detail, EXIT.refused), new Output(process, false));
  process.exitCode = runner.exitCode;
};
reportUnwritten();
// Interrupted work may not know that it was, and would go on. What was written before has to arrive first.
if (runner.exitCode === EXIT.interrupted) stdout.write('', () => process.exit());
