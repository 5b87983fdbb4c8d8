import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNUSED_OBJECTS, UNUSED_PRODUCTS } from '../esbuild-plugins.ts';

const MAX_LINES = 300;
const MAX_FILES = 20;

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);

describe('the shape of the code', () => {
  it('the domain reads no environment and no clock, and draws nothing at random', () => {
    for (const file of filesIn('lib/domain')) {
      expect(readFileSync(file, 'utf8'), file).not.toMatch(
        /process\.|Date\.now|new Date\(\)|Math\.random|randomBytes|randomUUID/,
      );
    }
  });

  it('each function has one file, named in serverless.yml', () => {
    const deployed = [
      ...readFileSync('serverless.yml', 'utf8').matchAll(/handler: functions\/([\w-]+)\.handler/g),
    ];
    const files = filesIn('functions').map((file) => file.replace(/^functions\/|\.ts$/g, ''));
    expect(deployed.map(([, name]) => name).sort()).toEqual(files.sort());
  });

  it('no code calls an object of Stripe that the bundles leave out', () => {
    const leftOut = new Set([...UNUSED_OBJECTS, ...UNUSED_PRODUCTS]);
    const called = filesIn('lib').flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\bstripe\.(\w+)\./g)].map(([, name = '']) => name),
    );
    expect(called).toContain('paymentIntents');
    expect(called.filter((name) => leftOut.has(name.charAt(0).toUpperCase() + name.slice(1)))).toEqual([]);
  });

  it(`no file of lib is longer than ${MAX_LINES} lines`, () => {
    const linesOf = (file: string): number => readFileSync(file, 'utf8').trimEnd().split('\n').length;
    expect(filesIn('lib').filter((file) => linesOf(file) > MAX_LINES)).toEqual([]);
  });

  it(`no folder of lib holds more than ${MAX_FILES} files`, () => {
    const folders = Map.groupBy(filesIn('lib'), (file) => dirname(file));
    expect([...folders].filter(([, files]) => files.length > MAX_FILES).map(([folder]) => folder)).toEqual(
      [],
    );
  });
});

describe('the dependency rules', () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'dependency-rules-'));
    for (const part of ['lib', 'package.json', '.dependency-cruiser.mjs']) {
      cpSync(part, join(copy, part), { recursive: true });
    }
  });
  afterAll(() => rmSync(copy, { recursive: true }));

  /**
   * The violations that `npm run check` finds in the planted files. The copy has no packages installed, which
   * does not matter.
   */
  function violationsIn(planted: Readonly<Record<string, string>>): { found: string[]; exitCode: number } {
    for (const [file, code] of Object.entries(planted)) writeFileSync(join(copy, file), code);
    const cruiser = resolve('node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
    const { stdout, status } = spawnSync(process.execPath, [cruiser, 'lib/domain'], {
      cwd: copy,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    for (const file of Object.keys(planted)) rmSync(join(copy, file));
    const found = stdout.split('\n').filter((line) => line.includes('planted'));
    return { found, exitCode: status ?? -1 };
  }

  it('the dependency rules fail where a file of the domain imports the store', () => {
    const { found, exitCode } = violationsIn({
      'lib/domain/planted.ts': "export { openTable } from '../store/table.ts';\n",
    });
    expect(found).toContainEqual(
      expect.stringContaining('lib-domain-imports-no-room-above: lib/domain/planted.ts → lib/store/table.ts'),
    );
    expect(exitCode).toBeGreaterThan(0);
  });

  it('the dependency rules fail where two files import each other, even only a type', () => {
    const { found, exitCode } = violationsIn({
      'lib/domain/planted-one.ts': "export { two } from './planted-two.ts';\nexport type One = 1;\n",
      'lib/domain/planted-two.ts':
        "import type { One } from './planted-one.ts';\nexport const two: One = 1;\n",
    });
    expect(found).toContainEqual(expect.stringMatching(/no-cycle: lib\/domain\/planted-(?:one|two)\.ts/));
    expect(exitCode).toBeGreaterThan(0);
  });

  it('the dependency rules accept a file that imports its neighbour', () => {
    const { found } = violationsIn({
      'lib/domain/planted.ts': "export { normalizeEmail } from './email.ts';\n",
    });
    expect(found).toEqual([]);
  });
});
