import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { describeRelease, readRelease, unreleasable } from '../../infrastructure/release.ts';
import { REDEPLOYED } from './package-stage.ts';
import { packagedStages } from './stages.ts';
import { Template } from './template.ts';

const versionsOf = (template: Template) => template.ofType('AWS::Lambda::Version').map(({ id }) => id);
const descriptionsOf = (template: Template) =>
  template.ofType('AWS::Lambda::Function').map(({ properties }) => properties['Description']);

describe('what a deploy publishes', () => {
  it.each(packagedStages)('every function on $stage names the commit', ({ template }) => {
    const descriptions = new Set(descriptionsOf(template));
    expect([...descriptions]).toEqual([expect.stringMatching(/^commit [0-9a-f]{40}(?:, with changes)?$/)]);
  });

  it('the same commit with another redeploy number publishes a new version of every canary', () => {
    const first = packagedStages.find(({ stage }) => stage === 'dev')?.template;
    if (first === undefined) throw new Error('dev was not packaged');
    const again = new Template(inject('templates')[REDEPLOYED]);
    expect(descriptionsOf(again)).toEqual(descriptionsOf(first).map((one) => `${one}, redeploy 1`));
    expect(versionsOf(again)).toHaveLength(versionsOf(first).length);
    expect(versionsOf(again).filter((id) => first.has(id))).toEqual([]);
    const others = ({ all }: Template) =>
      all.filter(({ type }) => !/^AWS::(Lambda|CloudWatch)::/.test(type)).map(({ id }) => id);
    expect(others(again)).toEqual(others(first));
  });
});

describe('the commit of a working tree', () => {
  function checkout(): { folder: string; git: (...args: string[]) => string } {
    const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-release-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@rsolv.example'];
    const git = (...args: string[]) =>
      execFileSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' }).trim();
    return { folder, git };
  }
  function committed() {
    const tree = checkout();
    tree.git('init', '--quiet');
    writeFileSync(join(tree.folder, '.gitignore'), 'built\n');
    tree.git('add', '.');
    tree.git('commit', '--quiet', '--message', 'first');
    return { ...tree, commit: tree.git('rev-parse', 'HEAD') };
  }

  it('a tree as committed is described by its commit, and may be released', () => {
    const { folder, commit } = committed();
    writeFileSync(join(folder, 'built'), 'ignored by git');
    const release = readRelease(folder);
    expect(release).toEqual({ commit, hasChanges: false });
    expect(describeRelease(release, '')).toBe(`commit ${commit}`);
    expect(unreleasable(release)).toBeNull();
  });

  it('a tree with a file that is not committed is described so, and may not be released', () => {
    const { folder, commit } = committed();
    writeFileSync(join(folder, 'new.ts'), '');
    const release = readRelease(folder);
    expect(describeRelease(release, '2')).toBe(`commit ${commit}, with changes, redeploy 2`);
    expect(unreleasable(release)).toContain('differs from its commit');
  });

  it('a folder without git has no commit, and may not be released', () => {
    const release = readRelease(checkout().folder);
    expect(describeRelease(release, '')).toBe('unknown commit');
    expect(unreleasable(release)).toContain('not a git checkout');
  });
});
