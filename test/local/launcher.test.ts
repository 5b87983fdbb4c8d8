import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';

/* The messages of npm start for an incomplete install. Runs local/run.mjs with parts of node_modules. */

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'rsolv-billing-launcher-'));
  onTestFinished(() => rmSync(project, { recursive: true }));
  mkdirSync(join(project, 'local'));
  copyFileSync('local/run.mjs', join(project, 'local/run.mjs'));
  writeFileSync(join(project, 'local/start.ts'), "console.log('started', ...process.argv.slice(2));");
});

const install = (...names: string[]) => {
  for (const name of names) mkdirSync(join(project, 'node_modules', name), { recursive: true });
};

/** Runs the launcher on this Node, which pretends to have another version. */
function launch(args: readonly string[], version = process.versions.node) {
  const pretend = `Object.defineProperties(process, {
    version: { value: 'v${version}' },
    versions: { value: { ...process.versions, node: '${version}' } },
  })`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(pretend)}`,
      join(project, 'local/run.mjs'),
      ...args,
    ],
    { encoding: 'utf8' },
  );
  return { status, out: stdout.trim(), fault: stderr.trim() };
}

it('npm start runs the program with its flags', () => {
  install('serverless', 'node');
  expect(launch(['start', '--watch'])).toEqual({ status: 0, out: 'started --watch', fault: '' });
});

it('npm start without an install prints one line that says npm ci', () => {
  expect(launch(['start'], '20.20.2')).toEqual({
    status: 1,
    out: '',
    fault: 'The packages are not installed. Run: npm ci',
  });
});

it('npm start after NODE_ENV=production npm ci says how to install the development packages', () => {
  install('zod');
  expect(launch(['start'], '20.20.2')).toEqual({
    status: 1,
    out: '',
    fault:
      'The development packages are not installed (NODE_ENV=production or --omit=dev). Run: npm ci ' +
      '--include=dev',
  });
});

it('npm start after npm ci --ignore-scripts on an older Node says how to install Node', () => {
  install('serverless', 'node');
  expect(launch(['start'], '20.20.2')).toEqual({
    status: 1,
    out: '',
    fault:
      'Node 24 is required, but this is v20.20.2: an install without scripts omits Node. ' +
      'Run: npm rebuild node --ignore-scripts=false',
  });
});

it('the launcher on an older Node says to use npm', () => {
  install('serverless', 'node/bin/node');
  expect(launch(['start'], '20.20.2').fault).toBe(
    'Node 24 is required, but this is v20.20.2. Run it through npm: npm run start',
  );
});
