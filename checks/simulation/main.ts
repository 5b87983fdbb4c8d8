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
 * `npm run check:simulation`: runs many episodes, each with its own table, Stripe and randomness, and prints
 * the violations. The seed determines everything. A failure is reduced to a small plan and printed with the
 * command that repeats it.
 */

const USAGE = `npm run check:simulation -- [--seed N] [--ops M] [--steps S] [--first]    runs episodes until M operations are done
npm run check:simulation -- --episode N.I [--steps S] [--only a,b,…] [--calm a,b,…]    runs one episode and prints its trace
npm run check:simulation -- --bugs    adds each known bug to the service in turn, and expects the simulation to find it

Without --seed, a random seed is drawn and printed. --first stops at the first failing episode.
20,000 operations take 20 seconds, and the bugs 4 minutes. Needs nothing but the install.`;

const DEFAULT_OPERATIONS = 20_000;
/** How many kinds of failure are reduced to a small plan. For the others only the episode is printed. */
const MAX_SHRUNK = 3;
const MAX_TRACE_LINES = 400;
/** In a run of this many operations, every deed must happen at least once. */
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

function readOptions(): Options {
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
  throw new UsageError(`--${parsed.error.issues[0]?.path.join('.')} has an invalid value`);
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
      `${failures.size === 0 ? 'no violations' : `${failures.size} kinds of violation`}`,
  );
  // In a long run every deed is possible. A deed that never happened is not tested.
  const undone = operations < LONG_RUN ? [] : DEED_KINDS.filter((kind) => !deeds.has(kind));
  if (undone.length > 0) console.log(`these deeds never happened: ${undone.join(', ')}`);
  let left = first ? 0 : MAX_SHRUNK;
  for (const [signature, failure] of failures) {
    console.log(`\n${failure.times} times, first in ${failure.episode}: ${failure.violation}`);
    if (left-- > 0) await explain(failure.episode, steps, signature);
    else console.log(`repeat with: ${commandOf(failure.episode, steps)}`);
  }
  // Again at the end, because the traces are long.
  for (const { episode, violation } of failures.values()) console.log(`failed: ${episode}: ${violation}`);
  return failures.size === 0 && undone.length === 0;
}

/** Prints the smallest failing plan, the command that repeats it, and its trace. */
async function explain(episode: string, steps: number, signature: string): Promise<void> {
  const plan = await shrunk(episode, planOf(episode, steps), signature);
  console.log(`repeat with: ${commandOf(episode, steps, plan)}`);
  await printTrace(episode, plan);
}

async function printTrace(episode: string, plan: readonly Step[]): Promise<boolean> {
  const { world, violations } = await runEpisode(episode, plan, { traced: true });
  const { trace } = world;
  if (trace.length > MAX_TRACE_LINES)
    console.log(`(the first ${trace.length - MAX_TRACE_LINES} lines are omitted)`);
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
  const [selected, calmSteps] = [only?.split(','), calm?.split(',') ?? []];
  const plan = planOf(episode, steps)
    .filter(({ name }) => selected?.includes(name) ?? true)
    .map((step) => (calmSteps.includes(step.name) ? { ...step, faulty: false } : step));
  return printTrace(episode, plan);
}

function check(options: Options): Promise<boolean> {
  if (options.bugs) return huntBugs();
  return options.episode === undefined ? simulate(options) : replay(options);
}

await runCheck(() => check(readOptions()));
