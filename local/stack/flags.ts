import { type ParseArgsConfig, type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { errorCode, SetupError } from '../../lib/settings/setup-error.ts';

/** A command line that cannot be understood: one line, exit code 2. */
export class UsageError extends SetupError {}

export const EXIT_USAGE = 2;

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<ParseArgsConfig & { options: Options; strict: true; allowPositionals: false }>
>['values'];

/**
 * The flags of a program. `command` is how people write it.
 * @throws UsageError in one line that names --help
 */
export function readFlags<const Options extends ParseArgsOptionsConfig>(
  command: string,
  options: Options,
  args: readonly string[],
): Values<Options> {
  try {
    return parseArgs({ options, args: [...args], strict: true, allowPositionals: false }).values;
  } catch (error) {
    if (!(error instanceof Error) || !errorCode(error)?.startsWith('ERR_PARSE_ARGS_')) throw error;
    // The first sentence names the argument. What follows is advice about positional arguments, which there are none of.
    const [what = ''] = error.message.split('. ');
    throw new UsageError(`${what.replace(/\.$/, '')}. ${command} --help lists the flags.`);
  }
}
