import { randomInt } from 'node:crypto';
import * as z from 'zod/mini';
import { useLocalAws } from '../../cli/stage/local-aws.ts';
import { showProgress } from '../../cli/terminal/progress.ts';
import { isLoopback } from '../../lib/settings/stripe-environment.ts';
import { optionsOf, runCheck, UsageError } from '../support/program.ts';
import { hasHeld, page } from './report.ts';
import type { LoadOptions } from './run-of-load.ts';
import { Session } from './session.ts';
import { OwnStack, stackAt } from './stack.ts';

const USAGE = `npm run check:load -- [options]    loads its own stack, then checks every ledger and every answer

  --seconds N       duration (60); 0 only verifies
  --rate N          requests of RSOLV-action a second (20)
  --webhooks N      signed events a minute, some repeated, some out of order (1000)
  --sign-ups N      sign-ups a minute (60)
  --deeds N         actions at Stripe a minute: refunds, disputes, credit notes, card changes, Pro ended (60)
  --kill-every N    every N seconds SIGKILL, in turn for the service and for the whole stack,
                    which then restarts with the same data (off)
  --url URL         loads the stack at this local address, and kills nothing
  --seed WORD       determines the requests and their order; default: random, and printed
  --json            prints the result as JSON

Ctrl-C ends the load early, and the check continues. Exit code 0 if every missing answer is explained and the
ledger, Stripe and the answers agree, otherwise 1. Needs only the install. See docs/checks/load.md.`;

/** On Ctrl-C both the terminal and npm signal us. Signals within this time count as one. */
const SAME_SIGNAL_MS = 1_000;
const INTERRUPTED = 130;
/** Without a terminal, progress is written at this interval. */
const LINE_EVERY_MS = 10_000;

const number = z.coerce.number().check(z.int(), z.nonnegative(), z.maximum(100_000));
const Options = z.object({
  seconds: z._default(number, 60),
  rate: z._default(number, 20),
  webhooks: z._default(number, 1_000),
  'sign-ups': z._default(number, 60),
  deeds: z._default(number, 60),
  'kill-every': z.optional(number.check(z.positive())),
  url: z.optional(z.url({ protocol: /^http$/ }).check(z.refine(isLoopback))),
  seed: z.optional(z.string().check(z.regex(/^[A-Za-z0-9]{1,20}$/))),
  json: z._default(z.boolean(), false),
});
type Options = z.output<typeof Options>;

// The reader of our output may end first.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
await runCheck(() => load(readOptions()));
// Idle keep-alive sockets would keep the process alive for seconds.
process.exit();

async function load(parsed: Options): Promise<boolean> {
  useLocalAws(process.env);
  const progress = showProgress(process.stderr);
  const options: LoadOptions = {
    seconds: parsed.seconds,
    rate: parsed.rate,
    webhooksPerMinute: parsed.webhooks,
    signUpsPerMinute: parsed['sign-ups'],
    deedsPerMinute: parsed.deeds,
    killEvery: parsed['kill-every'] ?? null,
    seed: parsed.seed ?? String(randomInt(1_000_000)),
    signal: endOnSignals(),
    onStep: process.stderr.isTTY ? progress.step : throttled(progress.step),
  };
  let session: Session | null = null;
  options.onStep('starting the stack');
  const own = parsed.url === undefined ? await OwnStack.start((failure) => session?.fail(failure)) : null;
  try {
    session = new Session(own ?? stackAt(parsed.url ?? ''), options);
    const result = await session.run();
    progress.end();
    const held = hasHeld(result);
    const { signal: _, onStep: __, ...asked } = options;
    console.log(parsed.json ? JSON.stringify({ asked, ...result, held }, null, 2) : page(result, options));
    return held;
  } finally {
    progress.end();
    await own?.stop();
  }
}

/** @throws UsageError that names the wrong option */
function readOptions(): Options {
  const text = { type: 'string' } as const;
  const options = Options.safeParse(
    optionsOf(USAGE, {
      seconds: text,
      rate: text,
      webhooks: text,
      'sign-ups': text,
      deeds: text,
      'kill-every': text,
      url: text,
      seed: text,
      json: { type: 'boolean' },
    }),
  );
  if (!options.success) {
    const names = [...new Set(options.error.issues.map(({ path }) => `--${String(path[0])}`))];
    throw new UsageError(`A value is out of range or malformed: ${names.join(', ')}`);
  }
  if (options.data.url !== undefined && options.data['kill-every'] !== undefined)
    throw new UsageError('--kill-every kills only its own stack, so it cannot be used with --url');
  return options.data;
}

function endOnSignals(): AbortSignal {
  const ending = new AbortController();
  let firstAt: number | undefined;
  const onSignal = () => {
    firstAt ??= performance.now();
    // A second signal exits at once. Child processes end with this process.
    if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
    ending.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  return ending.signal;
}

function throttled(print: (what: string) => void): (what: string) => void {
  let printedMs = Number.NEGATIVE_INFINITY;
  let printed = '';
  return (what) => {
    // Lines that start with a number of seconds belong to one step.
    const isSameStep = /^\d/.test(what) && /^\d/.test(printed);
    if (isSameStep && performance.now() - printedMs < LINE_EVERY_MS) return;
    printedMs = performance.now();
    printed = what;
    print(what);
  };
}
