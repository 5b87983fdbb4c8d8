import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { BACKUP_RIGHTS, DEPLOY_RIGHTS, DOMAIN_RIGHTS } from '../../cli/preflight/rights.ts';
import { importOf } from '../../cli/recovery/import-kept.ts';
import { passesPreflight } from '../../infrastructure/preflight.ts';
import { packagedStages } from './stages.ts';

describe.each(packagedStages)('a deploy of $stage', ({ stage, template }) => {
  it('preflight asks for a right to every service that the template uses', () => {
    const used = new Set(template.all.map(({ type }) => type.split('::')[1]));
    const asked = new Set([...DEPLOY_RIGHTS, ...BACKUP_RIGHTS].flatMap(({ types }) => types));
    expect([...used].filter((one) => one === undefined || !asked.has(one))).toEqual([]);
  });

  it('the table, every log and the vault can be imported: none refers to another resource', () => {
    const kept = [
      ...template.ofType('AWS::DynamoDB::Table').map(({ properties }) => ({
        type: 'AWS::DynamoDB::Table' as const,
        name: String(properties['TableName']),
      })),
      ...template.ofType('AWS::Logs::LogGroup').map(({ properties }) => ({
        type: 'AWS::Logs::LogGroup' as const,
        name: String(properties['LogGroupName']),
      })),
      ...template.ofType('AWS::Backup::BackupVault').map(({ properties }) => ({
        type: 'AWS::Backup::BackupVault' as const,
        name: String(properties['BackupVaultName']),
      })),
    ];
    const { resources } = importOf(inject('templates')[stage], kept);
    expect(resources).toHaveLength(kept.length);
    expect(kept.length).toBeGreaterThan(20);
  });
});

it('docs/operate.md names every service that a deploy needs', () => {
  const [, step = ''] = readFileSync('docs/operate.md', 'utf8').split('**1. The account.**');
  for (const { service } of [...DEPLOY_RIGHTS, ...BACKUP_RIGHTS, ...DOMAIN_RIGHTS])
    expect(step.split('**2.')[0]).toContain(service);
});

describe('the preflight of a deploy', () => {
  /** A project whose command line ends with this exit code and notes how it was called. */
  function project(exitCode: number) {
    const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-deploy-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'cli'));
    const code = `import { writeFileSync } from 'node:fs';
      const { AWS_REGION: region, AWS_PROFILE: profile } = process.env;
      writeFileSync('called.json', JSON.stringify({ args: process.argv.slice(2), region, profile }));
      process.exitCode = ${exitCode};`;
    writeFileSync(join(folder, 'cli', 'rsolv-billing.mjs'), code);
    return { folder, called: (): unknown => JSON.parse(readFileSync(join(folder, 'called.json'), 'utf8')) };
  }
  const run = (serviceDir: string, param: readonly string[] = []) =>
    passesPreflight({
      serviceDir,
      service: { stage: 'production' },
      provider: { getRegion: () => 'eu-west-1', getProfile: () => 'deployer' },
      param,
    });

  it('the preflight has the region, the identity and the settings of the deploy', () => {
    const { folder, called } = project(0);
    expect(run(folder, ['copyRegion=eu-west-3'])).toBe(true);
    expect(called()).toEqual({
      args: ['preflight', '--stage', 'production', '--param', 'copyRegion=eu-west-3'],
      region: 'eu-west-1',
      profile: 'deployer',
    });
  });

  it.each([
    [0, true],
    [1, false],
    [2, false],
    [3, true],
  ])('after a preflight that exits with %i, the deploy goes on: %s', (exitCode, goesOn) => {
    expect(run(project(exitCode).folder)).toBe(goesOn);
  });
});
