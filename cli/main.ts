import { CommanderError } from '@commander-js/extra-typings';
import { errorCode, reasonOf } from '../lib/settings/setup-error.ts';
import { buildProgram } from './program.ts';
import { Runner } from './stage/session.ts';
import { EXIT, Failure, toFailure } from './terminal/failure.ts';
import { watchSignals } from './terminal/interrupt.ts';
import { Output } from './terminal/output.ts';

/** A reader that has seen enough (`… | head`), or a terminal that was closed, which is no fault. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO']);

const { stdin, stdout, stderr, env } = process;
const runner = new Runner({ stdin, stdout, stderr, env, interrupt: watchSignals() });
const args = process.argv.slice(2);
let hasEnded = false;
let unwritten: Error | undefined;

// Whoever reads or not, a command comes to its own end, with its own exit code: smoke has a customer to remove.
stdout.on('error', (error) => {
  if (!READER_GONE.has(errorCode(error))) unwritten ??= error;
  tellUnwritten();
});
stderr.on('error', () => {});

try {
  await buildProgram(runner).parseAsync(args, { from: 'user' });
} catch (error) {
  if (!isHelp(error)) runner.fail(toFailure(error), new Output(process, args.includes('--json')));
}
hasEnded = true;
process.exitCode = runner.exitCode;
tellUnwritten();
// Work that was interrupted may not know of it, and would go on; what was written before is still to arrive.
if (runner.exitCode === EXIT.interrupted) stdout.write('', () => process.exit());

/** An answer that did not arrive is no success. It may turn out only after the end. */
function tellUnwritten(): void {
  if (!hasEnded || unwritten === undefined || runner.exitCode !== EXIT.ok) return;
  const detail = `stdout cannot be written: ${reasonOf(unwritten)}`;
  runner.fail(new Failure('output_failed', detail, EXIT.refused), new Output(process, false));
  process.exitCode = runner.exitCode;
}

/** Help that was asked for has been shown. Without a command there is help too, but that is not right. */
function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === EXIT.ok;
}
