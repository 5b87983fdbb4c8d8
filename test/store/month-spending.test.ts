import { beforeAll, expect, it } from 'vitest';
import { noSpending } from '../../lib/domain/payments/spending.ts';
import { keys } from '../../lib/store/keys.ts';
import {
  decodeSpending,
  followCharge,
  moveSpending,
  readSpending,
  reserveSpending,
  spendingKey,
} from '../../lib/store/payments/spending.ts';
import { readTogether, type Table, type Write, writeTogether } from '../../lib/store/table.ts';
import { chargeOf } from '../support/heads.ts';
import { openTestTable } from '../support/table.ts';

/* The stored sums of a month's fix charges. */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const MONTH = '2026-01';
const store = async (...writes: Write[]): Promise<void> => {
  expect((await writeTogether(table, writes)).kind).toBe('written');
};
const stored = async (customerId: string) =>
  (await readTogether(table, [keys.spending(customerId, MONTH)]))[0];

it('a paid charge adds to the sums that it changes, and writes no other ones', async () => {
  await store(...moveSpending('m1', MONTH, { committedCents: 0, spentCents: 2_900, awaitingCents: 0 }));
  expect(await stored('m1')).toEqual({ ...keys.spending('m1', MONTH), spent_cents: 2_900 });
  await store(...moveSpending('m1', MONTH, { committedCents: 100, spentCents: -900, awaitingCents: 7 }));
  expect(await readSpending(table, 'm1', MONTH)).toEqual({
    ...noSpending(MONTH),
    committedCents: 100,
    spentCents: 2_000,
    awaitingCents: 7,
  });
});

it('a change of nothing, or of a charge that counts in no month, writes nothing', () => {
  const change = { committedCents: 2_900, spentCents: 0, awaitingCents: 0 };
  expect(moveSpending('m2', MONTH, change)).toHaveLength(1);
  expect(moveSpending('m2', MONTH, { ...change, committedCents: 0 })).toEqual([]);
  expect(moveSpending('m2', null, change)).toEqual([]);
});

it('a charge that is declined takes back what it reserved, and one that waits for an approval reserves on', async () => {
  const charge = chargeOf({ spendingMonth: MONTH });
  await store(
    reserveSpending('m3', noSpending(MONTH), { amountCents: charge.amountCents, limitCents: null }, null),
  );
  const waiting = { ...charge, state: 'action_required' } as const;
  await store(...followCharge('m3', charge, waiting));
  const sums = { ...noSpending(MONTH), committedCents: 2_900, awaitingCents: 2_900 };
  expect(await readSpending(table, 'm3', MONTH)).toEqual(sums);
  await store(...followCharge('m3', waiting, { ...waiting, state: 'declined' }));
  expect(await readSpending(table, 'm3', MONTH)).toEqual(noSpending(MONTH));
  // A charge of an earlier release counts in no month.
  const old = { ...charge, spendingMonth: null };
  expect(followCharge('m3', old, { ...old, state: 'declined' })).toEqual([]);
});

it('the spending of a moment is that of its month in UTC', async () => {
  const lastSecond = new Date('2026-01-31T23:59:59.999Z');
  expect(spendingKey('m4', lastSecond)).toEqual(keys.spending('m4', MONTH));
  await store(reserveSpending('m4', noSpending(MONTH), { amountCents: 2_900, limitCents: 10_000 }, 50));
  expect(decodeSpending(await stored('m4'), MONTH)).toEqual({
    ...noSpending(MONTH),
    limitCents: 10_000,
    committedCents: 2_900,
    noticedPercent: 50,
  });
  expect(decodeSpending(undefined, MONTH)).toEqual(noSpending(MONTH));
});
