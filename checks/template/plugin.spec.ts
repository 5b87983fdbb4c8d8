import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readDefinition } from '../../cli/doctor/definition.ts';
import DeployedShape from '../../infrastructure/plugin.ts';

/** The framework's side of a deploy, as far as the plugin reads it. */
function pluginOf(stage: 'production' | 'dev', command: string, preflight: 'run' | 'skip') {
  const serviceDir = mkdtempSync(join(tmpdir(), 'rsolv-billing-plugin-'));
  onTestFinished(() => rmSync(serviceDir, { recursive: true }));
  const { name, metricsNamespace, tableName, parameters, functions, ...operations } =
    readDefinition(stage).service;
  const settings = { description: '' };
  const { stage: _, ...custom } = { ...operations, preflight, alarmEmail: 'ops@rsolv.example' };
  const framework = {
    classes: { Error },
    configurationInput: { params: { default: {}, dev: {}, production: {} } },
    processedInput: { commands: [command] },
    serviceDir,
    service: {
      service: name,
      custom: { metricsNamespace, tableName, parameters, operations: custom },
      functions: { health: settings },
      provider: { compiledCloudFormationTemplate: { Resources: {} } },
    },
    configSchemaHandler: { defineFunctionProperties: () => {} },
    getProvider: () => ({
      getStage: () => stage,
      getRegion: () => 'us-east-1',
      getProfile: () => undefined,
      naming: { getLambdaLogicalId: (key: string) => key },
    }),
  };
  expect(functions.length).toBeGreaterThan(10);
  return { hooks: new DeployedShape(framework, {}).hooks, settings };
}

it('a deploy of production from a tree that no commit names is refused before anything is built', () => {
  const { hooks, settings } = pluginOf('production', 'deploy', 'skip');
  expect(() => hooks['before:package:initialize']?.()).toThrow('not a git checkout');
  expect(settings.description).toBe('');
});

it('a deploy of production that was packaged before is refused in the same way', () => {
  const { hooks } = pluginOf('production', 'deploy', 'skip');
  expect(() => hooks['before:deploy:deploy']?.()).toThrow('not a git checkout');
});

it('packaging production needs no commit and no account', () => {
  const { hooks, settings } = pluginOf('production', 'package', 'run');
  hooks['before:package:initialize']?.();
  expect(settings.description).toBe('unknown commit');
});

it('a deploy whose preflight does not pass is refused before anything is built', () => {
  // The folder has no command line, so the preflight ends with a failure.
  const { hooks, settings } = pluginOf('dev', 'deploy', 'run');
  expect(() => hooks['before:package:initialize']?.()).toThrow('Nothing was changed.');
  expect(settings.description).toBe('');
});

it('a deploy without its preflight goes on', () => {
  const { hooks, settings } = pluginOf('dev', 'deploy', 'skip');
  hooks['before:package:initialize']?.();
  hooks['before:deploy:deploy']?.();
  expect(settings.description).toBe('unknown commit');
});
