import { type ParseArgsConfig, type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { errorCode, SetupError } from '../../lib/settings/setup-error.ts';

/** An invalid command line: reported in one line, with exit code 2. */
export class UsageError extends SetupError {}

export const EXIT_USAGE = 2;

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<ParseArgsConfig & { options: Options; strict: true; allowPositionals: false }>
>['values'];

/**
 * Parses the flags of a program. `command` is the command as a user types it.
 * @throws UsageError in one line that points to --help
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
    // The first sentence names the argument. The rest is about positional arguments, which do not apply here.
    const [fault = ''] = error.message.split('. ');
    throw new UsageError(`${fault.replace(/\.$/, '')}. ${command} --help lists the flags.`);
  }
}
