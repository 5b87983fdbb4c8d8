import { mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { stateFolder } from '../../local/stack/state-folder.ts';

let project: string;
let temporary: string;
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'rsolv-billing-state-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  project = join(root, 'project');
  temporary = join(root, 'temporary');
  mkdirSync(project);
  mkdirSync(temporary);
});

/** Root may write anywhere: a file where the folder would be stands for a checkout that is read only. */
const makeReadOnly = () => writeFileSync(join(project, '.cache'), '');

it('a stack keeps its caches in the checkout', () => {
  expect(stateFolder(project, temporary)).toBe(join(project, '.cache'));
});

it('a stack of a read-only checkout keeps its caches in a private temporary folder, with the libraries beside', () => {
  makeReadOnly();
  const folder = stateFolder(project, temporary);
  expect(folder.startsWith(join(temporary, 'rsolv-billing-'))).toBe(true);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readlinkSync(join(folder, 'node_modules'))).toBe(join(project, 'node_modules'));
  expect(stateFolder(project, temporary)).toBe(folder);
});

it('two read-only checkouts keep their caches apart', () => {
  makeReadOnly();
  const other = `${project}-2`;
  mkdirSync(other);
  writeFileSync(join(other, '.cache'), '');
  expect(stateFolder(other, temporary)).not.toBe(stateFolder(project, temporary));
});

it('where nothing can be written, one line says so', () => {
  makeReadOnly();
  const blocked = join(temporary, 'file');
  writeFileSync(blocked, '');
  expect(() => stateFolder(project, blocked)).toThrow(
    /^Neither .*\.cache nor .* can be written: .*TMPDIR\.$/,
  );
});
