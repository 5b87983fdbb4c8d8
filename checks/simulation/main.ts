import { randomInt } from 'node:crypto';
import * as z from 'zod/mini';
import { showProgress } from '../../cli/terminal/progress.ts';
import { optionsOf, runCheck, UsageError } from '../support/program.ts';
import { huntBugs } from './bugs/run.ts';
import { runEpisode } from './episode.ts';
import { DEED_KINDS } from './people/deeds.ts';
import { planOf, STEPS, type Step } from './plan.ts';
import { shrunk, signatureOf } from './shrink.ts';

/*
 * `npm run check:simulation`: lives through many episodes, each with its own table, its own Stripe and its own chance, and says what did
 * not hold afterwards. The seed decides everything; a failure is made small and printed with the command that repeats it.
 */

const USAGE = `npm run check:simulation -- [--seed N] [--ops M] [--steps S] [--first]    episodes until M operations are done
npm run check:simulation -- --episode N.I [--steps S] [--only a,b,…] [--calm a,b,…]    one of them, with its trace
npm run check:simulation -- --bugs    puts each known bug into the service, one at a time, and expects it to be found

A seed that is not given is drawn, and printed. With --first it ends with the first episode that fails, as it is.
20,000 operations take 20 seconds, and the bugs 4 minutes. Needs nothing but the install.`;

const DEFAULT_OPERATIONS = 20_000;
/** Kinds of failure that are made small; of others only the episode is named. */
const MAX_SHRUNK = 3;
const MAX_TRACE_LINES = 400;
/** From so many operations on, everything that people can do has to have happened. */
const LONG_RUN = 50_000;

const count = z.coerce.number().check(z.int(), z.positive());
const Options = z.object({
  seed: z.optional(z.string().check(z.regex(/^\w+$/))),
  ops: z._default(count, DEFAULT_OPERATIONS),
  steps: z._default(count, STEPS),
  episode: z.optional(z.string()),
  only: z.optional(z.string()),
  calm: z.optional(z.string()),
  first: z._default(z.boolean(), false),
  bugs: z._default(z.boolean(), false),
});
type Options = z.output<typeof Options>;

interface Failure {
  readonly episode: string;
  readonly violation: string;
  times: number;
}

function optionsGiven(): Options {
  const text = { type: 'string' } as const;
  const values = optionsOf(USAGE, {
    seed: text,
    ops: text,
    steps: text,
    episode: text,
    only: text,
    calm: text,
    first: { type: 'boolean' },
    bugs: { type: 'boolean' },
  });
  const parsed = Options.safeParse(values);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--${parsed.error.issues[0]?.path.join('.')} does not take that value`);
}

async function simulate({
  seed = String(randomInt(1, 1_000_000)),
  ops,
  steps,
  first,
}: Options): Promise<boolean> {
  const progress = showProgress(process.stderr);
  const failures = new Map<string, Failure>();
  const startedMs = performance.now();
  const deeds = new Set<string>();
  let operations = 0;
  let episodes = 0;
  while (operations < ops && !(first && failures.size > 0)) {
    const episode = `${seed}.${episodes}`;
    if (episodes % 10 === 0) progress.step(`seed ${seed}: ${operations} operations in ${episodes} episodes`);
    const result = await runEpisode(episode, planOf(episode, steps));
    operations += result.operations;
    for (const deed of result.world.deeds) deeds.add(deed);
    episodes += 1;
    for (const violation of result.violations) {
      const signature = signatureOf(violation);
      const known = failures.get(signature);
      if (known === undefined) failures.set(signature, { episode, violation, times: 1 });
      else known.times += 1;
    }
  }
  progress.end();
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(
    `seed ${seed}: ${operations} operations in ${episodes} episodes, ${Math.round(operations / seconds)} a second, ` +
      `${failures.size === 0 ? 'everything holds' : `${failures.size} kinds of violation`}`,
  );
  // In a long run every deed can be done at least once. One that never was is not tested.
  const undone = operations < LONG_RUN ? [] : DEED_KINDS.filter((kind) => !deeds.has(kind));
  if (undone.length > 0) console.log(`never done in this run: ${undone.join(', ')}`);
  let left = first ? 0 : MAX_SHRUNK;
  for (const [signature, failure] of failures) {
    console.log(`\n${failure.times} times, first in ${failure.episode}: ${failure.violation}`);
    if (left-- > 0) await explain(failure.episode, steps, signature);
    else console.log(`again: ${commandOf(failure.episode, steps)}`);
  }
  return failures.size === 0 && undone.length === 0;
}

/** Prints the smallest plan that was found, how to repeat it, and what happened in it, in its order. */
async function explain(episode: string, steps: number, signature: string): Promise<void> {
  const plan = await shrunk(episode, planOf(episode, steps), signature);
  console.log(`again: ${commandOf(episode, steps, plan)}`);
  await tell(episode, plan);
}

async function tell(episode: string, plan: readonly Step[]): Promise<boolean> {
  const { world, violations } = await runEpisode(episode, plan, { traced: true });
  const { trace } = world;
  if (trace.length > MAX_TRACE_LINES)
    console.log(`(the first ${trace.length - MAX_TRACE_LINES} lines are left out)`);
  for (const { atMs, actor, what } of trace.slice(-MAX_TRACE_LINES)) {
    console.log(`${(atMs / 1_000).toFixed(3).padStart(12)} s  ${actor}  ${what}`);
  }
  return violations.length === 0;
}

function commandOf(episode: string, steps: number, plan: readonly Step[] | null = null): string {
  const calm = plan?.filter(({ faulty }) => !faulty).map(({ name }) => name) ?? [];
  return [
    `npm run check:simulation -- --episode ${episode} --steps ${steps}`,
    ...(plan === null ? [] : [`--only ${plan.map(({ name }) => name).join(',')}`]),
    ...(calm.length === 0 ? [] : [`--calm ${calm.join(',')}`]),
  ].join(' ');
}

function replay({ episode = '', steps, only, calm }: Options): Promise<boolean> {
  const [wanted, quiet] = [only?.split(','), calm?.split(',') ?? []];
  const plan = planOf(episode, steps)
    .filter(({ name }) => wanted?.includes(name) ?? true)
    .map((step) => (quiet.includes(step.name) ? { ...step, faulty: false } : step));
  return tell(episode, plan);
}

function holds(options: Options): Promise<boolean> {
  if (options.bugs) return huntBugs();
  return options.episode === undefined ? simulate(options) : replay(options);
}

await runCheck(() => holds(optionsGiven()));
