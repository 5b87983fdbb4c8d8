import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { hashCode } from '../support/code-hash.ts';
import { EXPLAINED } from './explained.ts';
import { FILES_LEFT_OUT } from './left-out.ts';
import { PARTS, type Part } from './parts.ts';
import { MIN_SCORE, type Mutant } from './stryker.ts';

/*
 * The scores of the last successful run of each part, with the hash of the tested code. Most parts are too
 * slow to run for every change, so a change of mutated code must include its own run. This file also writes
 * docs/checks/mutation-scores.md.
 */

/** Files with rules. Each belongs to one part, or is left out for a stated reason. */
const RULES = 'lib/{domain,operations,store,stripe}/**/*.ts';
const RECORD = 'checks/mutation/scores.json';
const PAGE = 'docs/checks/mutation-scores.md';

const FileScore = z.object({
  code: z.string(),
  killed: z.int(),
  timeout: z.int(),
  survived: z.int(),
  /** Survivors without an explanation. */
  open: z.int(),
});
type FileScore = z.output<typeof FileScore>;
const Scores = z.record(
  z.string(),
  z.object({ minutes: z.number(), files: z.record(z.string(), FileScore) }),
);
type Scores = z.output<typeof Scores>;
type Counts = Omit<FileScore, 'code' | 'open'>;

/** The minimum score of all parts together. A single part can have many mutants that change nothing. */
export const MIN_SCORE_OF_ALL = 95;

const NONE: Counts = { killed: 0, timeout: 0, survived: 0 };

export const HEADINGS = ['where', 'mutants', 'killed', 'timed out', 'survived', 'score'];

/** A row of a table under `HEADINGS`. */
export function row(where: string, counts: Counts): string[] {
  const { killed, timeout, survived } = counts;
  const all = killed + timeout + survived;
  return [where, ...[all, killed, timeout, survived].map(String), `${scoreOf(counts).toFixed(2)} %`];
}

/** In percent. Explained survivors count against the score like all others. */
export function scoreOf({ killed, timeout, survived }: Counts): number {
  const all = killed + timeout + survived;
  return all === 0 ? 100 : (100 * (killed + timeout)) / all;
}

/**
 * How many survivors of a file may be without an explanation: as many as when it was tried last. A file that
 * is tried for the first time has only its folder's minimum score.
 */
export function allowedOpenIn(part: Part, file: string): number {
  return readScores()[part.name]?.files[file]?.open ?? Number.POSITIVE_INFINITY;
}

export function countsOf(mutants: readonly Mutant[]): Counts {
  const count = (state: Mutant['state']) => mutants.filter((one) => one.state === state).length;
  return { killed: count('killed'), timeout: count('timeout'), survived: count('survived') };
}

/** The code hash of each file of a part. Must be computed before the mutants are made. */
export async function codesOf(part: Part): Promise<ReadonlyMap<string, string>> {
  const codes = new Map<string, string>();
  for (const file of filesOf(part)) codes.set(file, await codeOf(file));
  return codes;
}

/** The files of a part whose code has changed since their mutants were tried. */
export async function changedFilesOf(part: Part): Promise<string[]> {
  const kept = readScores()[part.name]?.files ?? {};
  return [...(await codesOf(part))].filter(([file, code]) => kept[file]?.code !== code).map(([file]) => file);
}

/**
 * Stores the results of a successful run for these code hashes, in place of the part's earlier scores.
 * @param minutes null if only some files were tried: the duration and the other files' scores stay
 */
export function recordScores(
  { name }: Part,
  codes: ReadonlyMap<string, string>,
  mutants: readonly Mutant[],
  minutes: number | null,
): void {
  const kept = readScores();
  const before = minutes === null ? kept[name] : undefined;
  const stillThere = Object.entries(before?.files ?? {}).filter(([file]) => existsSync(file));
  const files: Record<string, FileScore> = Object.fromEntries(stillThere);
  for (const [file, code] of codes) {
    const counts = countsOf(mutants.filter((one) => one.file === file));
    files[file] = { code, ...counts, open: counts.survived - explainedIn(file) };
  }
  const took = minutes ?? before?.minutes ?? 0;
  const scores = { ...kept, [name]: { minutes: Math.round(10 * took) / 10, files } };
  writeFileSync(RECORD, `${JSON.stringify(scores, null, 2)}\n`);
  writeFileSync(PAGE, pageOf(scores));
}

/**
 * Prints the stored score of every part. Changed files of a waiting part are no problem.
 * @returns one line for each problem
 */
export async function checkScores(
  waiting: readonly string[],
  print: (rows: string[][]) => void,
): Promise<string[]> {
  const scores = readScores();
  print(partRows(scores));
  const problems = misplacedFiles();
  for (const part of PARTS) {
    const again = `npm run check:mutation -- --changed --write --part ${part.name}`;
    const kept = scores[part.name]?.files ?? {};
    for (const file of new Set([...filesOf(part), ...Object.keys(kept)])) {
      const score = kept[file];
      if (score?.code !== (await codeOf(file))) {
        if (waiting.includes(part.name)) continue;
        problems.push(`${file} has changed since its mutants ran: ${again}`);
      } else if (score.survived !== explainedIn(file) + score.open) {
        const said = `${explainedIn(file)} explained and ${score.open} open`;
        problems.push(`${file} has ${score.survived} survivors, not ${said}: ${again}`);
      }
    }
    const score = scoreOf(sum(Object.values(kept)));
    if (score < MIN_SCORE) problems.push(`${part.name}: ${score.toFixed(2)} % is below ${MIN_SCORE} %`);
  }
  const all = scoreOf(sum(Object.values(scores).flatMap(({ files }) => Object.values(files))));
  if (all < MIN_SCORE_OF_ALL) problems.push(`All parts: ${all.toFixed(2)} % is below ${MIN_SCORE_OF_ALL} %`);
  return problems;
}

/** Rule files that belong to no part and have no reason, or have two places. One line each. */
export function misplacedFiles(): string[] {
  const places = Map.groupBy(
    [...PARTS.flatMap(filesOf), ...FILES_LEFT_OUT.flatMap(({ files }) => globSync(files))],
    (file) => file,
  );
  return globSync(RULES)
    .sort()
    .map((file) => ({ file, count: places.get(file)?.length ?? 0 }))
    .filter(({ count }) => count !== 1)
    .map(({ file, count }) =>
      count === 0
        ? `${file} is neither in parts.ts nor in left-out.ts`
        : `${file} has ${count} places in parts.ts and left-out.ts`,
    );
}

function readScores(): Scores {
  return Scores.parse(JSON.parse(readFileSync(RECORD, 'utf8')));
}

function filesOf({ mutated }: Part): string[] {
  const without = mutated.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  return globSync(
    mutated.filter((pattern) => !pattern.startsWith('!')),
    { exclude: without },
  ).sort();
}

const codeOf = async (file: string): Promise<string> =>
  existsSync(file) ? hashCode(readFileSync(file, 'utf8')) : 'gone';

const explainedIn = (file: string): number =>
  EXPLAINED.filter((one) => one.file === file).reduce((count, { times = 1 }) => count + times, 0);

function sum(those: readonly Counts[]): Counts {
  return those.reduce(
    (all, one) => ({
      killed: all.killed + one.killed,
      timeout: all.timeout + one.timeout,
      survived: all.survived + one.survived,
    }),
    NONE,
  );
}

const openIn = (scores: Scores): number =>
  Object.values(scores)
    .flatMap(({ files }) => Object.values(files))
    .reduce((count, { open }) => count + open, 0);

function partRows(scores: Scores): string[][] {
  const parts = PARTS.map(({ name }) => [name, sum(Object.values(scores[name]?.files ?? {}))] as const);
  return [...parts, ['all', sum(parts.map(([, counts]) => counts))] as const].map(([name, counts]) =>
    row(name, counts),
  );
}

function pageOf(scores: Scores): string {
  const table = (rows: readonly string[][]) =>
    [HEADINGS, ['---', ...HEADINGS.slice(1).map(() => '--:')], ...rows].map(
      (cells) => `| ${cells.join(' | ')} |`,
    );
  return [
    '# Mutation scores',
    '',
    'Written by `npm run check:mutation -- --write`; do not edit.',
    'The scores belong to the code of this commit: the check fails if the code has changed since the run.',
    `${openIn(scores)} survivors are open: they are neither killed nor explained.`,
    'Every other survivor has its explanation in [`explained`](../../checks/mutation/explained).',
    'The terms are explained in [mutation.md](mutation.md).',
    '',
    ...table(partRows(scores)),
    ...PARTS.flatMap(({ name }) => {
      const kept = scores[name];
      if (kept === undefined) return [];
      const rows = Object.entries(kept.files).map(([file, counts]) => row(`\`${file}\``, counts));
      return ['', `## ${name}`, '', `In ${kept.minutes} minutes.`, '', ...table(rows)];
    }),
    '',
  ].join('\n');
}
