import { beforeAll, describe, expect, it } from 'vitest';
import { RECORDINGS } from '../../lib/domain/fix-attempt.ts';
import { dueWorkPages, listDueWork } from '../../lib/store/due-work.ts';
import {
  anonymiseFix,
  billFix,
  decodeFix,
  fixPage,
  noteBlocked,
  noteRefund,
  putNewFix,
} from '../../lib/store/fix-attempts.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { countRecording } from '../../lib/store/rate-limits.ts';
import { type Item, readTogether, type Table, type Write, writeTogether } from '../../lib/store/table.ts';
import { put } from '../../lib/store/write.ts';
import { requestsDuring } from '../support/documents.ts';
import { newFix } from '../support/fixtures.ts';
import { fixOf } from '../support/heads.ts';
import { openTestTable } from '../support/table.ts';

/* Stored fixes, page by page, and due work. */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const store = async (...writes: Write[]): Promise<void> => {
  expect((await writeTogether(table, writes)).kind).toBe('written');
};
const read = async (key: Key): Promise<Item> => (await readTogether(table, [key]))[0] ?? {};
const record = (customerId: string, id: string) =>
  putNewFix(table, customerId, { id, ...newFix(7), createdAt: AT.toISOString() });

describe('a fix', () => {
  const BILLED = {
    outcome: 'credit_consumed',
    amountCents: 0,
    billedAt: AT.toISOString(),
    seq: 1,
    paymentIntentId: null,
    spendingMonth: null,
  } as const;

  it('a billed fix records what was returned of its money', async () => {
    await record('f1', 'one');
    const fix = fixOf({ id: 'one' });
    await store(billFix('f1', fix, BILLED));
    await store(noteRefund('f1', fix, 2_900));
    expect(decodeFix(await read(keys.fix('f1', 'one')))).toMatchObject({
      billed: BILLED,
      refundedCents: 2_900,
    });
  });

  it('a blocked fix records for which raise of the balance its owner was notified', async () => {
    await record('f2', 'one');
    await store(noteBlocked('f2', fixOf({ id: 'one' }), 7));
    expect(decodeFix(await read(keys.fix('f2', 'one')))).toMatchObject({ blockedAtRaise: 7 });
  });

  it('a page of fixes has only fixes and continues after a key', async () => {
    for (const id of ['a', 'b', 'c']) await record('f3', id);
    await store(put({ ...keys.closing('f3'), closed_at: AT.toISOString() }));
    const ids = (page: Awaited<ReturnType<typeof fixPage>>) => page.fixes.map(({ id }) => id);
    const first = await fixPage(table, 'f3', null, 2);
    expect([ids(first), first.next]).toEqual([['a', 'b'], 'FIX#b']);
    const second = await fixPage(table, 'f3', first.next, 2);
    expect([ids(second), second.next]).toEqual([['c'], null]);
    expect(await fixPage(table, 'f4', null, 2)).toEqual({ fixes: [], next: null });
  });

  it('a fix can be read at once after it was written', async () => {
    const inputs = await requestsDuring(table, () => fixPage(table, 'f3', null, 2));
    expect(inputs).toMatchObject([{ ConsistentRead: true, Limit: 2 }]);
    expect(inputs[0]).not.toHaveProperty('ExclusiveStartKey');
  });

  it('anonymising a missing fix does not create it', async () => {
    await anonymiseFix(table, 'f5', 'one');
    expect(await read(keys.fix('f5', 'one'))).toEqual({});
  });
});

describe('the count of new fixes', () => {
  it('the count of new fixes is kept by day and pull request number, for 32 days', async () => {
    await store(countRecording('n1', 33, AT));
    await store(countRecording('n1', 17, AT));
    const key = keys.recorded('n1', '2026-01-02', 1);
    expect(await read(key)).toEqual({
      ...key,
      recorded: 2,
      expires_at: Math.floor(AT.getTime() / 1000) + 32 * 24 * 60 * 60,
    });
  });

  it("each part of the count leaves room for a sixteenth of the day's limit", async () => {
    const key = keys.recorded('n2', '2026-01-02', 1);
    await store(put({ ...key, recorded: RECORDINGS.limit / 16 - 1 }));
    await store(countRecording('n2', 1, AT));
    expect((await writeTogether(table, [countRecording('n2', 1, AT)])).kind).toBe('refused');
  });
});

describe('work that is due', () => {
  it('due work is listed up to a time, or completely without one', async () => {
    const due = (sk: string, due_at: string) => put({ pk: 'CUSTOMER#w1', sk, due: 'low_balance', due_at });
    await store(due('FIX#1', '2026-01-01'), due('FIX#2', '2026-01-02'), due('FIX#3', '2999-01-01'));
    const upTo = await listDueWork(table, 'low_balance', new Date('2026-01-01T12:00:00.000Z'), 10);
    expect(upTo.map(({ key }) => key.sk)).toEqual(['FIX#1']);
    expect(await listDueWork(table, 'parked', AT, 10)).toEqual([]);
    const all: string[] = [];
    for await (const page of dueWorkPages(table, 'low_balance', null, 2)) {
      expect(page.length).toBeLessThanOrEqual(2);
      all.push(...page.map(({ key }) => key.sk));
    }
    expect(all).toEqual(['FIX#1', 'FIX#2', 'FIX#3']);
  });
});
