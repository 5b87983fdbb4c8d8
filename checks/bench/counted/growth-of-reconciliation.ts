import { setImmediate } from 'node:timers/promises';
import { reconcile } from '../../../lib/operations/reconcile/run.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { customerWith } from '../../../test/support/fixtures.ts';
import { manyTimes, onEmptyTable, pointOf, type Reach } from './growth.ts';
import type { Point, Series } from './results.ts';
import type { Scene } from './scene.ts';

const CREDITS = 5;

/** The cost of a whole reconciliation, by the number of customers. The table holds only these customers. */
export async function growthOfReconciliation(
  scene: Scene,
  { reconciled }: Pick<Reach, 'reconciled'>,
  progress: (what: string) => void,
): Promise<Series> {
  const deps = withoutWaiting(await onEmptyTable(scene.money, 'reconciled'));
  const points: Point[] = [];
  let there = 0;
  for (const count of reconciled) {
    progress(`growth: a reconciliation of ${count.toLocaleString('en')} customers`);
    await manyTimes(count - there, () => customerWith(deps, CREDITS));
    there = count;
    const point = await pointOf(scene, count, async () => {
      const { state, report } = await reconcile(deps, { run: `bench-${count}` });
      if (state !== 'finished' || report.customers.checked !== count)
        throw new Error(`${report.customers.checked} of ${count} customers were reconciled: ${state}`);
    });
    points.push(point);
  }
  return { what: 'reconciliation', against: 'customers', designed: 'linear', points };
}

/** A clock that `sleep` advances. The reconciliation limits its rate, and this wait is not measured. */
function withoutWaiting(deps: PaymentDeps): PaymentDeps {
  let aheadMs = 0;
  const nowMs = () => Date.now() + aheadMs;
  return {
    ...deps,
    now: () => new Date(nowMs()),
    sleep: async (ms) => {
      const wakesMs = nowMs() + ms;
      await setImmediate();
      aheadMs += Math.max(0, wakesMs - nowMs());
    },
  };
}
