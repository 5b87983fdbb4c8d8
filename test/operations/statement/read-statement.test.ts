import { beforeAll, describe, expect, it } from 'vitest';
import {
  filesOf,
  readStatement,
  readStatementFile,
  type StatementPart,
} from '../../../lib/operations/statement/read-statement.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { entriesBefore, readEntries } from '../../../lib/store/statement/entries.ts';
import { byCard, byCredit, granted, writeLedger } from '../../support/dated-ledger.ts';
import { requestsDuring } from '../../support/documents.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { headOf } from '../../support/money.ts';
import { countingCalls, openTestTable, testDeps } from '../../support/table.ts';

/* Which entries belong to a month, to a page of it and to a file of it. */

const AT = new Date('2026-04-10T12:00:00.000Z');

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

type Changes = Parameters<typeof writeLedger>[2];

/** A customer whose ledger has these changes. */
async function withLedger(changes: Changes) {
  const { customerId } = (await customerWith(deps, 5)).head;
  await writeLedger(deps, customerId, changes);
  const head = await headOf(deps, customerId);
  const entriesOf = ({ month: { first, last } }: StatementPart) => range(first, last);
  return {
    customerId,
    head,
    month: async (month: string) =>
      entriesOf(await readStatement(deps.table, head, month, { before: null, at: AT })),
    page: (before: number | null, month = '2026-04') =>
      readStatement(deps.table, head, month, { before, at: AT }),
    file: (part: number) => readStatementFile(deps.table, head, '2026-04', { part, at: AT }),
  };
}

const one = granted(1);
const april = (count: number): Changes => range(1, count).map(() => ['2026-04-02T00:00:00.000Z', one]);

describe('the entries of a month', () => {
  it('a month has the entries from its first to its last millisecond, also the first and the current one', async () => {
    const { month } = await withLedger([
      ['2026-01-31T23:59:59.999Z', one],
      ['2026-02-01T00:00:00.000Z', one],
      ['2026-02-28T23:59:59.999Z', one],
      ['2026-04-01T00:00:00.000Z', one],
      ['2026-04-10T11:00:00.000Z', one],
    ]);
    expect(await Promise.all(['2026-01', '2026-02', '2026-03', '2026-04'].map(month))).toEqual([
      [1],
      [2, 3],
      [],
      [4, 5],
    ]);
    expect([await month('2025-12'), await month('2026-05')]).toEqual([[], []]);
  });

  it('an account opened in the first millisecond of a month has no entries in the month before', async () => {
    const { month } = await withLedger([
      ['2026-02-01T00:00:00.000Z', one],
      ['2026-03-01T00:00:00.000Z', one],
    ]);
    expect(await month('2026-01')).toEqual([]);
    expect(await month('2026-02')).toEqual([1]);
  });

  it('a month outside the life of the account is not searched for, and the month of both ends needs no search', async () => {
    const { head, page } = await withLedger(april(3));
    for (const month of ['2026-03', '2026-05']) {
      const { result, calls } = await countingCalls(deps.table, () => page(null, month));
      expect(result).toEqual({ month: { first: 1, last: 0 }, lines: [], shownFrom: 1, isWhole: true });
      expect(calls).toEqual([]);
    }
    const now = { before: null, at: new Date('2026-04-30T00:00:00.000Z') };
    const { calls } = await countingCalls(deps.table, () => readStatement(deps.table, head, '2026-04', now));
    expect(calls).toEqual(['Query']);
  });

  it('the month that begins now belongs to the account', async () => {
    const { head } = await withLedger([
      ['2026-03-31T00:00:00.000Z', one],
      ['2026-04-01T00:00:00.000Z', one],
    ]);
    const at = new Date('2026-04-01T00:00:00.000Z');
    const { month } = await readStatement(deps.table, head, '2026-04', { before: null, at });
    expect(month).toEqual({ first: 2, last: 2 });
  });
});

describe('a page of a month', () => {
  it('a page has the newest 500 entries, and the next page those before it', async () => {
    const { page } = await withLedger(april(501));
    const newest = await page(null);
    expect([newest.lines.length, newest.shownFrom, newest.isWhole]).toEqual([500, 2, false]);
    const older = await page(newest.shownFrom);
    expect([older.lines.length, older.shownFrom, older.isWhole]).toEqual([1, 1, false]);
    const none = await page(older.shownFrom);
    expect([none.lines.length, none.shownFrom, none.isWhole]).toEqual([0, 1, false]);
  });

  it('a month of exactly one page is whole, and one that is read from a later entry is not', async () => {
    const { page } = await withLedger(april(500));
    expect(await page(null)).toMatchObject({ shownFrom: 1, isWhole: true });
    expect((await page(500)).isWhole).toBe(false);
    expect((await page(9_999)).isWhole).toBe(true);
  });

  it('a month with one entry is shown, and a page before it is empty', async () => {
    const { page } = await withLedger(april(1));
    const only = await page(null);
    expect([only.lines.length, only.shownFrom, only.isWhole]).toEqual([1, 1, true]);
    expect(await page(1)).toMatchObject({ lines: [], shownFrom: 1, isWhole: false });
  });

  it('a charged fix is never split between two pages, and only a charged one begins before its page', async () => {
    // A charged fix has two entries: the first page begins with the second one of it.
    const shop = { githubOrg: 'acme', repoName: 'webshop', prNumber: 7 };
    const split = await withLedger([
      ['2026-04-01T00:00:00.000Z', one],
      ['2026-04-01T00:00:00.000Z', byCard(shop)],
      ...april(499),
    ]);
    const { shownFrom, lines } = await split.page(null);
    expect([shownFrom, lines.length]).toEqual([2, 500]);
    const whole = await withLedger([
      ['2026-04-01T00:00:00.000Z', one],
      ['2026-04-01T00:00:00.000Z', one],
      ['2026-04-01T00:00:00.000Z', byCredit(shop)],
      ...april(499),
    ]);
    expect((await whole.page(null)).shownFrom).toBe(3);
  });
});

describe('a file of a month', () => {
  it('a month has one file for each 2,000 entries, and at least one', async () => {
    const files = (first: number, last: number) =>
      filesOf({ month: { first, last }, lines: [], shownFrom: first, isWhole: true });
    expect([files(1, 0), files(5, 5), files(11, 2_010), files(11, 2_011)]).toEqual([1, 1, 1, 2]);
    const { file } = await withLedger(april(2_001));
    const [first, second, third] = [await file(1), await file(2), await file(3)];
    expect([first.lines.length, second.lines.length, third.lines.length]).toEqual([2_000, 1, 0]);
    expect([first.isWhole, second.isWhole, third.isWhole]).toEqual([false, false, false]);
    expect(filesOf(first)).toBe(2);
  });
});

describe('the search for the entries before a moment', () => {
  const day = (n: number) => new Date(Date.parse('2026-01-01T00:00:00.000Z') + n * 86_400_000).toISOString();

  it('every number of entries is found, also in ledgers around the powers of sixteen', async () => {
    for (const count of [1, 2, 15, 16, 17, 255, 256, 257]) {
      const changes: Changes = range(1, count).map((n) => [day(n), one]);
      const { customerId } = await withLedger(changes);
      for (const before of new Set([0, 1, 2, 14, 15, 16, 17, 30, 31, 32, 240, 254, 255, 256, 257])) {
        if (before > count) continue;
        const found = await entriesBefore(deps.table, customerId, count, [day(before + 1)]);
        expect([count, found]).toEqual([count, [before]]);
      }
    }
  });

  it('entries after the newest one that the caller knows are not counted', async () => {
    const { customerId } = await withLedger(range(1, 40).map((n) => [day(n), one]));
    expect(await entriesBefore(deps.table, customerId, 10, [day(5), day(99)])).toEqual([4, 10]);
    expect(await entriesBefore(deps.table, customerId, 33, [day(99)])).toEqual([33]);
  });

  it('the search takes one call for each factor of 16, and none without a moment or an entry', async () => {
    const { customerId } = await withLedger(range(1, 257).map((n) => [day(n), one]));
    const calls = async (lastSeq: number, moments: readonly string[]) =>
      (await countingCalls(deps.table, () => entriesBefore(deps.table, customerId, lastSeq, moments))).calls
        .length;
    expect(await calls(257, [day(100), day(200)])).toBe(3);
    expect(await calls(256, [day(100)])).toBe(3);
    expect(await calls(255, [day(100)])).toBe(2);
    expect(await calls(16, [day(10)])).toBe(2);
    expect(await calls(15, [day(100)])).toBe(1);
    expect(await calls(1, [day(100)])).toBe(1);
    expect([await calls(257, []), await calls(0, [day(100)])]).toEqual([0, 0]);
  });

  it('entries are read in one query for each megabyte, and a missing one ends the list', async () => {
    const { customerId } = await withLedger(april(3));
    const read = (first: number, last: number) =>
      countingCalls(deps.table, () => readEntries(deps.table, customerId, { first, last }));
    const whole = await read(2, 3);
    expect([whole.result.map(({ seq }) => seq), whole.calls]).toEqual([[2, 3], ['Query']]);
    const requests = await requestsDuring(deps.table, () => read(2, 3));
    expect(requests).toMatchObject([{ ConsistentRead: true }]);
    const beyond = await read(3, 5);
    expect([beyond.result.map(({ seq }) => seq), beyond.calls]).toEqual([[3], ['Query', 'Query']]);
    expect((await read(3, 2)).calls).toEqual([]);
  });
});
