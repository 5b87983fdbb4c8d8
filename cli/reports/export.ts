import { createWriteStream, type Stats, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { LedgerEntry } from '../../lib/domain/ledger.ts';
import { errorCode, reasonOf } from '../../lib/settings/setup-error.ts';
import { listCustomerIds } from '../../lib/store/audit/audit.ts';
import { entryPages } from '../../lib/store/ledger.ts';
import { requireCustomer } from '../stage/customers.ts';
import type { Session } from '../stage/session.ts';
import { type Counter, counted, showCount } from '../terminal/counter.ts';
import { EXIT, Failure, usageFailure } from '../terminal/failure.ts';
import { toJson } from '../terminal/visible.ts';
import { exportedEntry } from './views.ts';

export interface ExportOptions {
  /** Empty for all customers. */
  readonly customerIds: readonly string[];
  readonly format: 'csv' | 'jsonl';
  /** A file, or `-` for stdout. */
  readonly output: string;
  /** Replaces an existing file. */
  readonly force: boolean;
}

/** How much was written. */
export interface Exported {
  customers: number;
  entries: number;
}

const STDOUT = '-';
/** Entries that are read and written together. Memory never holds more. */
const PAGE = 500;

/**
 * Streams entries to the output with backpressure. The output ends with a whole line, also after an
 * interrupt. A file gets its final name only when it is complete. Returns null if the reader closed stdout.
 * @throws Failure if it is interrupted, the output cannot be written, or a customer does not exist;
 * BillingError or the SDK's error if the stage cannot be read
 */
export async function exportLedger(session: Session, options: ExportOptions): Promise<Exported | null> {
  const { out, signal } = session;
  const toStdout = options.output === STDOUT;
  checkOutput(options, out.json);
  const total = await countEntries(session, options.customerIds);
  const written: Exported = { customers: 0, entries: 0 };
  // A progress bar would mix with entries that are printed on the same terminal.
  const count = toStdout && out.stdout.isTTY ? NO_COUNT : showCount(out.stderr, 'entries', total);
  const part = `${options.output}.part`;
  try {
    const pages = wrapReadErrors(exportedPages(session, options, written, count));
    if (toStdout) await pipeline(pages, out.stdout, { end: false });
    else await pipeline(pages, createWriteStream(part));
  } catch (error) {
    count.end();
    if (toStdout && errorCode(error) === 'EPIPE') return null;
    out.note(incompleteText(options.output, written));
    throw error instanceof ReadFault ? error.cause : writeFailure(toStdout ? 'stdout' : part, error);
  }
  count.end();
  if (signal.aborted) {
    const detail = `Interrupted. ${incompleteText(options.output, written)}`;
    throw new Failure('interrupted', detail, EXIT.interrupted);
  }
  if (!toStdout) {
    await rename(part, options.output).catch((error: unknown) => {
      out.note(`The complete export is in ${part}.`);
      throw writeFailure(options.output, error);
    });
  }
  return written;
}

/** @throws Failure before anything is read or written */
function checkOutput({ output, force }: ExportOptions, json: boolean): void {
  if (output === STDOUT && json) {
    throw usageFailure('--json and --output - both write to stdout. Remove --json and use --format jsonl.');
  }
  if (output === STDOUT) return;
  const file = statOf(output);
  // A folder cannot be replaced by a file. A device or a pipe must not be.
  if (file !== undefined && !file.isFile()) {
    throw usageFailure(`${output} exists and is not a file. Choose a file, or - for stdout.`);
  }
  if (file !== undefined && !force) {
    throw usageFailure(`${output} exists. Choose another file, or add --force.`);
  }
}

/**
 * Undefined if the path does not exist or cannot be read. An unreadable path fails later, when it is written.
 */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Null for an export of all customers: the total is not known without reading every ledger. */
async function countEntries({ stage }: Session, customerIds: readonly string[]): Promise<number | null> {
  if (customerIds.length === 0) return null;
  let total = 0;
  for (const id of customerIds) total += (await requireCustomer(stage.deps.table, id)).seq;
  return total;
}

/**
 * Marks an error of reading the stage. Without it, such an error can look like an error of writing the file.
 */
class ReadFault extends Error {}

/** @throws ReadFault with the original error as its cause */
async function* wrapReadErrors(pages: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* pages;
  } catch (cause) {
    throw new ReadFault('the stage cannot be read', { cause });
  }
}

/** Yields whole lines, one page of the ledger at a time. */
async function* exportedPages(
  { stage, signal }: Session,
  { customerIds, format }: ExportOptions,
  written: Exported,
  count: Counter,
): AsyncGenerator<string> {
  const { table } = stage.deps;
  const line = format === 'csv' ? csvLine : jsonLine;
  if (format === 'csv') yield `${CSV_COLUMNS.join(',')}\n`;
  for await (const customerId of customerIds.length > 0 ? customerIds : listCustomerIds(table)) {
    for await (const page of entryPages(table, customerId, PAGE)) {
      if (signal.aborted) return;
      yield page.map(line).join('');
      // The consumer requested the next page, so this page was written.
      written.entries += page.length;
      count.add(page.length);
    }
    written.customers += 1;
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

/** RFC 4180. Only the metadata can need quotes, because it is JSON. */
function csvLine(entry: LedgerEntry): string {
  const { metadata, ...plain } = exportedEntry(entry);
  const fields = { ...plain, metadata: `"${toJson(metadata).replaceAll('"', '""')}"` };
  return `${CSV_COLUMNS.map((column) => fields[column]).join(',')}\n`;
}

function incompleteText(output: string, { entries }: Exported): string {
  const total = `only ${counted(entries, 'entry', 'entries')} written`;
  return output === STDOUT
    ? `The output is incomplete: ${total}.`
    : `${output}.part is incomplete: ${total}. ${output} was not changed.`;
}

const writeFailure = (name: string, error: unknown): Failure =>
  new Failure('output_failed', `${name} cannot be written: ${reasonOf(error)}`, EXIT.refused);

const NO_COUNT: Counter = { add: () => {}, end: () => {} };
