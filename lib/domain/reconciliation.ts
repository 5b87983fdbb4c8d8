import { addColumns, type Columns, NO_COLUMNS } from './books/columns.ts';
import { addDays, type Days, type DayTotals, NO_MOVEMENTS } from './books/day-totals.ts';
import { NEW_PROFILE } from './customer.ts';
import { emptyLedger } from './ledger.ts';
import type { Invariant, LedgerRecords, Violation } from './ledger-records.ts';
import { verifyLedger } from './verify.ts';

/** A difference that should not exist. Only people repair drift. */
export interface Drift {
  /** Null if it belongs to no customer, such as the money of an unknown Stripe customer. */
  readonly customerId: string | null;
  /** Null if an unreadable item prevented the check, or if the head's state is impossible. */
  readonly invariant: Invariant | null;
  /** The ledger entry at fault, if there is one. */
  readonly seq: number | null;
  /** Text with ids: what is at fault, what was expected, and what was found. */
  readonly message: string;
}

/** An event that Stripe has and that never arrived, and the outcome of applying it. */
export interface MissedEvent {
  readonly eventId: string;
  readonly type: string;
  readonly createdAt: string;
  /** `failed`: the event could not be applied, so it is also drift. */
  readonly outcome: 'processed' | 'ignored' | 'parked' | 'failed';
  readonly customerId: string | null;
  readonly reason: string;
}

/** Unfinished work. It is not drift and contains no secret. */
export interface OpenWork {
  readonly customerId: string | null;
  /** ISO 8601; null if unknown. */
  readonly since: string | null;
  readonly message: string;
}

/** The number of all items, and the first ones in full. */
export interface Named<T> {
  readonly count: number;
  readonly named: readonly T[];
}

/** What a reconciliation has checked and found so far. All counts are exact. */
export interface ReconcileReport {
  readonly run: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** Whether items of the last 10 minutes are checked too, although their events may still arrive. */
  readonly upToNow: boolean;
  /**
   * Events that Stripe lists: known, of customers that the smoke test removed, or missed. A missed event was
   * applied, ignored or parked, or it failed.
   */
  readonly events: Readonly<
    Record<'listed' | 'known' | 'removed' | 'applied' | 'ignored' | 'parked' | 'failed', number>
  >;
  readonly customers: {
    readonly checked: number;
    readonly entries: number;
    /**
     * Succeeded fix charges and paid Pro invoices at Stripe, compared with the entries in both directions.
     */
    readonly charges: number;
    readonly invoices: number;
    /** Customers deleted at Stripe, whose money Stripe no longer lists completely. */
    readonly notCompared: number;
  };
  /** In the whole Stripe account: fix payments and paid Pro invoices whose owner was looked up. */
  readonly listed: { readonly payments: number; readonly invoices: number };
  readonly drift: Named<Drift>;
  readonly missed: Named<MissedEvent>;
  readonly open: Named<OpenWork>;
  readonly money: Columns;
  /** By day. Each night adds up the last 35 days again. */
  readonly days: Days;
  /** The stored sums of all earlier days. */
  readonly daysBefore: { readonly days: number; readonly sums: Omit<DayTotals, 'ledger'> };
  /** Manual changes of a customer's balance at Stripe. Support checks the credits. */
  readonly byHand: Named<OpenWork>;
}

/** How many items are named. A report with all of them at full length fits well into one table item. */
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

/** Items younger than this are not checked yet: Stripe usually delivers their events within this time. */
const LEFT_TO_STRIPE_MS = 10 * 60_000;

/** The time as of which a run checks. It stays the same when the run resumes. */
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
  /** Whether Stripe was queried and listed all of the customer's money. */
  readonly isCompared: boolean;
  readonly drift: readonly Drift[];
  /** If Stripe was queried: the customer's money by source, and manual changes of their balance. */
  readonly atStripe?: {
    readonly customerId: string;
    readonly columns: Columns;
    readonly byHand: readonly string[];
    /** By day, in cents: the charges at Stripe that the customer's ledger accounts for. */
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

/** Open work is checked once, at the end. */
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

/** Checks invariant 8 for events without a customer, as events of an otherwise empty ledger. */
export function driftOfEvents(events: LedgerRecords['events']): Drift[] {
  const head = { ...emptyLedger('no customer'), ...NEW_PROFILE, email: '', activeKeys: 0, accountKeys: 0 };
  const nothing = {
    head,
    entries: [],
    fixes: [],
    guards: new Set<string>(),
    cardBonuses: new Map(),
    stripeCustomers: [],
    emailOwner: null,
    activeKeys: 0,
    accountKeys: 0,
  };
  return verifyLedger({ ...nothing, events }).map((violation) => driftOf(null, violation));
}

/**
 * Drift that both checks found with the same text. Work that was only in flight is done by the second check.
 */
export function foundTwice(first: readonly Drift[], second: readonly Drift[]): Drift[] {
  const before = new Set(first.map((drift) => JSON.stringify(drift)));
  return second.filter((drift) => before.has(JSON.stringify(drift)));
}

/** One line: how much drift was found in how much data. */
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
