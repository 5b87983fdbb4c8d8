import { CommanderError } from '@commander-js/extra-typings';
import { EXIT, toFailure } from './failure.ts';
import { watchSignals } from './interrupt.ts';
import { Output } from './output.ts';
import { buildProgram } from './program.ts';
import { Runner } from './session.ts';

// A reader that has seen enough (`… | head`) is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? EXIT.ok);
  });
}

const { stdin, stdout, stderr, env } = process;
const runner = new Runner({ stdin, stdout, stderr, env, interrupt: watchSignals() });
const args = process.argv.slice(2);
try {
  await buildProgram(runner).parseAsync(args, { from: 'user' });
} catch (error) {
  if (!isHelp(error)) runner.fail(toFailure(error), new Output(process, args.includes('--json')));
}
process.exitCode = runner.exitCode;
// Work that was interrupted may not know of it, and would go on; what was written before is still to arrive.
if (runner.exitCode === EXIT.interrupted) stdout.write('', () => process.exit());

/** Help that was asked for has been shown. Without a command there is help too, but that is not right. */
function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === EXIT.ok;
}
