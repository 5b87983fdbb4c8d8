import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { ReconcileReport } from '../../../lib/domain/reconciliation.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { writeHistory } from '../../support/history.ts';
import { customerWithCard } from '../../support/money.ts';
import { type Books, openBooks, reconciled } from '../../support/reconciliation.ts';
import { countingCalls } from '../../support/table.ts';

/* The cost of a reconciliation in calls to the table and to Stripe: counted, never timed. */

const Consumed = z._default(z.object({ CapacityUnits: z.number() }), { CapacityUnits: 0 });

/** The read units that scans and queries reported during `work`. */
async function countingReadUnits<T>(
  { table }: Books,
  work: () => Promise<T>,
): Promise<{ result: T; units: number }> {
  let units = 0;
  middlewareOf(table).add(
    (next) => async (args) => {
      const answer = await next(args);
      if ('ConsumedCapacity' in answer.output) {
        units += Consumed.parse(answer.output.ConsumedCapacity).CapacityUnits;
      }
      return answer;
    },
    { step: 'initialize', name: 'read-units' },
  );
  try {
    return { result: await work(), units };
  } finally {
    middlewareOf(table).remove('read-units');
  }
}

const secondsOf = ({ startedAt, finishedAt }: ReconcileReport): number =>
  (Date.parse(finishedAt ?? '') - Date.parse(startedAt)) / 1000;

describe('the limit of read units', () => {
  it('a lower limit of read units makes a run longer', async () => {
    const books = await openBooks();
    for (const credits of range(1, 12)) {
      const { head } = await customerWith(books.deps, credits);
      await writeHistory(books.deps, head.customerId, 150);
    }
    const atRate = (readUnitsPerSecond: number) =>
      countingReadUnits(books, async () => {
        const { report } = await reconciled(books, { readUnitsPerSecond });
        return secondsOf(report);
      });
    const slow = await atRate(1);
    const fast = await atRate(50);
    expect(slow.units).toBeGreaterThan(100);
    // Only sleeping advances the table's clock.
    expect(slow.result).toBeGreaterThanOrEqual(slow.units);
    expect(fast.result).toBeGreaterThanOrEqual(fast.units / 50);
    expect(fast.result).toBeLessThan(slow.result / 5);
    console.log(`${slow.units} read units: ${slow.result} s at 1 a second, ${fast.result} s at 50`);
  });
});

describe('the calls to Stripe', () => {
  it('the calls to Stripe stay far below its rate limit: 20 a second on average', async () => {
    const books = await openBooks();
    for (const _ of range(1, 8)) await customerWithCard(books, 3);
    await books.deliver();
    const before = books.double.calls.all.length;
    const { report } = await reconciled(books, { readUnitsPerSecond: 1e6 });
    const calls = books.double.calls.all.slice(before).length;
    // 30 days of events; per customer the charges, invoices and balance, and the account twice, read by the
    // service and by the auditor (three calls each); three lists of the whole account; the price once.
    expect(calls).toBe(30 + 8 * (3 + 3 + 3) + 3 + 1);
    expect(secondsOf(report)).toBeGreaterThanOrEqual(calls / 20);
  });
});

describe('the calls of DynamoDB', () => {
  it('each customer costs two calls of DynamoDB, for the partition and for the items outside of it, beside a fixed number', async () => {
    const books = await openBooks();
    const counted: string[] = [];
    const counts: Record<string, number>[] = [];
    for (const more of [10, 40]) {
      for (const _ of range(1, more)) await customerWith(books.deps, 5);
      const { result, calls } = await countingCalls(books.table, () => reconciled(books));
      const { checked, entries } = result.report.customers;
      const times = (name: string) => calls.filter((call) => call === name).length;
      counts.push({ checked, query: times('Query'), batch: times('BatchGetItem'), other: times('Scan') });
      counted.push(
        `${checked} customers, ${entries} entries: ${times('Query')} Query, ${times('Scan')} Scan, ` +
          `${times('BatchGetItem')} BatchGetItem, ${times('PutItem')} PutItem, ` +
          `${(calls.length / checked).toFixed(2)} calls a customer`,
      );
    }
    const [few, many] = counts;
    // Two queries read open work, and one reads the sums of older days. The run is saved every 5 seconds,
    // whatever the number of customers.
    for (const { checked, query } of counts) expect(query).toBe((checked ?? 0) + 3);
    // One is for the run itself.
    for (const { checked, batch } of counts) expect(batch).toBe((checked ?? 0) + 1);
    expect(few?.['checked']).toBe(10);
    expect(many?.['checked']).toBe(50);
    expect(many?.['other']).toBe(few?.['other']);
    console.log(counted.join('\n'));
  });
});
