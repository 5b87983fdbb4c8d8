import * as z from 'zod/mini';
import { NO_COLUMNS } from '../../domain/books/columns.ts';
import { NO_MOVEMENTS } from '../../domain/books/day-totals.ts';
import type { ReconcileReport } from '../../domain/reconciliation.ts';
import { runStore } from '../../store/audit/runs.ts';
import { count, text } from '../../store/record.ts';
import { Walk } from './large-customer.ts';

/* The state of a reconciliation run between invocations: its findings, and where it continues. */

const owner = z.nullable(text);

const named = <S extends z.ZodMiniType>(schema: S) => z.object({ count, named: z.array(schema) });

const openWork = z.object({ customerId: owner, since: z.nullable(text), message: text });
const cents = z.int();
const columns = z.object({
  cash: cents,
  returned: cents,
  outOfBand: cents,
  balanceUsed: cents,
  byHand: cents,
  discounts: cents,
});

const movements = z.object({ charges: cents, refunds: cents, disputes: cents, other: cents, fees: cents });
const totals = z.extend(movements, { ledger: cents });

/** A report, as stored and as returned. */
export const Report: z.ZodMiniType<ReconcileReport> = z.object({
  run: text,
  startedAt: text,
  finishedAt: z.nullable(text),
  /** Missing in a run that the previous release started. */
  upToNow: z._default(z.boolean(), false),
  events: z.object({
    listed: count,
    known: count,
    removed: count,
    applied: count,
    ignored: count,
    parked: count,
    failed: count,
  }),
  customers: z.object({
    checked: count,
    entries: count,
    charges: count,
    invoices: count,
    notCompared: count,
  }),
  listed: z.object({ payments: count, invoices: count }),
  drift: named(
    z.object({
      customerId: owner,
      invariant: z.nullable(z.literal([1, 2, 3, 4, 5, 6, 7, 8])),
      seq: z.nullable(z.int()),
      message: text,
    }),
  ),
  missed: named(
    z.object({
      eventId: text,
      type: text,
      createdAt: text,
      outcome: z.enum(['processed', 'ignored', 'parked', 'failed']),
      customerId: owner,
      reason: text,
    }),
  ),
  open: named(openWork),
  /** Missing in a run that the previous release started, like the next three. */
  money: z._default(columns, NO_COLUMNS),
  days: z._default(z.record(text, totals), {}),
  daysBefore: z._default(z.object({ days: count, sums: movements }), { days: 0, sums: NO_MOVEMENTS }),
  byHand: z._default(named(openWork), { count: 0, named: [] }),
});

const listPoint = z.object({ after: z.nullable(text), isDone: z.boolean() });

/** Where a run continues: everything before it is in the report, nothing after it. */
const Position = z.object({
  events: z.object({
    /** Finished days of the window. */
    day: count,
    after: z.nullable(text),
    /**
     * Missing events of this page that are being applied. They count as missed even if another delivery
     * records them.
     */
    announced: z.array(text),
  }),
  segments: z.array(z.object({ after: z.nullable(z.object({ pk: text, sk: text })), isDone: z.boolean() })),
  /** Customers who could not be read in their turn; they come last. */
  postponed: z.array(text),
  /** Customers too large to read at once; they come after the others, in parts. */
  large: z._default(z.array(z.object({ customerId: text, walk: z.nullable(Walk) })), []),
  payments: listPoint,
  movements: z._default(listPoint, { after: null, isDone: false }),
  invoices: listPoint,
});
export type Position = z.output<typeof Position>;

/** A reconciliation, as stored between invocations. */
export interface ReconcileRun {
  readonly report: ReconcileReport;
  readonly position: Readonly<Position>;
}

const Run: z.ZodMiniType<ReconcileRun> = z.object({ report: Report, position: Position });

export const { read: readRun, save: saveRun } = runStore(Run);
