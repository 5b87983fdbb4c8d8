import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { costRows, stageCost } from './stage-cost.ts';
import { packagedStages } from './stages.ts';

const MANUAL = readFileSync('docs/operate.md', 'utf8').split('\n');

it('the manual says what production costs in a month without a request, from the packaged template', () => {
  const production = packagedStages.find(({ stage }) => stage === 'production');
  if (production === undefined) throw new Error('production is not packaged');
  const costs = stageCost(production.template);
  const rows = costRows(costs);
  expect(MANUAL.filter((line) => rows.some((row) => firstCell(row) === firstCell(line)))).toEqual(rows);
  for (const { count } of costs) expect(count).toBeGreaterThan(0);
});

const firstCell = (row: string): string => row.split('|', 2).join('|');
