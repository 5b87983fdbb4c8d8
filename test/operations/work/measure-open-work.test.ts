import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { WORK_KINDS } from '../../../lib/operations/work/kinds.ts';
import { measureOpenWork } from '../../../lib/operations/work/measure-open-work.ts';
import { sweep } from '../../../lib/operations/work/sweep.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import { recordEvent } from '../../../lib/store/events.ts';
import { keys } from '../../../lib/store/keys.ts';
import { type Table, writeTogether } from '../../../lib/store/table.ts';
import { put } from '../../../lib/store/write.ts';
import { recordedFix } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { putAll } from '../../support/history.ts';
import { customerWithCard, type Money, openMoney } from '../../support/money.ts';
import { tamper } from '../../support/reconciliation.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

/* Gauges of open work, which alarms watch: work that stays open gets older, whatever the reason is. */

let table: Table;
let money: Money;
beforeAll(async () => {
  table = await openTestTable();
  money = await openMoney(table, { endWith: afterAll });
});

const NONE = { count: 0, oldestSeconds: 0 };
const later = (seconds: number) => ({
  ...money.deps,
  now: () => new Date(money.deps.now().getTime() + seconds * 1_000),
});

/** Leaves a charge whose answer was lost. */
async function unansweredCharge() {
  const { customerId } = await customerWithCard(money, 0);
  const fix = await recordedFix(money.deps, customerId, 1);
  money.double.faults.add({ path: '/v1/payment_intents', kind: 'drop_after', times: 9 });
  await expect(billFixAttempt(money.deps, customerId, fix)).rejects.toMatchObject({
    code: 'payment_pending',
  });
  money.double.faults.clear();
}

describe('the gauges of open work', () => {
  it('an empty table has no open work of any kind', async () => {
    const kinds = [...Object.keys(WORK_KINDS), 'head', 'notice', 'unknown'];
    const none = Object.fromEntries(kinds.map((kind) => [kind, NONE]));
    expect(await measureOpenWork(money.deps)).toEqual(none);
  });

  it('a charge without an outcome counts, and its age goes on although a failed sweep postpones it', async () => {
    await unansweredCharge();
    expect((await measureOpenWork(later(60))).fix).toEqual({
      count: 1,
      oldestSeconds: expect.closeTo(60, -1),
    });
    money.double.faults.add({ path: '/v1/payment_intents', kind: 'drop_before', times: 99 });
    await sweep(later(600));
    money.double.faults.clear();
    const { fix } = await measureOpenWork(later(1_200));
    expect(fix.count).toBe(1);
    expect(fix.oldestSeconds).toBeGreaterThan(1_100);
    await sweep(later(1_300));
    expect((await measureOpenWork(later(1_400))).fix).toEqual(NONE);
  });

  it('a parked event counts until it is replayed', async () => {
    const receivedAt = money.deps.now().toISOString();
    const record = {
      eventId: 'evt_gauge',
      type: 'charge.updated',
      receivedAt,
      customerId: null,
      outcome: 'parked' as const,
      reason: 'for a test',
      objectId: null,
      amount: null,
      currency: null,
      createdAt: receivedAt,
    };
    await writeTogether(table, [recordEvent(record)]);
    expect((await measureOpenWork(later(90))).event).toMatchObject({ count: 1 });
    await writeTogether(table, [recordEvent({ ...record, outcome: 'ignored' })]);
    expect((await measureOpenWork(later(90))).event).toEqual(NONE);
  });

  it('an item that only a newer release can read counts as unknown work', async () => {
    const key = { pk: `CUSTOMER#${'f'.repeat(32)}`, sk: 'LATER#1' };
    await writeTogether(table, [put({ ...key, due: 'charge', due_at: '2026-01-01T00:00:00.000Z' })]);
    expect((await measureOpenWork(money.deps)).unknown.count).toBe(1);
  });

  it('open work that cannot be read counts as unknown, however often the sweeper postpones it', async () => {
    const before = (await measureOpenWork(later(60))).unknown.count;
    const { customerId } = await customerWithCard(money, 0);
    const fix = keys.fix(customerId, await recordedFix(money.deps, customerId, 1));
    await tamper({ table }, fix, 'pr_number', 'many');
    await tamper({ table }, fix, 'due', 'charge');
    await tamper({ table }, fix, 'due_at', money.deps.now().toISOString());
    for (const seconds of [600, 1_200]) {
      const swept = await sweep(later(seconds));
      expect(swept.failed).not.toEqual([]);
      expect((await measureOpenWork(later(seconds + 60))).unknown.count).toBe(before + 1);
    }
  });

  it('work of an earlier release that has no start is as old as its due time', async () => {
    const own = await openTestTable();
    const deps = testDeps(own);
    const nowMs = deps.now().getTime();
    const double = { fix_attempt_id: 'f1', payment_intent_id: 'pi_2', amount_cents: 2_900 };
    const dueAt = new Date(nowMs - 90_000).toISOString();
    const key = keys.once('c1', 'double_payment', 'pi_2');
    await writeTogether(own, [put({ ...key, ...double, due: 'charge', due_at: dueAt })]);
    const { double_payment } = await measureOpenWork({ ...deps, now: () => new Date(nowMs) });
    expect(double_payment).toEqual({ count: 1, oldestSeconds: 90 });
  });

  it('work that is done does not count, even if the index still lists it', async () => {
    const own = await openTestTable();
    const { head } = await customerWith(testDeps(own), 5);
    const { customerId } = head;
    const done = keys.fix(customerId, await recordedFix(testDeps(own), customerId, 1));
    const sent = { pk: keys.customer(customerId), sk: 'LATER#1' };
    const due = { due: 'charge', due_at: '2026-01-02T03:04:05.678Z' };
    await writeTogether(own, [put({ ...sent, ...due })]);
    await tamper({ table: own }, done, 'due', due.due);
    await tamper({ table: own }, done, 'due_at', due.due_at);
    const until = { ...testDeps(own), now: () => new Date('2026-06-01T00:00:00.000Z') };
    const listed = await measureOpenWork(until);
    expect([listed.fix, listed.unknown.count]).toEqual([NONE, 1]);
    // Between the listing and the read, another run finishes the other item.
    middlewareOf(own).add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'BatchGetItemCommand') await writeTogether(own, [put({ ...sent })]);
          return next(args);
        },
      { step: 'initialize', priority: 'high', name: 'finished' },
    );
    expect((await measureOpenWork(until)).unknown).toEqual(NONE);
  });

  it('at most 500 items of an index are counted, so that an incident does not slow the measurement down', async () => {
    const own = await openTestTable();
    const items = range(1, 620).map((n) => ({
      ...{ pk: `CUSTOMER#${'f'.repeat(32)}`, sk: `LATER#${n}` },
      ...{ due: 'parked', due_at: '2026-01-01T00:00:00.000Z' },
    }));
    await putAll(own, items);
    expect((await measureOpenWork(testDeps(own))).unknown.count).toBe(500);
  });

  it('each sweep ends with a heartbeat and the gauges', async () => {
    const events: BusinessEvent[] = [];
    await sweep({ ...money.deps, report: (event) => events.push(event) });
    expect(events.at(-1)).toMatchObject({ kind: 'work_measured', gauges: { order: NONE } });
  });
});
