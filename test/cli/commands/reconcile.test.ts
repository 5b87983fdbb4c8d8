import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { keys } from '../../../lib/store/keys.ts';
import { openService } from '../../support/cli/service.ts';
import { documents } from '../../support/documents.ts';
import { customerWith } from '../../support/fixtures.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, table, run } = service;
const { customerId } = (await customerWith(deps, 5)).head;
const spent = { amount: -1, reason: 'test', actor: 'tests', idempotencyKey: 'spent' };
await adjustCredits(deps, customerId, spent);

/** Runs in a pipe and removes the line that names the stage. */
async function pipe(...args: string[]) {
  const { code, stdout, stderr } = await run(...args);
  return { code, stdout: stdout.replace(/^stage local\n/, ''), stderr };
}

const Reconciled = z.object({
  run: z.string(),
  report: z.looseObject({ drift: z.looseObject({ count: z.int() }) }),
});

describe('rsolv-billing reconcile', () => {
  it('reconcile reports zero drift and prints the report of a finished run again', async () => {
    const clean = await pipe('reconcile', '--run', 'clean');
    expect(clean).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^0 drift in 1 customer, 2 entries;/),
    });
    const narrow = await service.runIn({ columns: 80 }, 'reconcile', '--run', 'clean');
    for (const line of narrow.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect((await pipe('reconcile', '--run', 'clean')).stdout).toBe(clean.stdout);
    expect(Reconciled.parse((await service.json('reconcile')).answer).report).toMatchObject({
      upToNow: true,
      drift: { count: 0 },
    });
  });

  it('reconcile names a missing entry and exits with 1', async () => {
    const key = keys.entry(customerId, 2);
    await documents(table).send(new DeleteCommand({ TableName: table.name, Key: { ...key } }));
    const drifted = await pipe('reconcile', '--run', 'drifted');
    expect(drifted.code).toBe(1);
    expect(drifted.stdout).toContain('entry 2 is missing');
    expect(drifted.stdout).toContain(customerId);
  });

  it('reconcile exits with 3 if Stripe does not answer, and the same run can be resumed', async () => {
    await service.money.control('faults', { path: '/v1/events', kind: 'drop_before', times: 99 });
    const outage = await pipe('reconcile', '--run', 'outage');
    expect([outage.code, outage.stderr]).toEqual([3, expect.stringContaining('Stripe did not respond')]);
    await service.money.control('faults/clear');
    expect((await pipe('reconcile', '--run', 'outage')).stdout).toMatch(/run +outage,/);
  });

  it('reconcile refuses an invalid run name', async () => {
    expect((await pipe('reconcile', '--run', 'a/b')).code).toBe(2);
  });
});
