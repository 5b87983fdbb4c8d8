import { ensureTable } from '../../../cli/stage/table.ts';
import { openTable } from '../../../lib/store/table.ts';
import { range } from '../../../test/support/fixtures.ts';
import type { Money } from '../../../test/support/money.ts';
import type { Cost, Point } from './results.ts';
import type { Scene } from './scene.ts';

/** The counts at which each series is measured. */
export interface Reach {
  readonly history: readonly number[];
  readonly customers: readonly number[];
  readonly low: readonly number[];
  readonly reconciled: readonly number[];
}

export const USUAL_REACH: Reach = {
  history: [10, 100, 1_000, 10_000],
  customers: [100, 1_000, 10_000],
  low: [1, 10, 100],
  reconciled: [10, 50, 250],
};

export const FULL_REACH: Reach = {
  history: [10, 100, 1_000, 10_000, 50_000],
  customers: [100, 1_000, 10_000, 50_000],
  low: [1, 10, 100, 1_000],
  reconciled: [10, 100, 1_000],
};

/** One point of a series. `work` is metered once. */
export async function pointOf(scene: Scene, count: number, work: () => Promise<unknown>): Promise<Point> {
  const startedMs = performance.now();
  const cost = await scene.measured(work);
  return { count, ...callsAndUnits(cost), milliseconds: performance.now() - startedMs };
}

const callsAndUnits = ({ requests, readUnits, writeUnits }: Cost) => ({
  calls: requests.length,
  units: readUnits + writeUnits,
});

/** The same service and meter on another, empty table. */
export async function onEmptyTable({ deps }: Money, name: string): Promise<Money['deps']> {
  const tableName = `${deps.table.name}-${name}`;
  const table = openTable({
    tableName,
    stage: deps.stage,
    dynamodbEndpoint: process.env['DYNAMODB_ENDPOINT'],
  });
  await ensureTable(table.client, tableName);
  return { ...deps, table };
}

const AT_ONCE = 8;

/** Runs `work` `count` times, a few concurrently. */
export async function manyTimes(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(range(1, Math.min(AT_ONCE, count - done)).map(work));
  }
}
