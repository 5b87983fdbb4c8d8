import { describe, expect, it } from 'vitest';
import { type ReconcileReport, withCustomers } from '../../../lib/domain/reconciliation.ts';
import { BillingError } from '../../../lib/errors.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { reconcile } from '../../../lib/operations/reconcile/run.ts';
import { RunLease } from '../../../lib/operations/reconcile/run-lease.ts';
import { readRun } from '../../../lib/operations/reconcile/stored-run.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { readEventRecord } from '../../../lib/store/events.ts';
import { keys } from '../../../lib/store/keys.ts';
import { isHandled } from '../../../lib/stripe/event-types.ts';
import { StripeFault } from '../../../lib/stripe/fault.ts';
import { recordedFix } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { writeHistory } from '../../support/history.ts';
import { customerWithCard } from '../../support/money.ts';
import {
  type Books,
  beforeQuestion,
  openBooks,
  reconciled,
  soundTown,
  tamper,
} from '../../support/reconciliation.ts';
import { countingCalls } from '../../support/table.ts';

/* An interrupted run continues from any point and ends with the same result. Also: what a run costs. */

/** Days. After any month, long enough for one paid renewal and too short for a second one. */
const MONTH = 32;
const CUSTOMERS = 24;
const BUDGET_MS = 13 * 60_000;

/** The result of a run without its times. */
const findings = ({ run: _, startedAt: _s, finishedAt: _f, ...rest }: ReconcileReport) => ({
  ...rest,
  drift: { ...rest.drift, named: rest.drift.named.toSorted(byText) },
});
const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** Many customers: every third has a changed balance, every eighth a card. */
async function crowd(books: Books): Promise<void> {
  for (const n of range(1, CUSTOMERS)) {
    const { customerId } =
      n % 8 === 0 ? await customerWithCard(books, 3) : (await customerWith(books.deps, n)).head;
    if (n % 3 === 0) await tamper(books, keys.head(customerId), 'balance', 500 + n);
  }
  await books.deliver();
}

describe('a run that is cut off', () => {
  it('a run cut off while it reports findings is not finished: the next invocation reports them', async () => {
    const books = await openBooks();
    const { trial } = await soundTown(books);
    await tamper(books, keys.head(trial.customerId), 'balance', 77);
    const killed = new Error('killed');
    const dying = reconcile(books.deps, {
      run: 'told',
      onFinished: () => {
        throw killed;
      },
    });
    await expect(dying).rejects.toBe(killed);

    const told: ReconcileReport[] = [];
    const again = await reconcile(books.deps, {
      run: 'told',
      onFinished: (report) => void told.push(report),
    });
    expect(again.state).toBe('finished');
    expect(told).toEqual([again.report]);
    expect(again.report.drift.count).toBe(1);
    await reconcile(books.deps, { run: 'told', onFinished: (report) => void told.push(report) });
    expect(told).toHaveLength(1);
  });

  it('a run whose time is up continues where it stopped: nothing twice, nothing left out', async () => {
    const books = await openBooks();
    await soundTown(books);
    await crowd(books);
    const { report: whole } = await reconciled(books);
    expect(whole.customers.checked).toBe(CUSTOMERS + 3);
    expect(whole.drift.count).toBe(CUSTOMERS / 3);

    const scanned: number[] = [];
    let checked = 0;
    let last: ReconcileReport | undefined;
    for (let invocations = 1; last?.finishedAt == null; invocations++) {
      expect(invocations).toBeLessThan(CUSTOMERS);
      const until = checked + 5;
      const { state, report } = await reconcile(books.deps, {
        run: 'piecemeal',
        segments: 3,
        onProgress: ({ customers, finishedAt }) => {
          if (customers.checked >= until && finishedAt === null) books.wait(BUDGET_MS);
        },
      });
      expect(state).toBe(report.finishedAt === null ? 'unfinished' : 'finished');
      ({ checked } = report.customers);
      scanned.push(checked);
      last = report;
    }
    // The run was interrupted several times, and each part reported and saved its progress.
    expect(new Set(scanned).size).toBeGreaterThan(2);
    expect(findings(last)).toEqual(findings(whole));
    expect((await readRun(books.table, 'piecemeal'))?.run.report).toEqual(last);
  });

  it('a run stopped by Stripe continues with its findings', async () => {
    const books = await openBooks();
    await soundTown(books);
    for (const _ of range(1, 14)) await customerWithCard(books, 3);
    await books.deliver();
    const { report: whole } = await reconciled(books);

    let asked = 0;
    await books.control('faults', { path: '/v1/invoices', kind: '500_before', times: 100, skip: 4 });
    const failing = reconcile(books.deps, {
      run: 'failing',
      segments: 1,
      onProgress: ({ customers }) => {
        asked = customers.checked;
      },
    });
    await expect(failing).rejects.toMatchObject({ code: 'payments_unavailable' });
    expect(asked).toBeGreaterThan(0);
    expect((await readRun(books.table, 'failing'))?.run.report.customers.checked).toBe(asked);

    await books.control('faults/clear');
    const { report } = await reconcile(books.deps, { run: 'failing' });
    // Customers who could not be compared before the failure are compared now.
    expect(findings(report)).toEqual(findings(whole));
  });

  it('a run stopped by the ledger continues with the customer at which it failed', async () => {
    const books = await openBooks();
    for (const _ of range(1, CUSTOMERS)) await customerWithCard(books, 3);
    await books.deliver();
    const { report: whole } = await reconciled(books);
    let asked = 0;
    const failing = await beforeQuestion(books.deps, 'rawCharges', async (nth) => {
      asked = nth;
      if (nth === 2) throw new BillingError('ledger_unavailable', 'as reading the ledger ends');
    });
    const run = reconcile(failing, { run: 'failing' });
    await expect(run).rejects.toMatchObject({ code: 'ledger_unavailable' });
    // The other segments stopped at their current customers.
    expect(asked).toBeLessThan(CUSTOMERS / 2 + 1);
    const { report } = await reconcile(books.deps, { run: 'failing' });
    expect(findings(report)).toEqual(findings(whole));
  });

  it('a run whose process ends continues from what it had saved', async () => {
    const books = await openBooks();
    await soundTown(books);
    for (const _ of range(1, 10)) await customerWithCard(books, 3);
    await books.deliver();
    await books.deliver();
    const { report: whole } = await reconciled(books);

    const died = Promise.withResolvers<void>();
    const dying = await beforeQuestion(books.deps, 'rawCharges', async (nth) => {
      if (nth < 7) return;
      died.resolve();
      await new Promise(() => {});
    });
    void reconcile(dying, { run: 'killed', segments: 1, onProgress: () => books.wait(5_000) });
    await died.promise;
    const saved = await readRun(books.table, 'killed');
    expect(saved?.run.report.customers.checked).toBeGreaterThan(0);
    expect(saved?.run.report.customers.checked).toBeLessThan(13);

    const { report } = await reconcile(books.deps, { run: 'killed' });
    expect(findings(report)).toEqual(findings(whole));
  });

  it('a run cut off between applying an event and storing that still reports the event as missed', async () => {
    const books = await openBooks();
    await soundTown(books);
    await books.later(MONTH);
    const applied = Promise.withResolvers<void>();
    const dying = await beforeQuestion(books.deps, 'readInvoiceReach', async (nth) => {
      if (nth === 1) return;
      applied.resolve();
      await new Promise(() => {});
    });
    void reconcile(dying, { run: 'killed' });
    await applied.promise;
    // Two events share a second. One is in the ledger, the other is not, and the report names neither.
    const [, , payment, invoice] = books
      .events()
      .filter(({ type }) => isHandled(type))
      .slice(-4);
    expect(await readEventRecord(books.table, payment?.id ?? '')).not.toBeNull();
    const { run } = (await readRun(books.table, 'killed')) ?? {};
    expect(run?.position.events.announced).toEqual(expect.arrayContaining([payment?.id, invoice?.id]));
    expect(run?.report.missed.named.map(({ eventId }) => eventId)).not.toContain(payment?.id);

    const { report } = await reconcile(books.deps, { run: 'killed' });
    expect(report.events).toMatchObject({ listed: 4, known: 0, applied: 3, ignored: 1 });
    expect(report.missed.named.map(({ type }) => type)).toEqual([
      'customer.subscription.updated',
      'invoice.finalized',
      'payment_intent.succeeded',
      'invoice.paid',
    ]);
    expect(report.drift.count).toBe(0);
  });

  it('a run that is resumed days later ends with the events that Stripe still has', async () => {
    const books = await openBooks();
    await soundTown(books);
    const [subscription] = books.double.state.subscriptions.newestFirst;
    for (const n of range(1, 105)) {
      await books.stripe.subscriptions.update(subscription?.id ?? '', { metadata: { n } });
    }
    await books.deliver();
    // Before the first renewal, also in February.
    await books.later(27);
    // Stops after the first page of the day that contains all these events.
    const { state } = await reconcile(books.deps, {
      run: 'old',
      onProgress: ({ events }) => events.listed > 0 && books.wait(BUDGET_MS),
    });
    expect(state).toBe('unfinished');
    await books.later(4);
    const { report } = await reconcile(books.deps, { run: 'old' });
    expect(report.events).toMatchObject({ listed: 100, known: 100 });
    expect(report.finishedAt).not.toBeNull();
  });

  it('a finished run is not started again: one read says so', async () => {
    const books = await openBooks();
    await soundTown(books);
    const first = await reconcile(books.deps, { run: 'daily' });
    const { result, calls } = await countingCalls(books.table, () => reconcile(books.deps, { run: 'daily' }));
    expect(calls).toEqual(['BatchGetItem']);
    expect(result).toEqual({ run: 'daily', state: 'was_finished', report: first.report });
  });
});

describe('two at once', () => {
  it('two concurrent invocations are one run: the other stops, and everything is counted once', async () => {
    const books = await openBooks();
    await soundTown(books);
    await crowd(books);
    await books.deliver();
    const { report: whole } = await reconciled(books);
    const asking = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const slow = await beforeQuestion(books.deps, 'rawCharges', () => {
      asking.resolve();
      return released.promise;
    });
    const first = reconcile(slow, { run: 'both' });
    await asking.promise;
    const second = await reconcile(books.deps, { run: 'both' });
    released.resolve();
    expect(second.state).toBe('finished');
    expect(findings(second.report)).toEqual(findings(whole));
    // The earlier call returns the report of the later one. Its own findings are discarded.
    expect(await first).toEqual({ run: 'both', state: 'taken_over', report: second.report });
    expect((await readRun(books.table, 'both'))?.run.report).toEqual(second.report);
  });

  it('findings after a takeover are counted only once', async () => {
    const { deps } = await openBooks();
    const options = { run: 'both', segments: 1, upToNow: false, budgetMs: 60_000, onAdvance: () => {} };
    const one = await RunLease.acquire(deps, options);
    const other = await RunLease.acquire(deps, options);
    const found = { entries: 2, charges: 0, invoices: 0, isCompared: true, drift: [] };
    const count = (lease: RunLease) =>
      lease.advance((run) => ({ ...run, report: withCustomers(run.report, [found]) }));
    await count(other);
    await other.save();
    await count(one);
    await one.save();
    expect(one.isLost).toBe(true);
    // A segment of the first run was still reading a customer.
    await count(one);
    expect(one.run.report).toEqual(other.run.report);
  });

  it('two invocations that start at the same instant report a lost event once', async () => {
    const books = await openBooks();
    await soundTown(books);
    await books.later(MONTH);
    const results = await Promise.all(range(1, 4).map(() => reconcile(books.deps, { run: 'same' })));
    const finished = results.filter(({ state }) => state === 'finished');
    expect(finished).toHaveLength(1);
    expect(finished[0]?.report.events).toMatchObject({ listed: 4, known: 0, applied: 3, ignored: 1 });
    expect(results.every(({ state }) => state === 'finished' || state === 'taken_over')).toBe(true);
  });
});

describe('one customer about whom Stripe does not answer', () => {
  it('a customer that Stripe does not return does not stop the others, is retried at the end, and is then reported', async () => {
    const books = await openBooks();
    const { payer } = await soundTown(books);
    const refusing = (times: number) => {
      let left = times;
      return beforeQuestion(books.deps, 'rawCharges', async (nth, about) => {
        if (about !== payer.stripeCustomerId || left === 0) return;
        left -= 1;
        throw new StripeFault('indeterminate', { requestId: `req_${nth}` });
      });
    };
    const { report: mended } = await reconciled({ deps: await refusing(1) });
    expect(mended).toMatchObject({ drift: { count: 0 }, customers: { checked: 3, charges: 1 } });

    const { report } = await reconciled({ deps: await refusing(2) });
    expect(report.customers).toMatchObject({ checked: 3, charges: 0 });
    expect(report.drift.named).toEqual([
      {
        customerId: payer.customerId,
        invariant: null,
        seq: null,
        message: 'could not be checked: Stripe: indeterminate',
      },
    ]);
  });
});

describe('a ledger that is longer than a page', () => {
  it('a ledger longer than a page that changes between two pages is no drift', async () => {
    const books = await openBooks();
    const { customerId } = (await customerWith(books.deps, 5)).head;
    await writeHistory(books.deps, customerId, 3_500);
    const fixId = await recordedFix(books.deps, customerId, 1);
    let pages = 0;
    afterEachPage(books.deps, async () => {
      pages += 1;
      // The fix was on the first page. Its entry will be on the last.
      if (pages === 1) await billFixAttempt(books.deps, customerId, fixId);
    });
    const { report } = await reconciled(books);
    // The finding of the first read was gone in the second, which read as many pages.
    expect(pages).toBeGreaterThanOrEqual(2);
    expect(pages % 2).toBe(0);
    expect(report).toMatchObject({ drift: { count: 0 }, customers: { checked: 1, entries: 3_502 } });
  });
});

/** Calls `happen` after each page of a partition that has another page. */
function afterEachPage({ table }: PaymentDeps, happen: () => Promise<void>): void {
  middlewareOf(table).add(
    (next, context) => async (args) => {
      const answer = await next(args);
      const isPartial = 'LastEvaluatedKey' in answer.output && answer.output.LastEvaluatedKey !== undefined;
      if (context.commandName === 'QueryCommand' && isPartial) await happen();
      return answer;
    },
    { step: 'initialize', name: 'after-each-page' },
  );
}
