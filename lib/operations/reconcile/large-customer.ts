import * as z from 'zod/mini';
import type { CustomerHead } from '../../domain/customer.ts';
import { afterEntries, ledgerStart } from '../../domain/evidence/verify-chain.ts';
import type { LedgerEntry } from '../../domain/ledger.ts';
import type { LedgerRecords, Violation } from '../../domain/ledger-records.ts';
import { guardOf, verifyEnd, verifyPart } from '../../domain/verify.ts';
import { readOwners, verifiable } from '../../store/audit/audit.ts';
import {
  countActiveKeys,
  readEntriesAfter,
  readEntriesAt,
  readFixes,
  readGuards,
} from '../../store/audit/parts.ts';
import { fixPage } from '../../store/fix-attempts.ts';
import { readHead } from '../../store/heads.ts';
import type { Meter } from '../../store/paging.ts';
import { count, integer, text } from '../../store/record.ts';
import type { Table } from '../../store/table.ts';

/*
 * Audits the stored data of a customer whose partition is too large to read at once: entries, then fixes,
 * then the head. Each step reads one part and leaves a state of a few hundred bytes, so another invocation
 * can take the next step.
 */

/** Entries or fixes that one step reads. */
const PART = 500;
/** The most findings stored for one customer: more of them say nothing new. */
const MAX_FOUND = 50;

const violation = z.object({
  invariant: z.nullable(z.literal([1, 2, 3, 4, 5, 6, 7, 8])),
  seq: z.nullable(z.int()),
  message: text,
});

/** The progress of one large customer's audit. */
export const Walk = z.object({
  leg: z.enum(['entries', 'fixes', 'end', 'done']),
  /** The ledger is checked up to this entry. Entries added during the audit are checked before its end. */
  upTo: count,
  before: z.object({
    customerId: text,
    balance: integer,
    seq: count,
    chain: text,
    sum: integer,
    owed: integer,
    grants: z.object({ trial_signup: count, trial_billing_added: count }),
  }),
  /** The sort key of the last fix read. */
  fix: z.nullable(text),
  areFixesRead: z.boolean(),
  found: z.array(violation),
});
export type Walk = Readonly<z.output<typeof Walk>>;

/** Starts the audit of a large customer; null if there is no such customer. */
export async function startWalk(table: Table, customerId: string): Promise<Walk | null> {
  const head = await readHead(table, customerId);
  if (head === null) return null;
  return {
    leg: 'entries',
    upTo: head.seq,
    before: ledgerStart(customerId),
    fix: null,
    areFixesRead: false,
    found: [],
  };
}

/**
 * Takes one step of an audit and returns its new state. It only reads, so a step may be repeated.
 * @throws BillingError ledger_unavailable, UnreadableItem
 */
export async function takeStep(table: Table, walk: Walk, meter: Meter): Promise<Walk> {
  switch (walk.leg) {
    case 'entries':
      return stepEntries(table, walk, meter);
    case 'fixes':
      return stepFixes(table, walk, meter);
    case 'end':
      return stepEnd(table, walk, meter);
    case 'done':
      return walk;
    default:
      return walk.leg satisfies never;
  }
}

const withFound = (walk: Walk, found: readonly Violation[]): Walk => ({
  ...walk,
  found: [...walk.found, ...found].slice(0, MAX_FOUND),
});

async function stepEntries(table: Table, walk: Walk, meter: Meter): Promise<Walk> {
  const { before, upTo } = walk;
  const { customerId, seq } = before;
  const read = await readEntriesAfter(table, customerId, { afterSeq: seq, upTo, limit: PART }, meter);
  // A purchase and its fix are checked together.
  const isCut = read.length > 1 && read.at(-1)?.source === 'purchased' && read.at(-1)?.seq !== upTo;
  const entries = isCut ? read.slice(0, -1) : read;
  if (entries.length === 0) return { ...walk, leg: walk.areFixesRead ? 'end' : 'fixes' };
  const head = await readHead(table, customerId);
  if (head === null) return { ...walk, leg: 'end' };
  const after = afterEntries(before, entries);
  const named = await readNamed(table, head, entries, meter);
  const found = verifyPart({
    ...named,
    head: { ...head, seq: after.seq, chain: after.chain, balance: after.sum, debt: after.owed },
    before,
    entries,
  });
  return withFound({ ...walk, before: after }, found);
}

/** The items that these entries name: fixes, guards and owners of cards. */
async function readNamed(
  table: Table,
  head: CustomerHead,
  entries: readonly LedgerEntry[],
  meter: Meter,
): Promise<Omit<LedgerRecords, 'head' | 'entries' | 'before'>> {
  const { customerId } = head;
  const fixIds = entries.flatMap(({ metadata }) => metadata['fix_attempt_id'] ?? []).map(String);
  const guards = entries.flatMap((entry) => guardOf(entry)?.name ?? []);
  const owners = entries.some(({ source }) => source === 'trial_billing_added')
    ? await readOwners(table, head, entries, meter)
    : { cardBonuses: new Map<string, string>() };
  return {
    ...NOT_READ,
    cardBonuses: owners.cardBonuses,
    fixes: await readFixes(table, customerId, fixIds, meter),
    guards: await readGuards(table, customerId, guards, meter),
  };
}

const NOT_READ = {
  fixes: [],
  guards: new Set<string>(),
  cardBonuses: new Map<string, string>(),
  stripeCustomers: [],
  emailOwner: null,
  activeKeys: 0,
  accountKeys: 0,
  events: [],
} as const;

/** Checks that each billed fix has the ledger entry that it names. */
async function stepFixes(table: Table, walk: Walk, meter: Meter): Promise<Walk> {
  const { before, upTo } = walk;
  const { fixes, next } = await fixPage(table, before.customerId, walk.fix, PART, meter);
  const billed = fixes
    .map(verifiable)
    .flatMap(({ id, billedSeq = null }) =>
      billedSeq === null || billedSeq > upTo ? [] : [{ id, billedSeq }],
    );
  const seqs = billed.map(({ billedSeq }) => billedSeq);
  const entries = new Map(
    (await readEntriesAt(table, before.customerId, seqs, meter)).map((entry) => [entry.seq, entry]),
  );
  const found = billed.flatMap(({ id, billedSeq }): Violation[] => {
    const entry = entries.get(billedSeq);
    if (entry?.source === 'fix_deployed' && entry.metadata['fix_attempt_id'] === id) return [];
    return [{ invariant: 4, seq: null, message: `fix ${id} is billed without a ledger entry` }];
  });
  const areFixesRead = next === null;
  return withFound({ ...walk, fix: next, areFixesRead, leg: areFixesRead ? 'end' : 'fixes' }, found);
}

/**
 * Compares the head with the ledger's end as of one moment: entries added during the audit are checked first.
 * A difference counts only if a second read shows it again, because keys and head are two reads.
 */
async function stepEnd(table: Table, walk: Walk, meter: Meter): Promise<Walk> {
  const head = await readHead(table, walk.before.customerId);
  if (head === null) return { ...walk, leg: 'done' };
  if (head.seq > walk.upTo) return { ...walk, leg: 'entries', upTo: head.seq };
  const first = await checkEnd(table, walk, head, meter);
  const again = first.length === 0 ? head : await readHead(table, walk.before.customerId);
  if (again === null) return { ...walk, leg: 'done' };
  if (again.seq > walk.upTo) return { ...walk, leg: 'entries', upTo: again.seq };
  const messages = new Set(first.map(({ message }) => message));
  const second = first.length === 0 ? [] : await checkEnd(table, walk, again, meter);
  return withFound(
    { ...walk, leg: 'done' },
    second.filter(({ message }) => messages.has(message)),
  );
}

async function checkEnd(
  table: Table,
  { before }: Walk,
  head: CustomerHead,
  meter: Meter,
): Promise<readonly Violation[]> {
  const owners = await readOwners(table, head, [], meter);
  const counted = await countActiveKeys(table, head.customerId, meter);
  return verifyEnd({ ...NOT_READ, ...owners, ...counted, head, before, entries: [] });
}
