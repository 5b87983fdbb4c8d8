import { type ParseArgsConfig, parseArgs } from 'node:util';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

const OK = 0;
const FAILED = 1;
const BAD_USAGE = 2;

/** An invalid value of an option. Ends the program like an unknown option: one line, exit code 2. */
export class UsageError extends Error {}

/**
 * Parses the options of a check program. `--help` prints `usage` and exits with 0. An unknown option prints
 * one line and exits with 2.
 */
export function optionsOf<const O extends Options>(usage: string, options: O): Values<O> {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    console.log(usage);
    process.exit(OK);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    if (!errorCode(error)?.startsWith('ERR_PARSE_ARGS')) throw error;
    return refuse(reasonOf(error));
  }
}

/** Runs the check and sets the exit code: 0 if it passes, 1 if it fails or the machine lacks something. */
export async function runCheck(holds: () => boolean | Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await holds()) ? OK : FAILED;
  } catch (error) {
    if (error instanceof UsageError) refuse(error.message);
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    for (const line of error.output) console.error(`  ${line}`);
    process.exitCode = FAILED;
  }
}

/** @throws UsageError unless the text is a whole number from 1 */
export function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--${option} must be a whole number from 1, not "${text}".`);
}

function refuse(reason: string): never {
  const [first = ''] = reason.split(/\.(?= )|\n/);
  console.error(`${first.replace(/\.$/, '')}. See --help.`);
  process.exit(BAD_USAGE);
}
