import { type NightlyStep, STEPS, type Step } from '../steps.ts';
import { optionsOf, runCheck, UsageError } from '../support/program.ts';
import { textTable } from '../support/text-table.ts';
import { type Freshness, freshnessOf, RESULTS, record } from './results.ts';
import { type Outcome, runSteps } from './run-steps.ts';

/* Runs one tier of checks/steps.ts. `.ci/run` and `.ci/nightly` install the project and start this. */

const USAGE = `.ci/run [options]        the checks before a change lands: about 25 minutes on two cores
.ci/nightly [options]    everything else, recorded in ${RESULTS}: about 90 minutes on two cores

  --only NAMES    only these steps, separated by commas, without the test command
  --list          prints the steps, their results and what each proves; runs nothing
  --fresh         .ci/run fails if a nightly result is stale; for the end of an issue
  --stale         .ci/nightly runs only the steps whose result is not fresh

Needs git, npm, any Node 20.19 or newer for the install, Java 17, Go and Python 3 with pip.
The last line is "N passed, N failed". The exit code is 0 if everything passed, 1 if not, 2 for an unknown option.`;

const values = optionsOf(USAGE, {
  tier: { type: 'string' },
  /** The outcome of the test command with its seconds: "passed:123" or "failed:123". */
  tests: { type: 'string' },
  only: { type: 'string' },
  list: { type: 'boolean', default: false },
  fresh: { type: 'boolean', default: false },
  stale: { type: 'boolean', default: false },
});
/** Distinguishes failed steps from a crash of this program, which exits with 1. */
const STEPS_FAILED = 3;

type Line = readonly [name: string, outcome: 'passed' | 'FAILED', seconds: string];

await runCheck(async () => {
  const tier = tierOf(values.tier);
  const nightly = STEPS.filter((step) => step.tier === 'nightly');
  const all = await freshnessOf(nightly);
  if (values.list) {
    printSteps(all);
    return true;
  }
  const { steps, failures } = tier === 'run' ? planRun(all) : { steps: planNightly(all), failures: [] };
  const outcomes = await runSteps(steps, (outcome) => {
    if (tier === 'nightly') recordOutcome(outcome, all);
  });
  if (outcomes.length !== steps.length) throw new Error('Some steps did not finish.');
  const lines = [...testCommand(), ...outcomes.map(lineOf), ...failures];
  console.log(`\n${textTable(['step', 'outcome', 'seconds'], lines)}`);
  if (tier === 'nightly') console.log(`\nRecorded in ${RESULTS}: commit it.`);
  const failed = lines.filter(([, outcome]) => outcome === 'FAILED');
  // The output of two steps is mixed above, and a log may keep only its end.
  for (const { step, lastLines } of outcomes.filter(({ passed }) => !passed))
    console.log(`\nThe last lines of ${step.name}:\n${lastLines.join('\n')}`);
  if (failed.length > 0) console.log(`\nfailed: ${failed.map(([name]) => name).join('; ')}`);
  console.log(`\n${lines.length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) process.exit(STEPS_FAILED);
  return true;
});

function tierOf(tier: string | undefined): Step['tier'] {
  if (tier !== 'run' && tier !== 'nightly') throw new UsageError('--tier is run or nightly');
  if (values.fresh && tier === 'nightly') throw new UsageError('--fresh is for .ci/run');
  if (values.stale && tier === 'run') throw new UsageError('--stale is for .ci/nightly');
  return tier;
}

/** The tier's steps, and stale nightly steps that are cheap. Other stale steps are failures or notes. */
function planRun(all: readonly Freshness[]): { steps: Step[]; failures: Line[] } {
  if (values.only !== undefined) return { steps: named(STEPS, values.only), failures: [] };
  const old = all.filter(({ state }) => state !== 'fresh');
  const isRepeated = ({ step }: Freshness) => step.isCheap === true;
  const left = old.filter((one) => !isRepeated(one));
  if (old.length > 0) {
    console.log('\nNightly results that are stale for this code:');
    const rows = old.map((one) => [
      one.step.name,
      one.state,
      one.result?.at.slice(0, 10) ?? '',
      isRepeated(one) ? 'is run now' : 'see .ci/nightly --stale',
    ]);
    console.log(textTable(['step', 'result', 'from', ''], rows));
  }
  const failures = left
    .filter(({ state, result, covers }) => values.fresh || (state === 'failed' && result?.covers === covers))
    .map(({ step, state }): Line => [`${step.name}: nightly result is "${state}"`, 'FAILED', '']);
  return {
    steps: [...STEPS.filter(({ tier }) => tier === 'run'), ...old.filter(isRepeated).map(({ step }) => step)],
    failures,
  };
}

function planNightly(all: readonly Freshness[]): NightlyStep[] {
  const wanted = values.stale ? all.filter(({ state }) => state !== 'fresh') : all;
  const steps = wanted.map(({ step }) => step);
  return values.only === undefined ? steps : named(steps, values.only);
}

/** @throws UsageError for an unknown name */
function named<S extends Step>(steps: readonly S[], names: string): S[] {
  return names.split(',').map((name) => {
    const step = steps.find((one) => one.name === name.trim());
    if (step !== undefined) return step;
    throw new UsageError(`Unknown step "${name.trim()}"; see --list`);
  });
}

function recordOutcome(
  { step, passed, startedAt, seconds, summary }: Outcome,
  all: readonly Freshness[],
): void {
  const freshness = all.find((one) => one.step === step);
  if (freshness === undefined) throw new Error(`${step.name} is not a nightly step.`);
  record(step.name, {
    outcome: passed ? 'passed' : 'failed',
    at: startedAt.toISOString(),
    seconds,
    summary,
    covers: freshness.covers,
  });
}

function lineOf({ step, passed, seconds }: Outcome): Line {
  return [step.name, passed ? 'passed' : 'FAILED', String(seconds)];
}

function testCommand(): Line[] {
  if (values.tests === undefined) return [];
  const [outcome = '', seconds = ''] = values.tests.split(':');
  return [['npm cit: install and test', outcome === 'passed' ? 'passed' : 'FAILED', seconds]];
}

function printSteps(all: readonly Freshness[]): void {
  const rows = STEPS.map((step) => {
    const freshness = all.find((one) => one.step === step);
    const took = freshness?.result?.seconds;
    return [
      step.name,
      step.tier,
      freshness?.state ?? '',
      took === undefined ? '' : String(took),
      `${step.proves}.`,
    ];
  });
  console.log(textTable(['step', 'tier', 'result', 'seconds', 'proves that'], rows));
}
