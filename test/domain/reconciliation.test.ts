import { describe, expect, it } from 'vitest';
import { reconciliationLines } from '../../cli/reports/reconciliation-text.ts';
import {
  addOpenWork,
  type Drift,
  driftOfEvents,
  foundTwice,
  MAX_NAMED,
  type MissedEvent,
  NO_OPEN_WORK,
  newReport,
  type ReconcileReport,
  verdict,
  withCustomers,
  withEvents,
  withListed,
  withOpenWork,
} from '../../lib/domain/reconciliation.ts';
import { range } from '../support/fixtures.ts';

const CUSTOMER = '5ce7b219f06053a99cbd2545c536cfdd';
const empty = newReport('2026-11-24', '2026-11-24T03:00:12.000Z');

const drift = (seq: number, message = `entry ${seq} is missing`): Drift => ({
  customerId: CUSTOMER,
  invariant: 3,
  seq,
  message,
});
const missed = (n: number, outcome: MissedEvent['outcome'] = 'processed'): MissedEvent => ({
  eventId: `evt_${n}`,
  type: 'invoice.paid',
  createdAt: '2026-11-20T10:00:00.000Z',
  outcome,
  customerId: CUSTOMER,
  reason: 'applied',
});
const customer = (found: readonly Drift[] = []) => ({
  entries: 46,
  charges: 2,
  invoices: 1,
  isCompared: true,
  drift: found,
});
const finished = (report: ReconcileReport): ReconcileReport => ({
  ...report,
  finishedAt: '2026-11-24T03:04:56.000Z',
});

describe('the counts of a report', () => {
  it('the counts of a report are exact, and the list of named findings is bounded', () => {
    const found = range(1, 150).map((seq) => drift(seq));
    let report = withCustomers(empty, [customer(found), customer()]);
    report = withCustomers(report, [customer(found)]);
    report = withEvents(report, {
      known: 7,
      removed: 0,
      missed: range(1, 130).map((n) => missed(n)),
      drift: [drift(1)],
    });
    const open = range(1, 110).map((n) => ({ customerId: null, since: null, message: `event evt_${n}` }));
    report = withOpenWork(report, addOpenWork(addOpenWork(NO_OPEN_WORK, open), open));
    expect(report).toMatchObject({
      customers: { checked: 3, entries: 138, charges: 6, invoices: 3, notCompared: 0 },
      events: { listed: 137, known: 7, applied: 130 },
      drift: { count: 301 },
      missed: { count: 130 },
      open: { count: 220 },
    });
    expect(report.drift.named).toHaveLength(MAX_NAMED.drift);
    expect(report.missed.named).toHaveLength(MAX_NAMED.missed);
    expect(report.open.named).toHaveLength(MAX_NAMED.open);
    expect(report.drift.named[0]).toEqual(found[0]);
  });

  it('the counts of a report begin at 0', () => {
    expect(empty).toMatchObject({
      money: { cash: 0, returned: 0 },
      days: {},
      daysBefore: { days: 0, sums: { charges: 0, refunds: 0, disputes: 0, other: 0, fees: 0 } },
      byHand: { count: 0, named: [] },
    });
  });

  it('a report adds the money of every customer, by column and by day, and lists manual changes', () => {
    const columns = { cash: 100, returned: 1, outOfBand: 0, balanceUsed: 0, byHand: 5, discounts: 0 };
    const atStripe = {
      customerId: CUSTOMER,
      columns,
      byHand: ['+$0.05'],
      days: { '2026-11-24': { ledger: 100 } },
    };
    const report = withCustomers(empty, [
      { ...customer(), atStripe },
      customer(),
      { ...customer(), atStripe },
    ]);
    expect(report.money).toEqual({ ...columns, cash: 200, returned: 2, byHand: 10 });
    expect(report.days).toMatchObject({ '2026-11-24': { charges: 0, ledger: 200 } });
    const change = { customerId: CUSTOMER, since: null, message: 'balance changed by hand: +$0.05' };
    expect(report.byHand).toEqual({ count: 2, named: [change, change] });
  });

  it('a report states the outcome of each missed event', () => {
    const outcomes = (['processed', 'processed', 'ignored', 'parked', 'failed'] as const).map((outcome, n) =>
      missed(n, outcome),
    );
    const { events } = withEvents(empty, { known: 2, removed: 4, missed: outcomes, drift: [] });
    expect(events).toEqual({
      listed: 11,
      known: 2,
      removed: 4,
      applied: 2,
      ignored: 1,
      parked: 1,
      failed: 1,
    });
  });

  it('customers that could not be compared and listed money are summed over all pages', () => {
    const gone = { ...customer(), isCompared: false };
    let report = withCustomers(withCustomers(empty, [gone, customer()]), [gone]);
    expect(report.customers).toMatchObject({ checked: 3, notCompared: 2 });
    report = withListed(withListed(report, 'payments', 3, []), 'payments', 4, [drift(1)]);
    report = withListed(report, 'invoices', 2, []);
    expect(report.listed).toEqual({ payments: 7, invoices: 2 });
    expect(report.drift).toEqual({ count: 1, named: [drift(1)] });
  });

  it('a finding is stored in full up to 300 characters, and cut if it is longer', () => {
    const message = (length: number) => 'm'.repeat(length);
    const { named } = withListed(empty, 'payments', 0, [
      drift(1, message(300)),
      drift(2, message(301)),
    ]).drift;
    expect(named.map((one) => one.message)).toEqual([message(300), `${message(300)}…`]);
  });

  it('a report fits an item of the table, however long its texts are', () => {
    const long = 'ü'.repeat(10_000);
    const found = range(1, 1_000).map((seq) => drift(seq, long));
    const events = range(1, 1_000).map((n) => ({
      ...missed(n),
      eventId: `evt_${'x'.repeat(250)}`,
      reason: long,
    }));
    const open = range(1, 1_000).map(() => ({ customerId: CUSTOMER, since: null, message: long }));
    const full = withOpenWork(
      withEvents(withCustomers(empty, [customer(found)]), {
        known: 0,
        removed: 0,
        missed: events,
        drift: [],
      }),
      addOpenWork(NO_OPEN_WORK, open),
    );
    expect(Buffer.byteLength(JSON.stringify(full))).toBeLessThan(400_000 - 20_000);
  });
});

describe('what is found', () => {
  it('a finding counts if the second read gives it in the same words', () => {
    const before = [drift(1), drift(2, 'the head is at entry 2, the ledger continues to entry 3')];
    const after = [drift(1), drift(2, 'the head is at entry 3, the ledger continues to entry 4')];
    expect(foundTwice(before, after)).toEqual([drift(1)]);
  });

  it('event findings are the events without an outcome', () => {
    const events = [
      { id: 'evt_1', outcome: 'processed' },
      { id: 'evt_2', outcome: 'ignored' },
      { id: 'evt_3', outcome: 'parked' },
      { id: 'evt_4', outcome: null },
    ];
    expect(driftOfEvents(events)).toEqual([
      { customerId: null, invariant: 8, seq: null, message: 'event evt_4 has the outcome none' },
    ]);
  });
});

describe('the report for people', () => {
  const text = (report: ReconcileReport) => reconciliationLines(report, 80);

  it('the printed report begins with the verdict', () => {
    let report = withCustomers(
      empty,
      range(1, 1_234).map(() => customer()),
    );
    report = withEvents(report, { known: 412, removed: 0, missed: [], drift: [] });
    expect(text(finished(report))[0]).toBe(
      '0 drift in 1,234 customers, 56,764 entries; 412 events, 0 missed',
    );
    expect(verdict(report)).toBe(
      'Not finished; so far 0 drift in 1,234 customers, 56,764 entries; 412 events, 0 missed',
    );
  });

  it('the verdict on one customer, entry and event uses the singular', () => {
    const one = { ...empty, customers: { ...empty.customers, checked: 1, entries: 1 } };
    const report = { ...one, events: { ...empty.events, listed: 1 } };
    expect(verdict(finished(report))).toBe('0 drift in 1 customer, 1 entry; 1 event, 0 missed');
  });

  it('the printed report lists each finding, states how many more there are, and fits 80 columns', () => {
    let report = withCustomers(empty, [customer(range(1, 250).map((seq) => drift(seq)))]);
    report = withListed(report, 'payments', 3, [
      {
        customerId: null,
        invariant: 5,
        seq: null,
        message: `payment pi_1 of 2900 cents for fix ${CUSTOMER} belongs to cus_${'x'.repeat(100)}, which is bound to no customer`,
      },
    ]);
    report = withEvents(report, { known: 1, removed: 2, missed: [missed(1, 'parked')], drift: [] });
    report = withOpenWork(
      report,
      addOpenWork(NO_OPEN_WORK, [
        {
          customerId: null,
          since: '2026-11-20T10:00:00.000Z',
          message: 'event evt_1 (invoice.paid) is parked',
        },
      ]),
    );
    const lines = text(finished(report));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines).toContain(`  customer ${CUSTOMER}, invariant 3`);
    expect(lines).toContain('    entry 1 is missing');
    expect(lines).toContain('  and 51 more');
    expect(lines).toContain('          2 events skipped: their customers were removed by the smoke test');
    expect(lines).toContain('Drift: needs attention (251)');
    expect(lines).toContain('  Nothing was repaired. What to do: docs/operate.md, Drift');
    expect(text(empty).join()).not.toContain('What to do');
    expect(lines).toContain('  evt_1 invoice.paid of 2026-11-20 10:00');
    expect(lines).toContain('  since 2026-11-20 10:00');
    expect(lines.join('\n')).toContain('run       2026-11-24, 2026-11-24 03:00 to 2026-11-24 03:04 UTC');
  });

  it('the printed report states until when the run compared', () => {
    expect(text(empty)).toContain(
      'until     2026-11-24 02:50 UTC; Stripe may still be delivering newer events',
    );
    expect(text({ ...empty, upToNow: true })).toContain(
      'until     now; may include events that Stripe is still delivering',
    );
  });
});
