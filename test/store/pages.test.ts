import { beforeAll, describe, expect, it } from 'vitest';
import { keys } from '../../lib/store/keys.ts';
import { itemsOf, pages, readPage } from '../../lib/store/paging.ts';
import { type Item, type Table, type Write, writeTogether } from '../../lib/store/table.ts';
import { requestsDuring } from '../support/documents.ts';
import { openTestTable } from '../support/table.ts';

/* How the table is read page by page, and what each page requests. */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const store = async (...writes: Write[]): Promise<void> => {
  expect((await writeTogether(table, writes)).kind).toBe('written');
};

const sentBy = (run: () => Promise<unknown>) => requestsDuring(table, run);

describe('a query', () => {
  const QUERY = {
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': keys.customer('p1') },
    Limit: 2,
  };
  const sks = ['FIX#1', 'FIX#2', 'FIX#3', 'KEY#1', 'KEY#2'];
  beforeAll(async () => {
    await store(...sks.map((sk) => ({ Put: { Item: { pk: keys.customer('p1'), sk } } })));
  });

  it('a query is read page by page until the last', async () => {
    const found: Item[][] = [];
    for await (const page of pages(table, QUERY)) found.push([...page]);
    expect(found.map((page) => page.map(({ sk }) => sk))).toEqual([
      ['FIX#1', 'FIX#2'],
      ['FIX#3', 'KEY#1'],
      ['KEY#2'],
    ]);
  });

  it('a query continues from the key of the previous page', async () => {
    const { next } = await readPage(table, QUERY);
    expect(next).toMatchObject({ sk: 'FIX#2' });
    const { items } = await readPage(table, QUERY, next);
    expect(items.map(({ sk }) => sk)).toEqual(['FIX#3', 'KEY#1']);
  });

  it('a query continues behind a key whose item is gone, in both directions', async () => {
    const gone = { pk: keys.customer('p1'), sk: 'FIX#2a' };
    const [forwards, backwards] = [
      await readPage(table, QUERY, gone),
      await readPage(table, { ...QUERY, ScanIndexForward: false }, gone),
    ].map(({ items }) => items.map(({ sk }) => sk));
    expect([forwards, backwards]).toEqual([
      ['FIX#3', 'KEY#1'],
      ['FIX#2', 'FIX#1'],
    ]);
  });

  it('a query reports the units of each page to a meter', async () => {
    const used: number[] = [];
    const meter = async (units: number) => {
      used.push(units);
    };
    for await (const page of pages(table, QUERY, meter)) expect(page.length).toBeLessThanOrEqual(2);
    expect(used).toHaveLength(3);
    expect(Math.min(...used)).toBeGreaterThan(0);
  });

  it('a query asks for consumed units only with a meter', async () => {
    const inputs = await sentBy(async () => {
      await readPage(table, QUERY);
      await readPage(table, QUERY, undefined, async () => {});
    });
    expect(inputs.map(({ ReturnConsumedCapacity }) => ReturnConsumedCapacity)).toEqual([undefined, 'TOTAL']);
  });

  it("a query of a customer's items is strongly consistent", async () => {
    const inputs = await sentBy(async () => {
      for await (const { sk } of itemsOf(table, 'p1', 'KEY#')) expect(sk).toMatch(/^KEY#/);
    });
    expect(inputs.map(({ ConsistentRead }) => ConsistentRead)).toEqual([true]);
  });

  it("a query of a customer's items begins with a prefix, or reads all of them", async () => {
    const listed = async (prefix: string | null) => {
      const found: unknown[] = [];
      for await (const { sk } of itemsOf(table, 'p1', prefix)) found.push(sk);
      return found;
    };
    expect(await listed('FIX#')).toEqual(['FIX#1', 'FIX#2', 'FIX#3']);
    expect(await listed(null)).toEqual(sks);
  });

  it('a query without a key condition reads the whole table', async () => {
    const { items } = await readPage(table, { Limit: 3 });
    expect(items).toHaveLength(3);
  });
});
