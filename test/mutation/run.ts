import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { SetupError } from '../../local/setup-error.ts';
import { textTable } from '../bench/text-table.ts';
import { EXPLAINED, type Explained } from './explained.ts';
import { PARTS, type Part } from './parts.ts';
import { ensureInstalled, MIN_SCORE, type Mutant, tryMutants } from './stryker.ts';

/*
 * `npm run test:mutation`: changes the code in one place after another and expects a test to fail each time. Fails itself when
 * a survivor is not explained, when an explained one is killed or gone, and below a score of 90 %. `-- --all`: every part, and
 * writes docs/mutation-scores.md; `-- --part NAME`: one of them; `-- --incremental`: only what has changed since the last run.
 */

const SCORES = 'docs/mutation-scores.md';
const HEADINGS = ['where', 'mutants', 'killed', 'timed out', 'survived', 'explained', 'score'];

const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    part: { type: 'string' },
    incremental: { type: 'boolean', default: false },
  },
});

try {
  const started = Date.now();
  const parts = partsFor(values);
  ensureInstalled();
  const mutants: Mutant[] = [];
  for (const part of parts) {
    console.log(`\n${part.name}: ${part.mutated.join(', ')}`);
    mutants.push(...(await tryMutants(part, values.incremental)));
  }
  const isGood = judge(mutants);
  const minutes = ((Date.now() - started) / 60_000).toFixed(1);
  if (values.all) writeFileSync(SCORES, scoresPage(mutants, minutes));
  console.log(`\n${parts.map(({ name }) => name).join(', ')} in ${minutes} minutes`);
  process.exitCode = isGood ? 0 : 1;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function partsFor({ all, part }: { all: boolean; part?: string | undefined }): readonly Part[] {
  if (all) return PARTS;
  if (part === undefined) return PARTS.filter(({ isForEveryChange }) => isForEveryChange);
  const found = PARTS.filter(({ name }) => name === part);
  if (found.length > 0) return found;
  throw new SetupError(`There is no part ${part}; there are ${PARTS.map(({ name }) => name).join(', ')}.`);
}

/** Prints what came of the mutants, and says whether that is good enough. */
function judge(mutants: readonly Mutant[]): boolean {
  const survivors = mutants.filter(({ state }) => state === 'survived');
  const unexplained = survivors.filter((one) => explanationOf(one) === undefined);
  const folders = Map.groupBy(mutants, ({ file }) => dirname(file));
  console.log(
    `\n${textTable(
      HEADINGS,
      [...folders].map(([folder, those]) => row(folder, those)),
    )}\n`,
  );
  for (const one of survivors) {
    const { file, line, column, mutator, from, to } = one;
    const why = explanationOf(one)?.why;
    console.log(`${why === undefined ? '✗' : '✓'} ${file}:${line}:${column} ${mutator}: ${from} → ${to}`);
    console.log(why === undefined ? '    not explained' : `    ${why}`);
  }
  const stale = staleAmong(mutants);
  for (const { file, mutator, from, to } of stale) {
    console.log(`✗ ${file} ${mutator}: ${from} → ${to}\n    is explained, and does not survive so often`);
  }
  const low = [...folders].filter(([, those]) => scoreOf(those) < MIN_SCORE);
  for (const [folder, those] of low)
    console.log(`✗ ${folder}: ${scoreOf(those).toFixed(2)} % is below ${MIN_SCORE} %`);
  console.log(
    `\n${survivors.length} survivors, ${survivors.length - unexplained.length} explained, ` +
      `${unexplained.length} not; ${stale.length} explanations without their survivor`,
  );
  return unexplained.length === 0 && stale.length === 0 && low.length === 0;
}

function explanationOf(mutant: Mutant): Explained | undefined {
  return EXPLAINED.find((one) => isOf(one, mutant));
}

function isOf(one: Explained, { file, mutator, from, to }: Mutant): boolean {
  return one.file === file && one.mutator === mutator && one.from === from && one.to === to;
}

/** Explanations of files that were mutated, whose mutant is killed, or gone, or one of fewer. */
function staleAmong(mutants: readonly Mutant[]): Explained[] {
  const files = new Set(mutants.map(({ file }) => file));
  const survivors = mutants.filter(({ state }) => state === 'survived');
  return EXPLAINED.filter(
    (one) =>
      files.has(one.file) && survivors.filter((mutant) => isOf(one, mutant)).length !== (one.times ?? 1),
  );
}

function row(where: string, mutants: readonly Mutant[]): string[] {
  const count = (state: Mutant['state']) => mutants.filter((one) => one.state === state).length;
  const explained = mutants.filter((one) => one.state === 'survived' && explanationOf(one) !== undefined);
  return [
    where,
    String(mutants.length - count('left out')),
    String(count('killed')),
    String(count('timeout')),
    String(count('survived')),
    String(explained.length),
    `${scoreOf(mutants).toFixed(2)} %`,
  ];
}

/** In percent; explained survivors count against it like any other. */
function scoreOf(mutants: readonly Mutant[]): number {
  const tried = mutants.filter(({ state }) => state !== 'left out');
  const noticed = tried.filter(({ state }) => state !== 'survived');
  return tried.length === 0 ? 100 : (100 * noticed.length) / tried.length;
}

function scoresPage(mutants: readonly Mutant[], minutes: string): string {
  const files = [...Map.groupBy(mutants, ({ file }) => file)].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = [...files, ['all', mutants] as const].map(([where, those]) => row(where, those));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    '# Mutation scores',
    '',
    `Written by \`npm run test:mutation -- --all\`, which took ${minutes} minutes. What it means: [mutation.md](mutation.md).`,
    '',
    line(HEADINGS),
    line(HEADINGS.map(() => '---')),
    ...rows.map(line),
    '',
  ].join('\n');
}
