import { createWriteStream, type Stats, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { LedgerEntry } from '../../lib/domain/ledger.ts';
import { errorCode, reasonOf } from '../../lib/settings/setup-error.ts';
import { listCustomerIds } from '../../lib/store/audit/audit.ts';
import { entryPages } from '../../lib/store/ledger.ts';
import { existingCustomer } from '../stage/customers.ts';
import type { Session } from '../stage/session.ts';
import { type Counter, counted, showCount } from '../terminal/counter.ts';
import { EXIT, Failure, usageFailure } from '../terminal/failure.ts';
import { toJson } from '../terminal/visible.ts';
import { exportedEntry } from './views.ts';

export interface ExportOrder {
  /** All customers, when it is empty. */
  readonly customerIds: readonly string[];
  readonly format: 'csv' | 'jsonl';
  /** A file, or `-` for stdout. */
  readonly output: string;
  /** A file that is there already is replaced. */
  readonly force: boolean;
}

/** How far it has come. */
export interface Exported {
  customers: number;
  entries: number;
}

const STDOUT = '-';
/** Read, and written, at once; no more is ever held. */
const PAGE = 500;

/**
 * Writes entries as they are read, no faster than they are taken. What is written ends with a whole line, also when it is
 * interrupted; a file has its name only when it is complete. Null when the reader of stdout has seen enough.
 * @throws Failure when it is interrupted, when it cannot be written, or a customer is not there; BillingError, or the SDK's
 * error, when the stage cannot be read
 */
export async function exportLedger(session: Session, order: ExportOrder): Promise<Exported | null> {
  const { out, signal } = session;
  const toStdout = order.output === STDOUT;
  checkOutput(order, out.json);
  const total = await countEntries(session, order.customerIds);
  const done: Exported = { customers: 0, entries: 0 };
  // A bar would be written over what appears on the same terminal.
  const count = toStdout && out.stdout.isTTY ? NO_COUNT : showCount(out.stderr, 'entries', total);
  const part = `${order.output}.part`;
  try {
    const pages = readable(exportedPages(session, order, done, count));
    if (toStdout) await pipeline(pages, out.stdout, { end: false });
    else await pipeline(pages, createWriteStream(part));
  } catch (error) {
    count.end();
    if (toStdout && errorCode(error) === 'EPIPE') return null;
    out.note(incomplete(order.output, done));
    throw error instanceof ReadFault ? error.cause : notWritten(toStdout ? 'stdout' : part, error);
  }
  count.end();
  if (signal.aborted) {
    throw new Failure('interrupted', `Interrupted. ${incomplete(order.output, done)}`, EXIT.interrupted);
  }
  if (!toStdout) {
    await rename(part, order.output).catch((error: unknown) => {
      out.note(`All of it is in ${part}.`);
      throw notWritten(order.output, error);
    });
  }
  return done;
}

/** @throws Failure before anything is read or written */
function checkOutput({ output, force }: ExportOrder, json: boolean): void {
  if (output === STDOUT && json) {
    throw usageFailure('--json and --output - both want stdout. Drop --json, and use --format jsonl.');
  }
  if (output === STDOUT) return;
  const there = found(output);
  // A folder cannot be replaced by a file; a device or a pipe must not be.
  if (there !== undefined && !there.isFile()) {
    throw usageFailure(`${output} is there, and is no file. Choose another one, or - for stdout.`);
  }
  if (there !== undefined && !force) {
    throw usageFailure(`${output} is there already. Choose another file, or add --force.`);
  }
}

/** Undefined where nothing is. What cannot be looked at cannot be written either, which is told then. */
function found(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Null where all are exported: nobody knows how many there are without reading them. */
async function countEntries({ stage }: Session, customerIds: readonly string[]): Promise<number | null> {
  if (customerIds.length === 0) return null;
  let total = 0;
  for (const id of customerIds) total += (await existingCustomer(stage.deps.table, id)).seq;
  return total;
}

/** The stage could not be read. Such an error can look just like one of the file that is written. */
class ReadFault extends Error {}

/** @throws ReadFault with what the pages threw as its cause */
async function* readable(pages: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* pages;
  } catch (cause) {
    throw new ReadFault('the stage cannot be read', { cause });
  }
}

/** Whole lines, a page of the ledger at a time. */
async function* exportedPages(
  { stage, signal }: Session,
  { customerIds, format }: ExportOrder,
  done: Exported,
  count: Counter,
): AsyncGenerator<string> {
  const { table } = stage.deps;
  const line = format === 'csv' ? csvLine : jsonLine;
  if (format === 'csv') yield `${CSV_COLUMNS.join(',')}\n`;
  for await (const customerId of customerIds.length > 0 ? customerIds : listCustomerIds(table)) {
    for await (const page of entryPages(table, customerId, PAGE)) {
      if (signal.aborted) return;
      yield page.map(line).join('');
      // Asked for the next page: this one was taken.
      done.entries += page.length;
      count.add(page.length);
    }
    done.customers += 1;
  }
}

const jsonLine = (entry: LedgerEntry): string => `${toJson(exportedEntry(entry))}\n`;

const CSV_COLUMNS = [
  'customer_id',
  'seq',
  'created_at',
  'amount',
  'balance_after',
  'source',
  'metadata',
  'prev_hash',
  'hash',
] as const;

/** RFC 4180. Only the metadata, which is JSON, can hold what has to be quoted. */
function csvLine(entry: LedgerEntry): string {
  const { metadata, ...plain } = exportedEntry(entry);
  const fields = { ...plain, metadata: `"${toJson(metadata).replaceAll('"', '""')}"` };
  return `${CSV_COLUMNS.map((column) => fields[column]).join(',')}\n`;
}

function incomplete(output: string, { entries }: Exported): string {
  const written = `${counted(entries, 'entry', 'entries')} written, not all`;
  return output === STDOUT
    ? `The output is incomplete: ${written}.`
    : `${output}.part is incomplete: ${written}. ${output} was left as it was.`;
}

const notWritten = (name: string, error: unknown): Failure =>
  new Failure('output_failed', `${name} cannot be written: ${reasonOf(error)}`, EXIT.refused);

const NO_COUNT: Counter = { add: () => {}, end: () => {} };
