import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { useLocalAws } from '../../cli/stage/local-aws.ts';
import { showProgress } from '../../cli/terminal/progress.ts';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { isLoopback } from '../../lib/settings/stripe-environment.ts';
import { hasHeld, page } from './report.ts';
import { type LoadOptions, Session } from './session.ts';
import { OwnStack, stackAt } from './stack.ts';

/*
 * `npm run load`: RSOLV-action's calls, a burst of webhooks and people who sign up, all at once on a stack of its own; then every
 * ledger and every answer is checked. See docs/load.md.
 */

const USAGE = `npm run load -- [options]    loads a stack of its own, and checks every ledger and every answer afterwards

  --seconds N       how long (60); 0 only verifies
  --rate N          requests a second of RSOLV-action's (20)
  --webhooks N      signed events a minute, some again, some out of order (1000)
  --sign-ups N      people who sign up, each minute (60)
  --kill-every N    every N seconds SIGKILL for the process of the service and, the next time, for the whole stack, which is
                    then started again over the same data (off)
  --url URL         loads the stack that runs there, on this machine, and kills nothing
  --seed WORD       decides what is asked in which order; drawn if it is not given, and printed
  --json            for programs

Ctrl-C ends the load, and what was done until then is checked. Exit code 0 when everything that was not answered is explained, and
the ledger, Stripe and the answers agree; 1 when not.`;

/** npm passes a terminal's Ctrl-C on to us, which the terminal has sent us already: both are one wish. */
const SAME_SIGNAL_MS = 1_000;
const INTERRUPTED = 130;
/** Without a terminal a line is written only so often. */
const LINE_EVERY_MS = 10_000;

const number = z.coerce.number().check(z.int(), z.nonnegative(), z.maximum(100_000));
const Options = z.object({
  seconds: z._default(number, 60),
  rate: z._default(number, 20),
  webhooks: z._default(number, 1_000),
  'sign-ups': z._default(number, 60),
  'kill-every': z.optional(number.check(z.positive())),
  url: z.optional(z.url({ protocol: /^http$/ }).check(z.refine(isLoopback))),
  seed: z.optional(z.string().check(z.regex(/^[A-Za-z0-9]{1,20}$/))),
  json: z._default(z.boolean(), false),
  help: z._default(z.boolean(), false),
});
type Options = z.output<typeof Options>;

// Whoever reads us may be gone before we are done.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
process.exitCode = await main();
// Sockets that wait for their time to close would keep the process for seconds.
process.exit();

async function main(): Promise<0 | 1> {
  try {
    const options = optionsFrom(process.argv.slice(2));
    if (!options.help) return await load(options);
    console.log(USAGE);
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(reasonOf(error));
    for (const line of error.output) console.error(`  ${line}`);
    return 1;
  }
}

async function load(given: Options): Promise<0 | 1> {
  useLocalAws(process.env);
  const progress = showProgress(process.stderr);
  const options: LoadOptions = {
    seconds: given.seconds,
    rate: given.rate,
    webhooksPerMinute: given.webhooks,
    signUpsPerMinute: given['sign-ups'],
    killEvery: given['kill-every'] ?? null,
    seed: given.seed ?? String(randomInt(1_000_000)),
    signal: endOnSignals(),
    onStep: process.stderr.isTTY ? progress.step : nowAndThen(progress.step),
  };
  let session: Session | null = null;
  options.onStep('starting the stack');
  const own = given.url === undefined ? await OwnStack.start((gone) => session?.fail(gone)) : null;
  try {
    session = new Session(own ?? stackAt(given.url ?? ''), options);
    const result = await session.run();
    progress.end();
    const held = hasHeld(result);
    const { signal: _, onStep: __, ...asked } = options;
    console.log(given.json ? JSON.stringify({ asked, ...result, held }, null, 2) : page(result, options));
    return held ? 0 : 1;
  } finally {
    progress.end();
    await own?.stop();
  }
}

/** @throws SetupError naming what is wrong with them */
function optionsFrom(args: string[]): Options {
  const text = { type: 'string' } as const;
  const given = parsed(() =>
    parseArgs({
      args,
      options: {
        seconds: text,
        rate: text,
        webhooks: text,
        'sign-ups': text,
        'kill-every': text,
        url: text,
        seed: text,
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }),
  );
  const options = Options.safeParse(given.values);
  if (!options.success) {
    const names = [...new Set(options.error.issues.map(({ path }) => `--${String(path[0])}`))];
    throw new SetupError(`${names.join(', ')}: not as it can be. See npm run load -- --help`);
  }
  if (options.data.url !== undefined && options.data['kill-every'] !== undefined) {
    throw new SetupError(
      '--kill-every is for a stack of its own: --url leaves the one that runs there alive.',
    );
  }
  return options.data;
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (errorCode(error)?.startsWith('ERR_PARSE_ARGS'))
      throw new SetupError(`${reasonOf(error)}. See npm run load -- --help`);
    throw error;
  }
}

function endOnSignals(): AbortSignal {
  const ending = new AbortController();
  let firstAt: number | undefined;
  const onSignal = () => {
    firstAt ??= performance.now();
    // Asked again: leave at once. What was started ends with us.
    if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
    ending.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  return ending.signal;
}

function nowAndThen(tell: (what: string) => void): (what: string) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  let told = '';
  return (what) => {
    // The seconds go by in lines that begin with how many there are.
    const isSameStep = /^\d/.test(what) && /^\d/.test(told);
    if (isSameStep && performance.now() - toldMs < LINE_EVERY_MS) return;
    toldMs = performance.now();
    told = what;
    tell(what);
  };
}
