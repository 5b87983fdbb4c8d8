import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { PART_VARIABLE, type Part } from './parts.ts';

const HERE = 'checks/mutation';
const CACHE = join('.cache', 'mutation');
const STRYKER = join(HERE, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
/** Below it a part fails, whatever its survivors' explanations. */
export const MIN_SCORE = 90;
/** Beyond twice its usual time a test is taken to have run into a loop that does not end. */
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

/** A change that was made to a file, and whether a test failed for it. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly mutator: string;
  /** What stands in the file, and what stood there instead; white space is one blank. */
  readonly from: string;
  readonly to: string;
  readonly state: 'killed' | 'timeout' | 'survived' | 'left out';
}

/** Installs the tool, which is no dependency of the project, once. @throws SetupError */
export function ensureInstalled(): void {
  if (existsSync(STRYKER)) return;
  console.log(`Installing what ${HERE}/package-lock.json names…`);
  const { status } = spawnSync('npm', ['ci', '--prefix', HERE], { stdio: 'inherit' });
  if (status !== 0) throw new SetupError(`npm ci in ${HERE} failed.`);
}

/**
 * Tries every mutant of a part: `goesOn` takes over what an earlier run found about mutants whose file and tests have not changed
 * since. `isWhole` where no file of the part was left out.
 * @throws SetupError when it did not come to an end, for example because a test fails anyway
 */
export async function tryMutants(
  part: Part,
  { goesOn, isWhole }: { readonly goesOn: boolean; readonly isWhole: boolean },
): Promise<Mutant[]> {
  mkdirSync(CACHE, { recursive: true });
  const kind = !isWhole ? 'changed-' : goesOn ? 'incremental-' : '';
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
      mutate: part.mutated,
      // Not the compiler's settings: Stryker reads them with an API that TypeScript 7 does not have.
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
      thresholds: { high: 100, low: MIN_SCORE, break: MIN_SCORE },
      timeoutFactor: TIMEOUT_FACTOR,
      timeoutMS: TIMEOUT_MS,
      warnings: { slow: false },
      allowEmpty: false,
    }),
  );
  const stryker = spawn(process.execPath, [STRYKER, 'run', file('settings')], {
    stdio: 'inherit',
    env: { ...process.env, [PART_VARIABLE]: part.name, VITE_CONFIG_NATIVE_IGNORE_WARNING: 'true' },
  });
  await once(stryker, 'exit');
  if (!existsSync(report)) throw new SetupError(`Stryker made no report of ${part.name}.`);
  return mutantsOf(Report.parse(JSON.parse(readFileSync(report, 'utf8'))));
}

/**
 * What the last whole run of a part found, of the code that stands here: an explanation need not wait for another one.
 * @throws SetupError where there was none, or the code is another one by now
 */
export function lastRun(part: Part): { readonly mutants: Mutant[]; readonly minutes: number } {
  const again = `Run it anew: npm run check:mutation -- --part ${part.name}`;
  const file = fileOf(part, 'report');
  if (!existsSync(file)) throw new SetupError(`There is no report of ${part.name} on this machine. ${again}`);
  const report = Report.parse(JSON.parse(readFileSync(file, 'utf8')));
  for (const [name, { source }] of Object.entries(report.files)) {
    if (!existsSync(name) || readFileSync(name, 'utf8') !== source)
      throw new SetupError(`${name} is not what was tried. ${again}`);
  }
  const tookMs = statSync(file).mtimeMs - statSync(fileOf(part, 'settings')).mtimeMs;
  return { mutants: mutantsOf(report), minutes: tookMs / 60_000 };
}

const fileOf = ({ name }: Part, kind: string): string => join(CACHE, `${name}-${kind}.json`);

function mutantsOf({ files }: z.output<typeof Report>): Mutant[] {
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants.map(({ mutatorName, replacement, status, location }) => ({
      file,
      line: location.start.line,
      column: location.start.column,
      mutator: mutatorName,
      from: oneLine(between(lines, location)),
      to: oneLine(replacement),
      state: stateOf(status),
    }));
  });
}

/** What does not compile, or fails before a test runs, is no mutant of a program; nor is what was left out. */
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
      throw new Error(`Stryker says ${status} of a mutant`);
  }
}

/** Lines and columns from 1, the end not included. */
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
