import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import * as z from 'zod/mini';
import { optionsOf, runCheck } from '../support/program.ts';

const USAGE = `npm run check:test-map -- [options]    no test was lost when the tests moved: 1 minute

  --print          prints the current place of each test
  --quick          parses the test files without running them: seconds, and placeholders fit any name
  --report FILE    reads a JSON report of vitest instead of collecting the tests; may be repeated

before.json lists the tests from before they moved, and table.json has the current place of each.
Fails for a test without a place, and for a place that does not exist. Needs only the install.`;

const CONFIGS = ['vitest.config.ts', 'checks/vitest.config.ts'];
/** Collected but not run, because packaging takes minutes. These test names contain placeholders. */
const TEMPLATE_CONFIG = 'checks/template/vitest.config.ts';

const Before = z.record(
  z.string(),
  z.array(z.union([z.string(), z.strictObject({ name: z.string(), times: z.int() })])),
);
const Place = z.strictObject({
  file: z.string(),
  /** A test in the file. Without a name, the file is a program that checks the same. */
  name: z.optional(z.string()),
});
const Table = z.record(
  z.string(),
  z.strictObject({
    /** The file that now has the old file's tests, under the same names. */
    now: z.string(),
    /** Tests that moved elsewhere or were replaced. `why` explains a replacement. */
    but: z.optional(
      z.array(
        z.strictObject({
          name: z.string(),
          now: z.array(Place).check(z.minLength(1)),
          why: z.optional(z.string()),
        }),
      ),
    ),
  }),
);
const Listed = z.array(z.object({ name: z.string(), file: z.string() }));
const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(z.object({ ancestorTitles: z.array(z.string()), title: z.string() })),
    }),
  ),
});

interface Row {
  readonly file: string;
  readonly name: string;
  readonly times: number;
  readonly now: readonly z.output<typeof Place>[];
  readonly isElsewhere: boolean;
  readonly why: string | null;
}

const values = optionsOf(USAGE, {
  print: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  report: { type: 'string', multiple: true },
});

const parsed = <T extends z.ZodMiniType>(schema: T, name: string): z.output<T> =>
  schema.parse(JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')));

const before = parsed(Before, 'before.json');
const table = parsed(Table, 'table.json');
const rows = Object.entries(before).flatMap(([file, tests]) =>
  tests.map((test) => rowOf(file, typeof test === 'string' ? { name: test, times: 1 } : test)),
);
const today = values.report === undefined ? collected() : reported(values.report);
const problems = [...rows.flatMap(problemsOf), ...superfluous()];
if (values.print) {
  for (const { file, name, now, why } of rows) {
    const places = now.map((place) =>
      [place.file, place.name === name ? 'same name' : place.name].join(': '),
    );
    console.log([file, name, places.join(' + '), why ?? ''].join('\t'));
  }
}
for (const problem of problems) console.error(`✗ ${problem}`);
const count = rows.reduce((sum, { times }) => sum + times, 0);
const moved = rows.filter(({ isElsewhere }) => isElsewhere).length;
console.log(
  `${count} earlier tests, ${problems.length} without a place; ${moved} names elsewhere or replaced.`,
);
await runCheck(() => problems.length === 0 && count > 0);

function rowOf(file: string, { name, times }: { name: string; times: number }): Row {
  const entry = table[file];
  const other = entry?.but?.find((one) => one.name === name);
  return {
    file,
    name,
    times,
    now: other?.now ?? (entry === undefined ? [] : [{ file: entry.now, name }]),
    isElsewhere: other !== undefined,
    why: other?.why ?? null,
  };
}

function problemsOf({ file, name, times, now, isElsewhere }: Row): string[] {
  if (now.length === 0) return [`${file}: table.json has no entry for ${name}`];
  return now.flatMap((place) => {
    if (place.name === undefined)
      return existsSync(place.file) ? [] : [`${file}: ${name}: ${place.file} does not exist`];
    const wanted = isElsewhere ? 1 : times;
    const found = (today.get(place.file) ?? []).filter((test) => isTest(test, place.name ?? ''));
    if (found.length >= wanted || found.some(({ isPattern }) => isPattern)) return [];
    if (values.quick && isInSource(place.file, place.name)) return [];
    return [`${file}: ${place.file} has no test with the name: ${place.name}`];
  });
}

/** Entries of table.json for tests that did not exist before are mistakes. */
function superfluous(): string[] {
  const known = new Set(rows.map(({ file, name }) => `${file}: ${name}`));
  return Object.entries(table).flatMap(([file, { but = [] }]) =>
    but
      .map(({ name }) => `${file}: ${name}`)
      .filter((one) => !known.has(one))
      .map((one) => `table.json names a test that is not in before.json: ${one}`),
  );
}

interface Test {
  readonly name: string;
  /** Whether the name has placeholders for a table of cases. */
  readonly isPattern: boolean;
}

function isTest(test: Test, name: string): boolean {
  return test.isPattern ? patternOf(test.name).test(name) : test.name === name;
}

function patternOf(template: string): RegExp {
  const literal = template
    .split(/%[sdifjoO#$]|\$[\w.]+/)
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 's');
}

type Tests = Map<string, Test[]>;

/** All current tests, by file. */
function collected(): Tests {
  const folder = mkdtempSync(join(tmpdir(), 'test-map-'));
  try {
    const tests: Tests = new Map();
    for (const config of [...CONFIGS, TEMPLATE_CONFIG]) {
      const isPattern = values.quick || config === TEMPLATE_CONFIG;
      const file = join(folder, 'list.json');
      const options = [`--json=${file}`, ...(isPattern ? [] : ['--no-staticParse'])];
      const { status, stderr } = spawnSync(
        process.execPath,
        ['node_modules/vitest/vitest.mjs', 'list', '--config', config, ...options],
        { encoding: 'utf8' },
      );
      if (status !== 0) throw new Error(`The tests of ${config} cannot be collected.\n${stderr}`);
      for (const one of Listed.parse(JSON.parse(readFileSync(file, 'utf8')))) {
        add(tests, one.file, { name: one.name, isPattern });
      }
    }
    return tests;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function reported(reports: readonly string[]): Tests {
  const tests: Tests = new Map();
  for (const report of reports) {
    for (const { name: file, assertionResults } of Report.parse(JSON.parse(readFileSync(report, 'utf8')))
      .testResults) {
      for (const { ancestorTitles, title } of assertionResults) {
        add(tests, file, { name: [...ancestorTitles, title].join(' > '), isPattern: false });
      }
    }
  }
  return tests;
}

function add(tests: Tests, file: string, test: Test): void {
  const name = relative(process.cwd(), file);
  tests.set(name, [...(tests.get(name) ?? []), test]);
}

/** For `--quick`, because the parser misses conditional tests. */
function isInSource(file: string, name: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8').includes(name.split(' > ').at(-1) ?? name);
}
