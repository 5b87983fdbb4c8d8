import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { FixAttempt } from '../../lib/domain/fix-attempt.ts';
import { UNBILLED_DAYS } from '../../lib/domain/payments/unbilled-fixes.ts';
import {
  announceCharge,
  billFix,
  endCharge,
  noteBlocked,
  putNewFix,
  readFixesAwaitingApproval,
} from '../../lib/store/fix-attempts.ts';
import { keys } from '../../lib/store/keys.ts';
import { recordedByDay } from '../../lib/store/payments/recorded-days.ts';
import { readWaitingFixes } from '../../lib/store/payments/waiting-fixes.ts';
import { type Item, type Table, type Write, writeTogether } from '../../lib/store/table.ts';
import { put } from '../../lib/store/write.ts';
import { middlewareOf } from '../support/documents.ts';
import { newFix } from '../support/fixtures.ts';
import { chargeOf, fixOf } from '../support/heads.ts';
import { openTestTable } from '../support/table.ts';

/* The fixes that a page lists: those that wait for billing or for an approval, and how many were recorded. */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const HOUR_MS = 60 * 60 * 1000;
const hours = (count: number): string => new Date(AT.getTime() + count * HOUR_MS).toISOString();
const store = async (...writes: Write[]): Promise<void> => {
  expect((await writeTogether(table, writes)).kind).toBe('written');
};

const CHARGE = chargeOf({ startedAt: AT.toISOString() });
const record = (customerId: string, id: string, createdAt = AT.toISOString()) =>
  putNewFix(table, customerId, { id, ...newFix(7), createdAt });
const block = (customerId: string, id: string) => store(noteBlocked(customerId, fixOf({ id }), 1));

/** Announces a charge of a fix, which then gets this state. */
async function charge(customerId: string, id: string, state: NonNullable<FixAttempt['charge']>['state']) {
  await store(announceCharge(customerId, fixOf({ id }), CHARGE));
  if (state === 'charging') return;
  await store(endCharge(customerId, fixOf({ id, charge: CHARGE }), { ...CHARGE, state }));
}

/** The table's queries from now on, until the test ends. Each page has at most `limit` items, if given. */
function queries(limit?: number): Item[] {
  const inputs: Item[] = [];
  middlewareOf(table).add(
    (next, { commandName }) =>
      (args) => {
        if (commandName === 'QueryCommand') {
          if (limit !== undefined) Object.assign(args.input, { Limit: limit });
          inputs.push({ ...args.input });
        }
        return next(args);
      },
    { step: 'initialize', priority: 'high', name: 'queries' },
  );
  onTestFinished(() => void middlewareOf(table).remove('queries'));
  return inputs;
}

const idsOf = ({ fixes }: { readonly fixes: readonly FixAttempt[] }) => fixes.map(({ id }) => id);

describe('the fixes that wait for billing', () => {
  it('a fix waits if billing was asked for and did not succeed, and the oldest is first', async () => {
    const customerId = 'w1';
    const ids = ['blocked', 'declined', 'approvable', 'charging', 'billed', 'paid', 'unmerged'];
    for (const [i, id] of ids.entries()) await record(customerId, id, hours(-i));
    await block(customerId, 'blocked');
    await charge(customerId, 'declined', 'declined');
    await charge(customerId, 'approvable', 'action_required');
    await charge(customerId, 'charging', 'charging');
    const billed = {
      outcome: 'credit_consumed',
      amountCents: 0,
      billedAt: AT.toISOString(),
      seq: 1,
    } as const;
    const credit = { ...billed, paymentIntentId: null, spendingMonth: null };
    await store(billFix(customerId, fixOf({ id: 'billed' }), credit));
    await block(customerId, 'paid');
    await store(billFix(customerId, fixOf({ id: 'paid' }), credit));
    await record('w2', 'other');
    await block('w2', 'other');
    // Only fixes are searched.
    await store(put({ ...keys.closing(customerId), blocked_at_raise: 1 }));
    const waiting = await readWaitingFixes(table, customerId, null);
    expect([idsOf(waiting), waiting.next]).toEqual([['approvable', 'declined', 'blocked'], null]);
    expect(await readWaitingFixes(table, 'w3', null)).toEqual({ fixes: [], next: null });
  });

  it('a search reads as many pages as it may, and the next search begins where it ended', async () => {
    const customerId = 'w4';
    for (const [i, id] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      await record(customerId, id, hours(-i));
      if (id !== 'c') await block(customerId, id);
    }
    const sent = queries(1);
    const first = await readWaitingFixes(table, customerId, null, 3);
    expect([idsOf(first), first.next]).toEqual([['b', 'a'], 'c']);
    expect(sent).toHaveLength(3);
    const second = await readWaitingFixes(table, customerId, first.next, 3);
    expect([idsOf(second), second.next]).toEqual([['e', 'd'], null]);
  });

  it('a search without a number of pages reads four of them', async () => {
    const customerId = 'w5';
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await record(customerId, id);
      await block(customerId, id);
    }
    queries(1);
    const { fixes, next } = await readWaitingFixes(table, customerId, null);
    expect([fixes.length, next]).toEqual([4, 'd']);
  });

  it('a fix that was just blocked is found, because the search is strongly consistent', async () => {
    const sent = queries();
    await readWaitingFixes(table, 'w6', null);
    expect(sent).toMatchObject([{ ConsistentRead: true }]);
    expect(sent[0]).not.toHaveProperty('ExclusiveStartKey');
  });
});

describe('the fixes that wait for an approval', () => {
  const awaiting = (customerId: string, limit: number) => readFixesAwaitingApproval(table, customerId, limit);

  it('only a fix whose payment the cardholder can approve is listed, and an unreadable fix hides no other', async () => {
    const customerId = 'a1';
    await store(put({ ...keys.fix(customerId, 'broken'), charge: 7 }));
    for (const id of ['approvable', 'declined', 'uncharged']) await record(customerId, id);
    await charge(customerId, 'approvable', 'action_required');
    await charge(customerId, 'declined', 'declined');
    const found = await awaiting(customerId, 100);
    expect([idsOf(found), found.isAll]).toEqual([['approvable'], true]);
    expect(await awaiting('a2', 100)).toEqual({ fixes: [], isAll: true });
  });

  it('a list of the first fixes says whether there are more', async () => {
    const customerId = 'a3';
    for (const id of ['a', 'b', 'c']) {
      await record(customerId, id);
      await charge(customerId, id, 'action_required');
    }
    const [some, all] = [await awaiting(customerId, 2), await awaiting(customerId, 3)];
    expect([idsOf(some), some.isAll]).toEqual([['a', 'b'], false]);
    expect([idsOf(all), all.isAll]).toEqual([['a', 'b', 'c'], true]);
  });
});

describe('the number of recorded fixes', () => {
  const counted = (customerId: string, day: string, part: number, recorded: number) =>
    put({ ...keys.recorded(customerId, day, part), recorded });

  it('the parts of a day are added up, and days before the last 30 are left out', async () => {
    const day = (ago: number) => new Date(AT.getTime() - ago * 24 * HOUR_MS).toISOString().slice(0, 10);
    await store(
      counted('r1', day(0), 0, 2),
      counted('r1', day(0), 15, 3),
      counted('r1', day(1), 7, 4),
      counted('r1', day(UNBILLED_DAYS - 1), 1, 5),
      counted('r1', day(UNBILLED_DAYS), 1, 6),
      counted('r2', day(0), 0, 7),
    );
    const sent = queries();
    expect([...(await recordedByDay(table, 'r1', AT))]).toEqual([
      [day(UNBILLED_DAYS - 1), 5],
      [day(1), 4],
      [day(0), 5],
    ]);
    // A fix that was just recorded is among them.
    expect(sent).toMatchObject([{ ConsistentRead: true }]);
    expect((await recordedByDay(table, 'r3', AT)).size).toBe(0);
  });
});
