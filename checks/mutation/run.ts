import { dirname } from 'node:path';
import { optionsOf, runCheck, UsageError } from '../support/program.ts';
import { textTable } from '../support/text-table.ts';
import { EXPLAINED } from './explained.ts';
import type { Explained } from './explanation.ts';
import { PARTS, type Part } from './parts.ts';
import {
  allowedOpenIn,
  changedFilesOf,
  checkScores,
  codesOf,
  countsOf,
  HEADINGS,
  MIN_SCORE_OF_ALL,
  recordScores,
  row,
  scoreOf,
} from './scores.ts';
import { ensureInstalled, lastRun, MIN_SCORE, type Mutant, tryMutants } from './stryker.ts';

const USAGE = `npm run check:mutation -- [options]    changes the code in one place at a time and expects a test to fail

  --part NAME      one part; default: all parts, which takes about three hours on two cores
  --changed        only files whose code has changed since their last run
  --minutes N      with --changed: begins no part after N minutes; the rest waits for the next run
  --write          writes checks/mutation/scores.json and docs/checks/mutation-scores.md
  --incremental    tries only mutants that changed since the last run, for local work
  --judge          runs nothing: evaluates the last whole run again, for example after a new explanation

Fails below ${MIN_SCORE} % for a folder or ${MIN_SCORE_OF_ALL} % for all, for a file with more
unexplained survivors than last time, for an explanation without a survivor, and if code of any part changed since its run.
Needs npm, which installs Stryker at the first run. See docs/checks/mutation.md.`;

const DAY_MS = 24 * 60 * 60_000;

const values = optionsOf(USAGE, {
  part: { type: 'string' },
  write: { type: 'boolean', default: false },
  incremental: { type: 'boolean', default: false },
  judge: { type: 'boolean', default: false },
  changed: { type: 'boolean', default: false },
  minutes: { type: 'string' },
});

await runCheck(async () => {
  const limitMinutes = minutesOf(values);
  const named = partsFor(values);
  const parts = values.changed ? await onlyChanged(named) : named;
  // Results of an earlier run are not a score of the current code.
  if (values.write && values.incremental)
    throw new UsageError('--write stores a whole run, so it cannot be used with --incremental');
  if (values.judge && values.changed)
    throw new UsageError('--judge is for whole runs, so it cannot be used with --changed');
  if (!values.judge) ensureInstalled();
  const failed: string[] = [];
  const waiting: string[] = [];
  const startedMs = Date.now();
  for (const part of parts) {
    if (Date.now() - startedMs > limitMinutes * 60_000) waiting.push(part.name);
    else if (!(await tryPart(part))) failed.push(part.name);
  }
  if (waiting.length > 0) console.log(`\nLeft for the next run: ${waiting.join(', ')}`);
  if (values.part === undefined && !(await isKept(waiting))) failed.push('scores');
  const tried = parts.length - waiting.length;
  const count = tried === 1 ? '1 part' : `${tried} parts`;
  console.log(
    `\n${count} run, ${failed.length === 0 ? 'every score is sufficient' : `FAILED: ${failed.join(', ')}`}`,
  );
  return failed.length === 0;
});

async function tryPart(part: Part): Promise<boolean> {
  const codes = await codesOf(part);
  console.log(`\n${part.name}: ${part.mutated.join(', ')}`);
  const { mutants, minutes } = values.judge ? lastRun(part) : await run(part);
  const isGood = judge(part, mutants);
  console.log(`${part.name} in ${minutes.toFixed(1)} minutes`);
  if (isGood && values.write) recordScores(part, codes, mutants, values.changed ? null : minutes);
  return isGood;
}

async function run(part: Part) {
  const started = Date.now();
  const mutants = await tryMutants(part, {
    goesOn: values.incremental,
    isWhole: !values.changed,
    isExplained: (mutant) => explanationOf(mutant) !== undefined,
  });
  return { mutants, minutes: (Date.now() - started) / 60_000 };
}

/** Whether the stored results of all parts, also of those not tried now, match the current code. */
async function isKept(waiting: readonly string[]): Promise<boolean> {
  console.log('\nThe last run of every part:');
  const problems = await checkScores(waiting, (rows) => console.log(`\n${textTable(HEADINGS, rows)}\n`));
  for (const problem of problems) console.log(`✗ ${problem}`);
  return problems.length === 0;
}

/** @throws UsageError */
function minutesOf({ minutes, changed }: { minutes?: string | undefined; changed: boolean }): number {
  if (minutes === undefined) return Number.POSITIVE_INFINITY;
  if (!changed) throw new UsageError('--minutes goes only with --changed');
  if (/^[1-9]\d{0,3}$/.test(minutes)) return Number(minutes);
  throw new UsageError('--minutes must be a whole number of minutes');
}

/** The parts that have changed files, each reduced to these files. */
async function onlyChanged(parts: readonly Part[]): Promise<Part[]> {
  const changed = await Promise.all(
    parts.map(async (part) => ({ ...part, mutated: await changedFilesOf(part) })),
  );
  return rotated(changed.filter(({ mutated }) => mutated.length > 0));
}

/** Puts another part first every day, so that a time limit does not always leave out the same parts. */
function rotated(parts: readonly Part[]): Part[] {
  const first = Math.floor(Date.now() / DAY_MS) % Math.max(1, parts.length);
  return [...parts.slice(first), ...parts.slice(0, first)];
}

function partsFor({ part }: { part?: string | undefined }): readonly Part[] {
  if (part === undefined) return PARTS;
  const found = PARTS.filter(({ name }) => name === part);
  if (found.length > 0) return found;
  throw new UsageError(`There is no part ${part}, only ${PARTS.map(({ name }) => name).join(', ')}`);
}

/** Prints the results of the mutants. Returns whether the part passes. */
function judge(part: Part, mutants: readonly Mutant[]): boolean {
  const survivors = mutants.filter(({ state }) => state === 'survived');
  const unexplained = survivors.filter((one) => explanationOf(one) === undefined);
  const folders = Map.groupBy(mutants, ({ file }) => dirname(file));
  console.log(
    `\n${textTable(
      HEADINGS,
      [...folders].map(([folder, those]) => row(folder, countsOf(those))),
    )}\n`,
  );
  for (const one of survivors) {
    const { file, line, column, mutator, from, to } = one;
    const why = explanationOf(one)?.why;
    console.log(`${why === undefined ? '•' : '✓'} ${file}:${line}:${column} ${mutator}: ${from} → ${to}`);
    console.log(why === undefined ? '    not explained' : `    ${why}`);
  }
  const stale = staleAmong(mutants);
  for (const { file, mutator, from, to } of stale) {
    console.log(
      `✗ ${file} ${mutator}: ${from} → ${to}\n    has an explanation, but does not survive this often`,
    );
  }
  const scores = [...folders].map(([folder, those]) => ({ folder, score: scoreOf(countsOf(those)) }));
  const tooLow = scores.filter(({ score }) => score < MIN_SCORE);
  for (const { folder, score } of tooLow)
    console.log(`✗ ${folder}: ${score.toFixed(2)} % is below ${MIN_SCORE} %`);
  const open = Map.groupBy(unexplained, ({ file }) => file);
  const tooMany = [...open].filter(([file, those]) => those.length > allowedOpenIn(part, file));
  for (const [file, those] of tooMany)
    console.log(
      `✗ ${file} has ${those.length} survivors to kill or explain, ${allowedOpenIn(part, file)} before`,
    );
  console.log(
    `\n${survivors.length} survivors, ${survivors.length - unexplained.length} explained, ` +
      `${unexplained.length} not; ${stale.length} explanations without a survivor`,
  );
  return tooMany.length === 0 && stale.length === 0 && tooLow.length === 0;
}

function explanationOf(mutant: Mutant): Explained | undefined {
  return EXPLAINED.find((one) => isOf(one, mutant));
}

function isOf(one: Explained, { file, mutator, from, to }: Mutant): boolean {
  return one.file === file && one.mutator === mutator && one.from === from && one.to === to;
}

/** Explanations for mutated files without the expected number of survivors. */
function staleAmong(mutants: readonly Mutant[]): Explained[] {
  const files = new Set(mutants.map(({ file }) => file));
  const survivors = mutants.filter(({ state }) => state === 'survived');
  return EXPLAINED.filter(
    (one) =>
      files.has(one.file) && survivors.filter((mutant) => isOf(one, mutant)).length !== (one.times ?? 1),
  );
}
