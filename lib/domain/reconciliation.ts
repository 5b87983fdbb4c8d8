import { addColumns, type Columns, NO_COLUMNS } from './books/columns.ts';
import { addDays, type Days, type DayTotals, NO_MOVEMENTS } from './books/day-totals.ts';
import { NEW_PROFILE } from './customer.ts';
import { emptyLedger } from './ledger.ts';
import type { Invariant, LedgerRecords, Violation } from './ledger-records.ts';
import { verifyLedger } from './verify.ts';

/** Something that is not as it should be. Nothing repairs it but people. */
export interface Drift {
  /** Null for what is nobody's, such as the money of a Stripe customer whom we do not know. */
  readonly customerId: string | null;
  /** Null where something is not readable, so that nothing could be verified, and for what a head says that cannot be. */
  readonly invariant: Invariant | null;
  /** The ledger entry at fault, where there is one. */
  readonly seq: number | null;
  /** In words and ids: what is at fault, what was expected and what was found. */
  readonly message: string;
}

/** An event that Stripe has and that never came; it was applied, and this is what became of it. */
export interface MissedEvent {
  readonly eventId: string;
  readonly type: string;
  readonly createdAt: string;
  /** `failed`: it could not be applied, so it is drift too. */
  readonly outcome: 'processed' | 'ignored' | 'parked' | 'failed';
  readonly customerId: string | null;
  readonly reason: string;
}

/** Something that waits to be finished: no drift, and no secret. */
export interface OpenWork {
  readonly customerId: string | null;
  /** ISO 8601; null where it is not known. */
  readonly since: string | null;
  readonly message: string;
}

/** All of them counted, the first of them named. */
export interface Named<T> {
  readonly count: number;
  readonly named: readonly T[];
}

/** What a reconciliation has looked at and found; while it is not finished, so far. All counts are exact. */
export interface ReconcileReport {
  readonly run: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** Whether the newest is looked at too, and not left to Stripe's own delivery: see `asOf`. */
  readonly upToNow: boolean;
  /**
   * Those that Stripe lists: known already, of customers whom the smoke test removed, or missed. A missed one was applied,
   * ignored or parked, or it failed.
   */
  readonly events: Readonly<
    Record<'listed' | 'known' | 'removed' | 'applied' | 'ignored' | 'parked' | 'failed', number>
  >;
  readonly customers: {
    readonly checked: number;
    readonly entries: number;
    /** Succeeded fix charges and paid Pro invoices at Stripe, held against the entries and the other way round. */
    readonly charges: number;
    readonly invoices: number;
    /** Customers whose money Stripe does not list any more, or not all of it, for they were deleted there. */
    readonly notCompared: number;
  };
  /** Of the whole Stripe account: payments for fixes and paid Pro invoices whose owner was looked up. */
  readonly listed: { readonly payments: number; readonly invoices: number };
  readonly drift: Named<Drift>;
  readonly missed: Named<MissedEvent>;
  readonly open: Named<OpenWork>;
  readonly money: Columns;
  /** By day: the last 35 are added up again each night. */
  readonly days: Days;
  /** What was stored of all days before. */
  readonly daysBefore: { readonly days: number; readonly sums: Omit<DayTotals, 'ledger'> };
  /** Changes of a customer's balance at Stripe that a person made by hand: support looks at the credits. */
  readonly byHand: Named<OpenWork>;
}

/** How many are named. A report with all of them, each as long as it may be, is well below what an item can hold. */
export const MAX_NAMED = { drift: 200, missed: 100, open: 100, byHand: 50 } as const;
const MAX_TEXT = 300;

const NONE = { count: 0, named: [] } as const;

export const newReport = (run: string, startedAt: string, upToNow = false): ReconcileReport => ({
  run,
  startedAt,
  finishedAt: null,
  upToNow,
  events: { listed: 0, known: 0, removed: 0, applied: 0, ignored: 0, parked: 0, failed: 0 },
  customers: { checked: 0, entries: 0, charges: 0, invoices: 0, notCompared: 0 },
  listed: { payments: 0, invoices: 0 },
  drift: NONE,
  missed: NONE,
  open: NONE,
  money: NO_COLUMNS,
  days: {},
  daysBefore: { days: 0, sums: NO_MOVEMENTS },
  byHand: NONE,
});

/** What came about later is left to Stripe's own delivery, which has most often brought it by now. */
const LEFT_TO_STRIPE_MS = 10 * 60_000;

/** The moment that a run looks at things as of; the same one after it was taken up again. */
export const asOf = ({ startedAt, upToNow }: Pick<ReconcileReport, 'startedAt' | 'upToNow'>): Date =>
  new Date(Date.parse(startedAt) - (upToNow ? 0 : LEFT_TO_STRIPE_MS));

export interface CheckedEvents {
  readonly known: number;
  readonly removed: number;
  readonly missed: readonly MissedEvent[];
  readonly drift: readonly Drift[];
}

export function withEvents(
  report: ReconcileReport,
  { known, removed, missed, drift }: CheckedEvents,
): ReconcileReport {
  const { events } = report;
  const ended = (outcome: MissedEvent['outcome']) =>
    missed.filter((event) => event.outcome === outcome).length;
  return withDrift(
    {
      ...report,
      events: {
        listed: events.listed + known + removed + missed.length,
        known: events.known + known,
        removed: events.removed + removed,
        applied: events.applied + ended('processed'),
        ignored: events.ignored + ended('ignored'),
        parked: events.parked + ended('parked'),
        failed: events.failed + ended('failed'),
      },
      missed: more(
        report.missed,
        missed.map((event) => ({ ...event, reason: clipped(event.reason) })),
        MAX_NAMED.missed,
      ),
    },
    drift,
  );
}

export interface CheckedCustomer {
  readonly entries: number;
  readonly charges: number;
  readonly invoices: number;
  /** Whether Stripe was asked, and listed all of their money. */
  readonly isCompared: boolean;
  readonly drift: readonly Drift[];
  /** Where Stripe was asked: their money by how it came, and what a person changed of their balance. */
  readonly atStripe?: {
    readonly customerId: string;
    readonly columns: Columns;
    readonly byHand: readonly string[];
    /** What their ledger has of each day's charges, in cents. */
    readonly days: Readonly<Record<string, Partial<DayTotals>>>;
  };
}

export function withCustomers(report: ReconcileReport, checked: readonly CheckedCustomer[]): ReconcileReport {
  const { customers } = report;
  const sum = (of: (customer: CheckedCustomer) => number) =>
    checked.reduce((total, customer) => total + of(customer), 0);
  return withDrift(
    {
      ...report,
      customers: {
        checked: customers.checked + checked.length,
        entries: customers.entries + sum(({ entries }) => entries),
        charges: customers.charges + sum(({ charges }) => charges),
        invoices: customers.invoices + sum(({ invoices }) => invoices),
        notCompared: customers.notCompared + sum(({ isCompared }) => (isCompared ? 0 : 1)),
      },
      money: checked.reduce(
        (money, { atStripe }) => addColumns(money, atStripe?.columns ?? {}),
        report.money,
      ),
      days: checked.reduce((days, { atStripe }) => addDays(days, atStripe?.days ?? {}), report.days),
      byHand: more(
        report.byHand,
        checked.flatMap(({ atStripe }) =>
          (atStripe?.byHand ?? []).map((change) => ({
            customerId: atStripe?.customerId ?? null,
            since: null,
            message: clipped(`balance changed by hand: ${change}`),
          })),
        ),
        MAX_NAMED.byHand,
      ),
    },
    checked.flatMap(({ drift }) => drift),
  );
}

export function withListed(
  report: ReconcileReport,
  kind: keyof ReconcileReport['listed'],
  count: number,
  drift: readonly Drift[],
): ReconcileReport {
  const listed = { ...report.listed, [kind]: report.listed[kind] + count };
  return withDrift({ ...report, listed }, drift);
}

/** What is open is looked at once, at the end. */
export function withOpenWork(report: ReconcileReport, open: Named<OpenWork>): ReconcileReport {
  return { ...report, open };
}

export const addOpenWork = (open: Named<OpenWork>, work: readonly OpenWork[]): Named<OpenWork> =>
  more(
    open,
    work.map((one) => ({ ...one, message: clipped(one.message) })),
    MAX_NAMED.open,
  );

export const NO_OPEN_WORK: Named<OpenWork> = NONE;

function withDrift(report: ReconcileReport, drift: readonly Drift[]): ReconcileReport {
  const clear = drift.map((one) => ({ ...one, message: clipped(one.message) }));
  return { ...report, drift: more(report.drift, clear, MAX_NAMED.drift) };
}

function more<T>({ count, named }: Named<T>, items: readonly T[], max: number): Named<T> {
  return { count: count + items.length, named: [...named, ...items].slice(0, max) };
}

const clipped = (text: string): string => (text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`);

export const driftOf = (customerId: string | null, { invariant, seq, message }: Violation): Drift => ({
  customerId,
  invariant,
  seq,
  message,
});

/** Invariant 8, of events that are nobody's own: as those of a ledger in which nothing else ever happened. */
export function driftOfEvents(events: LedgerRecords['events']): Drift[] {
  const head = { ...emptyLedger('nobody'), ...NEW_PROFILE, email: '', activeKeys: 0 };
  const nothing = {
    head,
    entries: [],
    fixes: [],
    guards: new Set<string>(),
    cardBonuses: new Map(),
    stripeCustomers: [],
    emailOwner: null,
    activeKeys: 0,
  };
  return verifyLedger({ ...nothing, events }).map((violation) => driftOf(null, violation));
}

/** What was found at the first look and, in the same words, at the second: what was only on its way is gone by then. */
export function stillThere(first: readonly Drift[], second: readonly Drift[]): Drift[] {
  const before = new Set(first.map((drift) => JSON.stringify(drift)));
  return second.filter((drift) => before.has(JSON.stringify(drift)));
}

/** In one line: how much drift, in how much. */
export function verdict({ finishedAt, customers, events, drift, missed }: ReconcileReport): string {
  const found =
    `${number(drift.count)} drift in ${counted(customers.checked, 'customer')}, ` +
    `${counted(customers.entries, 'entry', 'entries')}; ` +
    `${counted(events.listed, 'event')}, ${number(missed.count)} missed`;
  return finishedAt === null ? `Not finished; so far ${found}` : found;
}

/** 1234567 → "1,234,567" */
export const number = (value: number): string => value.toLocaleString('en-US');

/** 1 → "1 event", 2 → "2 events" */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : many}`;
