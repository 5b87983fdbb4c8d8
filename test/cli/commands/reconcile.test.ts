import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { keys } from '../../../lib/store/keys.ts';
import { openService } from '../../support/cli/service.ts';
import { customerWith } from '../../support/fixtures.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, table, run } = service;
const { customerId } = (await customerWith(deps, 5)).head;
const spent = { amount: -1, reason: 'test', actor: 'tests', idempotencyKey: 'spent' };
await adjustCredits(deps, customerId, spent);

/** In a pipe, after the line that names the stage. */
async function pipe(...args: string[]) {
  const { code, stdout, stderr } = await run(...args);
  return { code, stdout: stdout.replace(/^stage local\n/, ''), stderr };
}

const Reconciled = z.object({
  run: z.string(),
  report: z.looseObject({ drift: z.looseObject({ count: z.int() }) }),
});

describe('rsolv-billing reconcile', () => {
  it('says zero over how many, and shows a finished run again', async () => {
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

  it('ends with 1 where an entry is gone, and names it', async () => {
    const key = keys.entry(customerId, 2);
    await table.client.send(new DeleteCommand({ TableName: table.name, Key: { ...key } }));
    const drifted = await pipe('reconcile', '--run', 'drifted');
    expect(drifted.code).toBe(1);
    expect(drifted.stdout).toContain('entry 2 is missing');
    expect(drifted.stdout).toContain(customerId);
  });

  it('ends with 3 where Stripe is away, which is no drift, and goes on with the same run afterwards', async () => {
    await service.money.control('faults', { path: '/v1/events', kind: 'drop_before', times: 99 });
    const away = await pipe('reconcile', '--run', 'away');
    expect([away.code, away.stderr]).toEqual([3, expect.stringContaining('Stripe did not answer')]);
    await service.money.control('faults/clear');
    expect((await pipe('reconcile', '--run', 'away')).stdout).toContain('run      away,');
  });

  it('refuses a name that is none', async () => {
    expect((await pipe('reconcile', '--run', 'a/b')).code).toBe(2);
  });
});
