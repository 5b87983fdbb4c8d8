import * as z from 'zod/mini';
import type { ReconcileReport } from '../domain/reconciliation.ts';
import { CONDITIONS } from './conditions.ts';
import { keys } from './keys.ts';
import { count, record, text } from './record.ts';
import { type Item, readOne, type Table, writeOne } from './table.ts';
import { put } from './write.ts';

const owner = z.nullable(text);

const named = <S extends z.ZodMiniType>(schema: S) => z.object({ count, named: z.array(schema) });

/** A report, as it is kept and as it is handed on. */
export const Report: z.ZodMiniType<ReconcileReport> = z.object({
  run: text,
  startedAt: text,
  finishedAt: z.nullable(text),
  /** A run that the release before began knows nothing of it. */
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
  open: named(z.object({ customerId: owner, since: z.nullable(text), message: text })),
});

const listPoint = z.object({ after: z.nullable(text), isDone: z.boolean() });

/** Where a run goes on: what lies before it is in the report, what comes after is not. */
const Position = z.object({
  events: z.object({
    /** Days of the window that are done. */
    day: count,
    after: z.nullable(text),
    /** Events of this page that were missing and are being applied: they are counted as missed, whoever records them. */
    announced: z.array(text),
  }),
  segments: z.array(z.object({ after: z.nullable(z.object({ pk: text, sk: text })), isDone: z.boolean() })),
  /** Customers who could not be read when it was their turn: they come last. */
  postponed: z.array(text),
  payments: listPoint,
  invoices: listPoint,
});
export type Position = z.output<typeof Position>;

/** A reconciliation, as it is kept from one invocation to the next. */
export interface ReconcileRun {
  readonly report: ReconcileReport;
  readonly position: Readonly<Position>;
}

const Run: z.ZodMiniType<ReconcileRun> = z.object({ report: Report, position: Position });

/** A run as it is stored. Its report and position are JSON text: nothing else reads them. */
interface RunItem {
  readonly version: number;
  readonly holder: string;
  readonly reportJson: string;
  readonly positionJson: string;
}

const runs = record<RunItem>(
  z.object({ version: count, holder: text, reportJson: text, positionJson: text }),
);

const DAY_SECONDS = 24 * 60 * 60;
const KEPT_DAYS = 90;

export interface StoredRun {
  readonly run: ReconcileRun;
  /** Counts the writes. */
  readonly version: number;
  /** Who wrote it last: an invocation's own random id. */
  readonly holder: string;
}

/** Null for one that never began. @throws Error for an item that we did not write */
export const readRun = (table: Table, run: string): Promise<StoredRun | null> =>
  readOne(table, keys.run(run), decodeRun);

export type SaveRunResult =
  | { readonly kind: 'saved' }
  /** Somebody else is at this run, and left it like this. */
  | { readonly kind: 'taken'; readonly by: StoredRun }
  | { readonly kind: 'contended' };

/**
 * Writes a run as the next version after `version`, which is 0 for a new one. A repeat by the same holder is safe.
 * @throws BillingError ledger_unavailable
 */
export async function saveRun(table: Table, { run, version, holder }: StoredRun): Promise<SaveRunResult> {
  const next = { run, version: version + 1, holder };
  const result = await writeOne(table, put(encodeRun(next), CONDITIONS.RUN_UNMOVED, { version }));
  switch (result.kind) {
    case 'written':
      return { kind: 'saved' };
    case 'contended':
      return result;
    case 'refused': {
      const [winner] = result.winners;
      if (winner === undefined) return { kind: 'contended' };
      const by = decodeRun(winner);
      // Written by an earlier try of ours, whose answer was lost.
      const isOurs = by.holder === holder && by.version === next.version;
      return isOurs ? { kind: 'saved' } : { kind: 'taken', by };
    }
    default:
      return result satisfies never;
  }
}

function encodeRun({ run: { report, position }, version, holder }: StoredRun): Item {
  const startedSeconds = Math.floor(Date.parse(report.startedAt) / 1000);
  return {
    ...keys.run(report.run),
    ...runs.encode({
      version,
      holder,
      reportJson: JSON.stringify(report),
      positionJson: JSON.stringify(position),
    }),
    expires_at: startedSeconds + KEPT_DAYS * DAY_SECONDS,
  };
}

function decodeRun(item: Item): StoredRun {
  const { version, holder, reportJson, positionJson } = runs.decode(item);
  const run = Run.parse({ report: JSON.parse(reportJson), position: JSON.parse(positionJson) });
  return { run, version, holder };
}
