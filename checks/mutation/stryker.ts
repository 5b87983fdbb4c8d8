import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { FURTHER_VARIABLE, PART_VARIABLE, type Part } from './parts.ts';

const HERE = 'checks/mutation';
const CACHE = join('.cache', 'mutation');
const STRYKER = join(HERE, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
/** A part with a lower score fails, even if all survivors are explained. */
export const MIN_SCORE = 90;
/** A test that takes more than twice its usual time counts as an endless loop. */
const TIMEOUT_FACTOR = 2;
const TIMEOUT_MS = 30_000;

const Position = z.object({ line: z.int(), column: z.int() });
const Report = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.string(),
      mutants: z.array(
        z.object({
          mutatorName: z.string(),
          replacement: z._default(z.string(), ''),
          status: z.string(),
          location: z.object({ start: Position, end: Position }),
        }),
      ),
    }),
  ),
});
type Report = z.output<typeof Report>;
type Reported = Report['files'][string]['mutants'][number];

/** A change to a file, and whether a test failed because of it. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly mutator: string;
  /** As Stryker writes it: lines start at 1, columns at 0. */
  readonly range: string;
  /** The original and the mutated code. White space is collapsed to one blank. */
  readonly from: string;
  readonly to: string;
  readonly state: 'killed' | 'timeout' | 'survived' | 'left out';
}

/** Installs Stryker once; it is not a dependency of the project. @throws SetupError */
export function ensureInstalled(): void {
  if (existsSync(STRYKER)) return;
  console.log(`Installing the packages of ${HERE}/package-lock.json …`);
  const { status } = spawnSync('npm', ['ci', '--prefix', HERE], { stdio: 'inherit' });
  if (status !== 0) throw new SetupError(`npm ci in ${HERE} failed.`);
}

interface Run {
  /** Reuses earlier results for mutants whose file and tests are unchanged. */
  readonly goesOn: boolean;
  /** No file of the part is left out. */
  readonly isWhole: boolean;
  readonly isExplained: (mutant: Mutant) => boolean;
}

/**
 * Tries every mutant of a part with its own tests. The part's further tests then try the survivors without an
 * explanation. A survivor takes as long as all of its tests, and no test can catch an explained one.
 * @throws SetupError when a run did not finish, for example because a test fails without a mutant
 */
export async function tryMutants(part: Part, { goesOn, isWhole, isExplained }: Run): Promise<Mutant[]> {
  const kind = !isWhole ? 'changed-' : goesOn ? 'incremental-' : '';
  const report = await runStryker(part, part.mutated, { kind, goesOn, isFurther: false });
  const open = mutantsOf(report).filter((one) => one.state === 'survived' && !isExplained(one));
  if (part.furtherTests !== undefined && open.length > 0) {
    console.log(`\n${open.length} survivors are tried with the further tests`);
    const ranges = open.map(({ file, range }) => `${file}:${range}`);
    const further = await runStryker(part, ranges, { kind: `${kind}further-`, goesOn, isFurther: true });
    const merged = withCaught(report, further);
    // `--judge` reads it again.
    writeFileSync(fileOf(part, `${kind}report`), JSON.stringify(merged));
    return mutantsOf(merged);
  }
  return mutantsOf(report);
}

/** The report, in which the survivors that the further tests caught are no longer survivors. */
function withCaught({ files }: Report, further: Report): Report {
  const merged = Object.entries(files).map(([file, { source, mutants }]) => {
    const again = further.files[file]?.mutants ?? [];
    const caught = new Map(again.filter(isCaught).map((one) => [identityOf(one), one.status]));
    const judged = mutants.map((one) =>
      isCaught(one) ? one : { ...one, status: caught.get(identityOf(one)) ?? one.status },
    );
    return [file, { source, mutants: judged }] as const;
  });
  return { files: Object.fromEntries(merged) };
}

const isCaught = ({ status }: Reported): boolean => ['killed', 'timeout'].includes(stateOf(status));

const identityOf = ({ mutatorName, replacement, location }: Reported): string =>
  JSON.stringify([mutatorName, replacement, location]);

interface StrykerRun {
  /** The beginning of its files' names. */
  readonly kind: string;
  readonly goesOn: boolean;
  /** With the part's further tests, in place of its own. */
  readonly isFurther: boolean;
}

/** @param mutated files, or places in files */
async function runStryker(
  part: Part,
  mutated: readonly string[],
  { kind, goesOn, isFurther }: StrykerRun,
): Promise<Report> {
  mkdirSync(CACHE, { recursive: true });
  const file = (what: string) => fileOf(part, `${kind}${what}`);
  const report = file('report');
  rmSync(report, { force: true });
  writeFileSync(
    file('settings'),
    JSON.stringify({
      packageManager: 'npm',
      testRunner: 'vitest',
      plugins: ['@stryker-mutator/vitest-runner', join(process.cwd(), HERE, 'left-out.ts')],
      ignorers: ['left-out'],
      vitest: { configFile: join(HERE, 'vitest.config.ts'), related: false },
      mutate: mutated,
      // Without tsconfig.json: Stryker reads it with an API that TypeScript 7 does not have.
      ignorePatterns: [
        '.cache',
        '.data',
        '.serverless',
        '.esbuild',
        'docs',
        'tsconfig.json',
        `${HERE}/node_modules`,
      ],
      tempDirName: join(CACHE, 'sandbox'),
      disableTypeChecks: true,
      coverageAnalysis: 'perTest',
      concurrency: 2,
      incremental: goesOn,
      incrementalFile: file('known'),
      reporters: [process.stdout.isTTY ? 'progress' : 'progress-append-only', 'json'],
      jsonReporter: { fileName: report },
      // Stryker's own verdict does not count: `run.ts` judges all runs of a part together.
      thresholds: { high: 100, low: MIN_SCORE, break: null },
      timeoutFactor: TIMEOUT_FACTOR,
      timeoutMS: TIMEOUT_MS,
      warnings: { slow: false },
      allowEmpty: false,
    }),
  );
  const stryker = spawn(process.execPath, [STRYKER, 'run', file('settings')], {
    stdio: 'inherit',
    env: {
      ...process.env,
      [PART_VARIABLE]: part.name,
      [FURTHER_VARIABLE]: isFurther ? '1' : '',
      VITE_CONFIG_NATIVE_IGNORE_WARNING: 'true',
    },
  });
  await once(stryker, 'exit');
  if (!existsSync(report)) throw new SetupError(`Stryker wrote no report for ${part.name}.`);
  return Report.parse(JSON.parse(readFileSync(report, 'utf8')));
}

/**
 * The results of a part's last whole run on the current code. A new explanation can be judged without another
 * run.
 * @throws SetupError when there was no run, or the code has changed since
 */
export function lastRun(part: Part): { readonly mutants: Mutant[]; readonly minutes: number } {
  const again = `Run it again: npm run check:mutation -- --part ${part.name}`;
  const file = fileOf(part, 'report');
  if (!existsSync(file))
    throw new SetupError(`There is no report for ${part.name} on this machine. ${again}`);
  const report = Report.parse(JSON.parse(readFileSync(file, 'utf8')));
  for (const [name, { source }] of Object.entries(report.files)) {
    if (!existsSync(name) || readFileSync(name, 'utf8') !== source)
      throw new SetupError(`${name} has changed since its run. ${again}`);
  }
  const tookMs = statSync(file).mtimeMs - statSync(fileOf(part, 'settings')).mtimeMs;
  return { mutants: mutantsOf(report), minutes: tookMs / 60_000 };
}

const fileOf = ({ name }: Part, kind: string): string => join(CACHE, `${name}-${kind}.json`);

function mutantsOf({ files }: Report): Mutant[] {
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants.map(({ mutatorName, replacement, status, location }) => ({
      file,
      line: location.start.line,
      column: location.start.column,
      mutator: mutatorName,
      range: rangeOf(location),
      from: oneLine(between(lines, location)),
      to: oneLine(replacement),
      state: stateOf(status),
    }));
  });
}

const rangeOf = ({ start, end }: Reported['location']): string =>
  `${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`;

/** Mutants that do not compile or fail before a test runs are left out, like ignored mutants. */
function stateOf(status: string): Mutant['state'] {
  switch (status) {
    case 'Killed':
      return 'killed';
    case 'Timeout':
      return 'timeout';
    case 'Survived':
    case 'NoCoverage':
      return 'survived';
    case 'Ignored':
    case 'CompileError':
    case 'RuntimeError':
      return 'left out';
    default:
      throw new Error(`Unexpected status of a mutant: ${status}`);
  }
}

/** Lines and columns start at 1. The end is exclusive. */
function between(
  lines: readonly string[],
  { start, end }: { start: z.output<typeof Position>; end: z.output<typeof Position> },
): string {
  const within = lines.slice(start.line - 1, end.line);
  return within
    .map((line, i) =>
      line.slice(i === 0 ? start.column - 1 : 0, i === within.length - 1 ? end.column - 1 : undefined),
    )
    .join('\n');
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
