import { expect, it } from 'vitest';
import { bundle, readBundlePlan } from '../../budgets/bundle-functions.ts';
import { earlierPlan } from './bundle.ts';

it('every function can be bundled with the earlier modules', async () => {
  const plan = readBundlePlan();
  const all = {
    name: 'all',
    source: plan.functions.map(({ entry }) => `export * from './${entry}';`).join('\n'),
  };
  const { bytesBySource } = await bundle(earlierPlan(plan), all, { folder: 'functions', write: false });
  expect([...bytesBySource.keys()]).toContain('checks/bench/earlier/table.ts');
});
