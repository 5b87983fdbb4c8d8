import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Notice } from '../../lib/domain/notice.ts';
import { keys } from '../../lib/store/keys.ts';
import { encodeNewNotice, noticesOfRaise, putNotice } from '../../lib/store/notices.ts';
import { type Item, type Table, type Write, writeTogether } from '../../lib/store/table.ts';
import { put } from '../../lib/store/write.ts';
import { middlewareOf } from '../support/documents.ts';
import { range } from '../support/fixtures.ts';
import { openTestTable } from '../support/table.ts';

/* The notices about a balance of 0 since a raise of the balance, from which one letter is made. */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const createdAt = '2026-01-02T03:04:05.678Z';
const store = async (...writes: Write[]): Promise<void> => {
  expect((await writeTogether(table, writes)).kind).toBe('written');
};

const blocked = (customerId: string, id: string): Notice => ({
  customerId,
  id,
  createdAt,
  content: { kind: 'fix_blocked', reason: 'no_billing_info', repo: 'acme/webshop', prNumber: 1 },
});
const exhausted = (customerId: string, raise: string): Notice => ({
  customerId,
  id: raise,
  createdAt,
  content: {
    ...{ kind: 'exhausted', hasCard: false, rate: 'pay_as_you_go' },
    ...{ isDisputed: false, isDeclined: false, isOverLimit: false },
  },
});

async function foundOf(customerId: string, raise: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of noticesOfRaise(table, customerId, raise)) ids.push(...page.map(({ id }) => id));
  return ids;
}

it('the notices of a raise are those of its balance and of its blocked fixes, and unreadable ones are left out', async () => {
  const unreadable = { ...encodeNewNotice(blocked('n1', '7-b')), content: { kind: 'fix_blocked' } };
  await store(
    putNotice(exhausted('n1', '7')),
    putNotice(blocked('n1', '7-a')),
    put(unreadable),
    putNotice(blocked('n1', '7-c')),
    // Of another raise, and of another customer.
    putNotice(exhausted('n1', '8')),
    putNotice(blocked('n1', '70-a')),
    putNotice(blocked('n2', '7-d')),
  );
  expect(await foundOf('n1', '7')).toEqual(['7', '7-a', '7-c']);
  await store(put({ ...keys.notice('n1', 'exhausted', '7'), content: 7 }));
  expect(await foundOf('n1', '7')).toEqual(['7-a', '7-c']);
  expect(await foundOf('n3', '7')).toEqual([]);
});

it('a notice that was just written is found, because the query is strongly consistent', async () => {
  const inputs: Item[] = [];
  middlewareOf(table).add(
    (next, { commandName }) =>
      (args) => {
        if (commandName === 'QueryCommand') inputs.push({ ...args.input });
        return next(args);
      },
    { step: 'initialize', priority: 'high', name: 'queries' },
  );
  onTestFinished(() => void middlewareOf(table).remove('queries'));
  await foundOf('n1', '7');
  expect(inputs).toMatchObject([{ ConsistentRead: true, Limit: 100 }]);
});

it('of the fixes that were blocked since a raise, the first 2,000 are read for one letter', async () => {
  for (const hundred of range(10, 30)) {
    const ids = range(100 * hundred, 100 * hundred + 99).map((n) => `7-${n}`);
    await store(...ids.map((id) => putNotice(blocked('n4', id))));
  }
  const found = await foundOf('n4', '7');
  expect([found.length, found.at(0), found.at(-1)]).toEqual([2_000, '7-1000', '7-2999']);
});
