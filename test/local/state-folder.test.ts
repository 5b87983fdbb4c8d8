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

/** Simulates a read-only checkout with a file in place of the folder, because root can write anywhere. */
const makeReadOnly = () => writeFileSync(join(project, '.cache'), '');

it('a stack stores its caches in the checkout', () => {
  expect(stateFolder(project, temporary)).toBe(join(project, '.cache'));
});

it('a stack of a read-only checkout uses a private temporary folder that links the libraries', () => {
  makeReadOnly();
  const folder = stateFolder(project, temporary);
  expect(folder.startsWith(join(temporary, 'rsolv-billing-'))).toBe(true);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readlinkSync(join(folder, 'node_modules'))).toBe(join(project, 'node_modules'));
  expect(stateFolder(project, temporary)).toBe(folder);
});

it('two read-only checkouts use different temporary folders', () => {
  makeReadOnly();
  const other = `${project}-2`;
  mkdirSync(other);
  writeFileSync(join(other, '.cache'), '');
  expect(stateFolder(other, temporary)).not.toBe(stateFolder(project, temporary));
});

it('a stack without a writable folder fails with one line', () => {
  makeReadOnly();
  const blocked = join(temporary, 'file');
  writeFileSync(blocked, '');
  expect(() => stateFolder(project, blocked)).toThrow(/^Neither .*\.cache nor .* is writable: .*TMPDIR\.$/);
});
