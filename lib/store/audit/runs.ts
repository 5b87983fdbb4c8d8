import * as z from 'zod/mini';
import { CONDITIONS } from '../conditions.ts';
import { keys } from '../keys.ts';
import { count, record, text } from '../record.ts';
import { answerTo, type Contended, type Item, readOne, type Table, writeTogether } from '../table.ts';
import { put } from '../write.ts';

/** The parts of a reconciliation run that the store needs. */
interface KeptRun {
  readonly report: { readonly run: string; readonly startedAt: string };
  readonly position: object;
}

export interface StoredRun<R> {
  readonly run: R;
  /** Number of writes. */
  readonly version: number;
  /** The random id of the invocation that wrote it last. */
  readonly holder: string;
}

export type SaveRunResult<R> =
  | { readonly kind: 'saved' }
  /** Another invocation has taken over the run; `by` is the current state. */
  | { readonly kind: 'taken'; readonly by: StoredRun<R> }
  | Contended;

/** The report and the position are stored as JSON text: only the reconciliation reads them. */
const runs = record(z.object({ version: count, holder: text, reportJson: text, positionJson: text }));

const DAY_SECONDS = 24 * 60 * 60;
const KEPT_DAYS = 90;

/** Stores runs that match `schema`. */
export function runStore<R extends KeptRun>(schema: z.ZodMiniType<R>) {
  function decodeRun(item: Item): StoredRun<R> {
    const { version, holder, reportJson, positionJson } = runs.decode(item);
    const run = schema.parse({ report: JSON.parse(reportJson), position: JSON.parse(positionJson) });
    return { run, version, holder };
  }

  /** Null for a run that never started. @throws Error for an item that this service did not write */
  const read = (table: Table, run: string): Promise<StoredRun<R> | null> =>
    readOne(table, keys.run(run), decodeRun);

  /**
   * Writes a run as the version after `version`, which is 0 for a new run. Idempotent for the same holder.
   * @throws BillingError ledger_unavailable
   */
  async function save(table: Table, { run, version, holder }: StoredRun<R>): Promise<SaveRunResult<R>> {
    const next = { run, version: version + 1, holder };
    const result = await writeTogether(table, [put(encodeRun(next), CONDITIONS.RUN_UNMOVED, { version })]);
    return answerTo<SaveRunResult<R>>(result, { kind: 'saved' }, ({ winners: [winner] }) => {
      if (winner === undefined) return { kind: 'contended' };
      const by = decodeRun(winner);
      // An earlier try of ours wrote it, but its answer was lost.
      const isOurs = by.holder === holder && by.version === next.version;
      return isOurs ? { kind: 'saved' } : { kind: 'taken', by };
    });
  }

  return { read, save };
}

function encodeRun({ run: { report, position }, version, holder }: StoredRun<KeptRun>): Item {
  const startedSeconds = Math.floor(Date.parse(report.startedAt) / 1000);
  const [reportJson, positionJson] = [JSON.stringify(report), JSON.stringify(position)];
  return {
    ...keys.run(report.run),
    ...runs.encode({ version, holder, reportJson, positionJson }),
    expires_at: startedSeconds + KEPT_DAYS * DAY_SECONDS,
  };
}
