import { describe, expect, it } from 'vitest';
import { fixAttemptId } from '../../../lib/domain/fix-attempt.ts';
import type { ReconcileReport } from '../../../lib/domain/reconciliation.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { reconcile } from '../../../lib/operations/reconcile/run.ts';
import { readRun } from '../../../lib/operations/reconcile/stored-run.ts';
import { keys } from '../../../lib/store/keys.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWith, newFix, range } from '../../support/fixtures.ts';
import { writeFixes } from '../../support/large-history.ts';
import { type Books, openBooks, reconciled, remove, tamper } from '../../support/reconciliation.ts';

/* A customer whose partition is too large for one read. Here that is more than 20 read units, or 80 kB. */

const LARGE = { largeAboveUnits: 20 };
const HISTORY = { recorded: 2_600, billed: 1_300 };

async function largeCustomer({ deps }: Books): Promise<string> {
  const { head } = await customerWith(deps, 5);
  await writeFixes(deps, head.customerId, HISTORY);
  return head.customerId;
}

const messagesOf = ({ drift }: ReconcileReport) => drift.named.map(({ message }) => message);

/** Runs one invocation after another. Each ends after `parts` more advances. Returns the last report. */
async function inPieces({ deps, wait }: Books, run: string, parts: number, afterEach = async () => {}) {
  let report: ReconcileReport | undefined;
  let invocations = 0;
  while (report?.finishedAt == null) {
    invocations += 1;
    expect(invocations).toBeLessThan(200);
    let advanced = 0;
    ({ report } = await reconcile(deps, {
      run,
      ...LARGE,
      onProgress: ({ finishedAt }) => {
        advanced += 1;
        if (advanced >= parts && finishedAt === null) wait(14 * 60_000);
      },
    }));
    await afterEach();
  }
  return { report, invocations };
}

describe('a customer with more fixes than are read at once', () => {
  it('a large customer is checked completely, after all others, and the entries are counted', async () => {
    const books = await openBooks();
    const large = await largeCustomer(books);
    for (const _ of range(1, 5)) await customerWith(books.deps, 5);
    const order: number[] = [];
    const { report } = await reconciled(books, {
      ...LARGE,
      onProgress: ({ customers }) => void order.push(customers.checked),
    });
    expect(report.drift).toEqual({ count: 0, named: [] });
    expect(report.customers.checked).toBe(6);
    expect(report.customers.entries).toBe(5 + 1 + 1_300 + 1);
    expect(large).toHaveLength(32);
    // The others were counted before the first part of the large customer ended.
    expect(order.indexOf(5)).toBeLessThan(order.indexOf(6) - 3);
  });

  it('a large customer does not stop a run: the next invocation continues inside that customer, with the same findings', async () => {
    const books = await openBooks();
    const customerId = await largeCustomer(books);
    for (const _ of range(1, 3)) await customerWith(books.deps, 5);
    await tamper(books, keys.entry(customerId, 700), 'amount', -2);
    const { report: whole } = await reconciled(books, LARGE);
    const { report, invocations } = await inPieces(books, 'pieces', 2);
    expect(invocations).toBeGreaterThan(5);
    expect(messagesOf(report)).toEqual(messagesOf(whole));
    expect(report.customers).toEqual(whole.customers);
    expect(messagesOf(report)).toContain('entry 700 was changed: its hash does not match');
  });

  it('a large customer leaves a position of a few hundred bytes, however long the history', async () => {
    const books = await openBooks();
    await largeCustomer(books);
    let most = 0;
    await inPieces(books, 'small', 2, async () => {
      const stored = await readRun(books.table, 'small');
      most = Math.max(most, JSON.stringify(stored?.run.position.large).length);
    });
    expect(most).toBeGreaterThan(100);
    expect(most).toBeLessThan(800);
  });

  const fix = (n: number) => fixAttemptId(newFix(n));

  it.each([
    {
      what: 'an entry that is gone',
      spoil: (books: Books, id: string) => remove(books, keys.entry(id, 900)),
      says: 'entry 900 is missing',
    },
    {
      what: 'a balance that was changed',
      spoil: (books: Books, id: string) => tamper(books, keys.head(id), 'balance', 77),
      says: 'the balance is 77, the entries add up to 5',
    },
    {
      what: 'a fix that is billed without an entry',
      spoil: async (books: Books, id: string) => {
        const { table } = books;
        const billed = {
          outcome: 'credit_consumed',
          amount_cents: 0,
          billed_at: '',
          seq: 44,
          payment_intent_id: null,
        };
        await tamper({ table }, keys.fix(id, fix(2_000)), 'billed', billed);
      },
      says: `fix ${fixAttemptId(newFix(2_000))} is billed without a ledger entry`,
    },
    {
      what: 'a fix whose entry is there and who is not billed',
      spoil: (books: Books, id: string) => remove(books, keys.fix(id, fix(600))),
      says: `deploys fix ${fixAttemptId(newFix(600))}, which is not stored as billed`,
    },
    {
      what: 'a guard that is gone',
      spoil: (books: Books, id: string) => remove(books, keys.once(id, 'adjustment', 'large-history')),
      says: 'its guard adjustment#large-history is missing',
    },
    {
      what: 'a key that is not counted',
      spoil: (books: Books, id: string) => tamper(books, keys.head(id), 'active_keys', 7),
      says: 'the head counts 7 active keys, but 1 are stored',
    },
  ])('the audit of a large customer reports $what', async ({ spoil, says }) => {
    const books = await openBooks();
    const customerId = await largeCustomer(books);
    await spoil(books, customerId);
    const { report } = await reconciled(books, LARGE);
    expect(messagesOf(report).join('\n')).toContain(says);
  });

  it('a large customer may spend credits during the audit without drift', async () => {
    const books = await openBooks();
    const customerId = await largeCustomer(books);
    const spent = range(3_001, 3_004);
    const pending: Promise<void>[] = [];
    let at = 0;
    const { report } = await reconciled(books, {
      ...LARGE,
      onProgress: () => {
        const n = spent[at++];
        if (n !== undefined) pending.push(spend(n));
      },
    });
    async function spend(n: number) {
      await billFixAttempt(books.deps, customerId, await recordedFix(books.deps, customerId, n));
    }
    await Promise.all(pending);
    expect(report.drift.named).toEqual([]);
  });
});
