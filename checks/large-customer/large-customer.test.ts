import { expect, it } from 'vitest';
import * as z from 'zod/mini';
import { closeCustomer } from '../../lib/operations/accounts/close-customer.ts';
import { reconcile } from '../../lib/operations/reconcile/run.ts';
import { settlePendingCharges } from '../../lib/operations/work/sweep.ts';
import { openClosingOf } from '../../lib/store/closing.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether } from '../../lib/store/table.ts';
import { middlewareOf } from '../../test/support/documents.ts';
import { customerWith, range } from '../../test/support/fixtures.ts';
import { writeFixes } from '../../test/support/large-history.ts';
import { openBooks } from '../../test/support/reconciliation.ts';

const FIXES = 100_000;
const BILLED = 40_000;
const OTHERS = 50;
const UNITS_PER_SECOND = 500;
/** Far less than a nightly invocation has, so a run needs several invocations. */
const BUDGET_MS = 60_000;
const SWEEPS = 40;

const Consumed = z._default(z.object({ CapacityUnits: z.number() }), { CapacityUnits: 0 });

it('a partition of 100,000 fixes stops neither the reconciliation of 50 others nor the closing of its customer', async () => {
  const books = await openBooks();
  const { deps, table } = books;
  const { head } = await customerWith(deps, 5);
  await writeFixes(deps, head.customerId, { recorded: FIXES, billed: BILLED });
  for (const _ of range(1, OTHERS)) await customerWith(deps, 5);

  let units = 0;
  middlewareOf(table).add(
    (next) => async (args) => {
      const answer = await next(args);
      if ('ConsumedCapacity' in answer.output && !Array.isArray(answer.output.ConsumedCapacity))
        units += Consumed.parse(answer.output.ConsumedCapacity).CapacityUnits;
      return answer;
    },
    { step: 'initialize', name: 'read-units' },
  );
  const startedMs = deps.now().getTime();
  let invocations = 0;
  let others = 0;
  for (;;) {
    invocations += 1;
    expect(invocations).toBeLessThan(100);
    const { state, report } = await reconcile(deps, { run: 'large', budgetMs: BUDGET_MS });
    if (others === 0 && report.customers.checked === OTHERS) others = invocations;
    if (state !== 'finished') continue;
    expect(report.drift).toEqual({ count: 0, named: [] });
    expect(report.customers).toMatchObject({ checked: OTHERS + 1, entries: OTHERS + BILLED + 2 });
    break;
  }
  const seconds = (deps.now().getTime() - startedMs) / 1_000;
  console.log(
    `reconciled in ${invocations} invocations, ${Math.round(units)} units in ${Math.round(seconds)} s`,
  );
  expect(invocations).toBeGreaterThan(2);
  // The other customers did not wait for the large one.
  expect(others).toBeGreaterThan(0);
  expect(others).toBeLessThan(invocations);
  expect(units).toBeLessThan(UNITS_PER_SECOND * seconds);

  await closeCustomer(deps, head.customerId);
  let sweeps = 0;
  const open = async () => openClosingOf((await readTogether(table, [keys.closing(head.customerId)]))[0]);
  while ((await open()) !== null) {
    sweeps += 1;
    expect(sweeps).toBeLessThan(SWEEPS);
    await settlePendingCharges(deps, 0);
  }
  console.log(`closed after ${sweeps} runs of the sweeper`);
});
