import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { watchBalance } from '../../lib/domain/balance-watch.ts';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import { type Posting, post } from '../../lib/domain/ledger.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { guardAdjustment } from '../../lib/store/guards.ts';
import { decodeHead } from '../../lib/store/heads.ts';
import { keys } from '../../lib/store/keys.ts';
import {
  commit,
  entryPages,
  type HeadChange,
  readEntriesDown,
  readHeadAndNewest,
} from '../../lib/store/ledger.ts';
import { type Item, readTogether, type Write } from '../../lib/store/table.ts';
import { documents, middlewareOf } from '../support/documents.ts';
import { customerWith, range } from '../support/fixtures.ts';
import { writeHistory } from '../support/history.ts';
import { dyingAfter, openTestTable, testDeps } from '../support/table.ts';
import { fromWire } from '../support/table-model/wire.ts';

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const NOBODY = 'f'.repeat(32);
const change = (amount: number): Posting => ({ amount, source: 'adjustment', metadata: {} });
const guard = (customerId: string, key: string): Write =>
  guardAdjustment(customerId, key, { amount: 1, reason: 'r', actor: 'a', balanceAfter: 1, seq: 1 });

async function stored(customerId: string): Promise<Item> {
  const [item] = await readTogether(deps.table, [keys.head(customerId)]);
  if (item === undefined) throw new Error('no head');
  return item;
}

const headOf = async (customerId: string): Promise<CustomerHead> => decodeHead(await stored(customerId));

/** The requests to the table during `work`. */
async function requestsOf(work: () => Promise<unknown>): Promise<unknown[]> {
  const inputs: unknown[] = [];
  const name = `requests-${Math.random()}`;
  middlewareOf(deps.table).add(
    (next) => (args) => {
      inputs.push(fromWire(args.input));
      return next(args);
    },
    { step: 'initialize', priority: 'high', name },
  );
  try {
    await work();
    return inputs;
  } finally {
    middlewareOf(deps.table).remove(name);
  }
}

/** Writes these entries after the current head, as a decision does. */
async function posted(customerId: string, postings: readonly Posting[]): Promise<void> {
  const head = await headOf(customerId);
  const { state, entries } = post(head, postings, AT);
  const next = { ...head, ...state, ...watchBalance(head, state) };
  const result = await commit(deps.table, head, { next, entries, changesProfile: false, at: AT }, []);
  expect(result).toEqual({ kind: 'committed' });
}

const unchanged = (head: CustomerHead): HeadChange => ({
  next: head,
  entries: [],
  changesProfile: false,
  at: AT,
});

describe('what is written of a head', () => {
  it('an unchanged head is not written, but checked to be the one that was read', async () => {
    const { head } = await customerWith(deps, 5);
    const write = () => commit(deps.table, head, unchanged(head), [guard(head.customerId, 'checked')]);
    const [request] = await requestsOf(write);
    expect(request).toMatchObject({
      TransactItems: [{ ConditionCheck: { Key: keys.head(head.customerId) } }, { Put: {} }],
    });
  });

  it('the counts of billed fixes are written if they changed, and nothing else is', async () => {
    const { head } = await customerWith(deps, 5);
    const before = await stored(head.customerId);
    const write = (billedByDay: string) => {
      const next = { ...head, billedByDay };
      return commit(deps.table, head, { ...unchanged(head), next }, []);
    };
    expect(await write('20455,1')).toEqual({ kind: 'committed' });
    expect(await stored(head.customerId)).toEqual({ ...before, billed_by_day: '20455,1' });
    expect(await headOf(head.customerId)).toEqual({ ...head, billedByDay: '20455,1' });
  });

  it('nothing is written of a head if the change holds for any head', async () => {
    const { head } = await customerWith(deps, 5);
    await posted(head.customerId, [change(1)]);
    const write = () => commit(deps.table, head, null, [guard(head.customerId, 'goodwill')]);
    const [request] = await requestsOf(write);
    expect(request).toMatchObject({ TransactItems: [{ Put: {} }] });
    expect(await commit(deps.table, head, null, [guard(head.customerId, 'goodwill')])).toMatchObject({
      kind: 'lost',
      head: null,
      winners: [{ amount: 1 }],
    });
  });

  it('spending across a threshold, and nothing else, puts the head into the index of due work', async () => {
    const { head } = await customerWith(deps, 7);
    await posted(head.customerId, [change(-1)]);
    expect(await stored(head.customerId)).not.toHaveProperty('due');
    await posted(head.customerId, [change(-1)]);
    const crossed = { due: 'low_balance', due_at: AT.toISOString(), balance_level: 'low' };
    expect(await stored(head.customerId)).toMatchObject(crossed);
  });

  it('a raised balance takes the head out of the index and stores the entry that raised it', async () => {
    const { head } = await customerWith(deps, 5);
    await posted(head.customerId, [change(-1)]);
    expect(await stored(head.customerId)).toHaveProperty('due');
    await posted(head.customerId, [change(2)]);
    const raised = await stored(head.customerId);
    expect(raised).not.toHaveProperty('due');
    expect(raised).not.toHaveProperty('due_at');
    expect(raised).toMatchObject({ balance_level: 'fine', raised_seq: raised['seq'], balance: 6 });
  });
});

describe('a write that meets another one', () => {
  it('a contended write is distinguished from a lost one: nothing was written, and a retry is possible', async () => {
    const { head } = await customerWith(deps, 5);
    const name = 'contended';
    middlewareOf(deps.table).add(
      () => async () => {
        const { TransactionConflictException } = await import('@aws-sdk/client-dynamodb');
        throw new TransactionConflictException({ message: 'busy', $metadata: {} });
      },
      { step: 'initialize', priority: 'high', name },
    );
    try {
      const result = await commit(deps.table, head, unchanged(head), [guard(head.customerId, 'k')]);
      expect(result).toEqual({ kind: 'contended' });
    } finally {
      middlewareOf(deps.table).remove(name);
    }
  });
});

describe('reading a ledger', () => {
  it('reading a ledger returns the head with the newest entries, up to the limit', async () => {
    const { head } = await customerWith(deps, 5);
    await writeHistory(deps, head.customerId, 6);
    const read = await readHeadAndNewest(deps.table, head.customerId, 3);
    expect(read?.head).toEqual(await headOf(head.customerId));
    expect(read?.newest.map(({ seq }) => seq)).toEqual([7, 6, 5]);
    const all = await readHeadAndNewest(deps.table, head.customerId, 10);
    expect(all?.newest.map(({ seq }) => seq)).toEqual([7, 6, 5, 4, 3, 2, 1]);
  });

  it('reading a ledger leaves out an entry that the head does not count yet, without shortening the list', async () => {
    const { head } = await customerWith(deps, 5);
    await writeHistory(deps, head.customerId, 4);
    await documents(deps.table).send(
      new UpdateCommand({
        TableName: deps.table.name,
        Key: keys.head(head.customerId),
        UpdateExpression: 'SET seq = :s',
        ExpressionAttributeValues: { ':s': 4 },
      }),
    );
    const read = await readHeadAndNewest(deps.table, head.customerId, 3);
    expect(read?.newest.map(({ seq }) => seq)).toEqual([4, 3, 2]);
  });

  it('reading a ledger returns nothing without a head, even if entries exist', async () => {
    expect(await readHeadAndNewest(deps.table, NOBODY, 3)).toBeNull();
    const { head } = await customerWith(deps, 5);
    const { DeleteCommand } = await import('@aws-sdk/lib-dynamodb');
    await documents(deps.table).send(
      new DeleteCommand({ TableName: deps.table.name, Key: keys.head(head.customerId) }),
    );
    expect(await readHeadAndNewest(deps.table, head.customerId, 3)).toBeNull();
  });

  it('reading downwards returns entries below a position, or from the newest', async () => {
    const { head } = await customerWith(deps, 5);
    await writeHistory(deps, head.customerId, 5);
    const down = async (below: number | null, limit: number) =>
      (await readEntriesDown(deps.table, head.customerId, below, limit)).map(({ seq }) => seq);
    expect(await down(null, 2)).toEqual([6, 5]);
    expect(await down(5, 2)).toEqual([4, 3]);
    expect(await down(3, 9)).toEqual([2, 1]);
    expect(await down(1, 9)).toEqual([]);
    expect(await readEntriesDown(deps.table, NOBODY, null, 9)).toEqual([]);
  });

  it('reading a whole ledger returns every entry once, oldest first, and never more than a page', async () => {
    const { head } = await customerWith(deps, 5);
    await writeHistory(deps, head.customerId, 6);
    const pages: number[][] = [];
    for await (const page of entryPages(deps.table, head.customerId, 3))
      pages.push(page.map(({ seq }) => seq));
    expect(pages.flat()).toEqual(range(1, 7));
    expect(Math.max(...pages.map(({ length }) => length))).toBe(3);
    const none: unknown[] = [];
    for await (const page of entryPages(deps.table, NOBODY, 3)) none.push(...page);
    expect(none).toEqual([]);
  });

  it('reading a ledger sees every earlier write, because each query is consistent', async () => {
    const { head } = await customerWith(deps, 5);
    const requests = await requestsOf(async () => {
      await readHeadAndNewest(deps.table, head.customerId, 3);
      await readEntriesDown(deps.table, head.customerId, null, 3);
      for await (const _page of entryPages(deps.table, head.customerId, 3));
    });
    expect(requests.length).toBeGreaterThanOrEqual(3);
    for (const request of requests) expect(request).toHaveProperty('ConsistentRead', true);
  });

  it('a failed read of a ledger says that a retry is safe', async () => {
    const { head } = await customerWith(deps, 5);
    const failures: unknown[] = [];
    await dyingAfter(deps.table, 0, 'Query', async () => {
      await readEntriesDown(deps.table, head.customerId, null, 3).catch((error) => failures.push(error));
      const pages = entryPages(deps.table, head.customerId, 3);
      await pages.next().catch((error) => failures.push(error));
    });
    expect(failures).toHaveLength(2);
    for (const failure of failures) {
      expect(failure).toMatchObject({
        code: 'ledger_unavailable',
        message: expect.stringMatching(/^Reading the ledger failed .* safe to send the same request again/),
      });
    }
  });
});
