import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import { localDeps } from '../../cli/stage/local-deps.ts';
import type { RunningStack } from '../../cli/stage/running.ts';
import { readServerlessFile } from '../../cli/stage/serverless-file.ts';
import { type Days, differingDays } from '../../lib/domain/books/day-totals.ts';
import type { LedgerEntry } from '../../lib/domain/ledger.ts';
import type { ReconcileReport } from '../../lib/domain/reconciliation.ts';
import { reconcile } from '../../lib/operations/reconcile/run.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { readLedgerRecords } from '../../lib/store/audit/audit.ts';
import { readEventFates } from '../../lib/store/audit/stripe.ts';
import { readDueWork } from '../../lib/store/audit/survey.ts';
import { LocalFunctions } from '../../local/stack/functions.ts';
import type { Webhooks } from './webhooks.ts';
import type { Fix, Person, World } from './world.ts';

/** The reconciliation skips the last ten minutes. Its clock runs ahead, so everything is older. */
const LATER_MS = 11 * 60_000;
/** Each run continues where the previous one ended. */
const MAX_SWEEPS = 5;
/** Covers the two minutes in which a charge that may be in flight is neither retried nor closed. */
const DECIDED_WITHIN_MS = 150_000;
const AGAIN_AFTER_MS = 5_000;
const IDLE_WITHIN_MS = 120_000;
const EVENTS_AT_ONCE = 100;
const PEOPLE_AT_ONCE = 8;
const UNMETERED = async () => {};

const Swept = z.object({ settled: z.int(), failed: z.array(z.unknown()) });

export interface Verified {
  readonly customers: number;
  readonly entries: number;
  /** Successful charges at Stripe, compared with the entries in both directions. Likewise `invoices`. */
  readonly charges: number;
  readonly invoices: number;
  /** Fixes answered as billed, each found once in the ledger. */
  readonly fixesBilled: number;
  readonly fixesNotBilled: number;
  /** Events that the load delivered, each recorded once. Then the events that Stripe has. */
  readonly eventsDelivered: number;
  readonly eventsAtStripe: number;
  /** The auditor's sums by day, in cents. */
  readonly books: {
    readonly days: number;
    readonly charged: number;
    /** By refunds and disputes. Negative. */
    readonly returned: number;
    /** Difference between Stripe and the ledgers: the sum of each day's absolute difference. */
    readonly centsApart: number;
  };
  /** Work that the sweeper had to finish. */
  readonly swept: number;
  /** Everything that is wrong. */
  readonly faults: readonly string[];
}

export interface ToVerify {
  readonly stack: RunningStack;
  readonly world: World;
  readonly webhooks: Webhooks;
  /** A unique name for the reconciliation. */
  readonly run: string;
  readonly onStep: (what: string) => void;
}

/**
 * Verifies the final state. Waits for deliveries in flight and runs the sweeper to its end. Then reconciles
 * the whole table with Stripe, and compares the answers with what is stored.
 */
export async function verify({ stack, world, webhooks, run, onStep }: ToVerify): Promise<Verified> {
  const deps = localDeps(stack.endpoint, readServerlessFile().tableName, stack.stripe);
  try {
    onStep('waiting for the deliveries of Stripe');
    await untilDelivered(stack);
    onStep('letting the sweeper finish');
    const swept = await sweep(stack);
    onStep('reconciling the ledger with Stripe');
    const report = await reconciled(deps, run);
    onStep('comparing the answers with the ledger');
    const faults = [
      ...swept.faults,
      ...faultsOf(report),
      ...(await openWork(deps)),
      ...(await brokenPromises(deps, world)),
      ...(await brokenDeliveries(deps, webhooks)),
    ];
    const billed = world.fixes.filter(({ paidCents }) => paidCents !== null).length;
    return {
      customers: report.customers.checked,
      entries: report.customers.entries,
      charges: report.customers.charges,
      invoices: report.customers.invoices,
      fixesBilled: billed,
      fixesNotBilled: world.fixes.length - billed,
      eventsDelivered: webhooks.delivered.size,
      eventsAtStripe: report.events.listed,
      books: booksOf(report.days),
      swept: swept.count,
      faults,
    };
  } finally {
    deps.table.client.destroy();
  }
}

/** Waits until the Stripe stand-in has no delivery in flight. Does nothing at real Stripe. */
async function untilDelivered({ stripe: { apiBase } }: RunningStack): Promise<void> {
  if (apiBase === undefined) return;
  const response = await fetch(`${apiBase}/_double/webhooks/idle`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    signal: AbortSignal.timeout(IDLE_WITHIN_MS),
  });
  await response.body?.cancel();
}

/** Runs the scheduled function, with a minimum age of 0 for the work. */
async function sweep({ lambdaEndpoint }: RunningStack): Promise<{ count: number; faults: string[] }> {
  const functions = new LocalFunctions(lambdaEndpoint);
  let count = 0;
  const deadline = performance.now() + DECIDED_WITHIN_MS;
  try {
    for (let sweeps = 0; sweeps < MAX_SWEEPS; sweeps++) {
      const answer = await functions.invoke('settle-pending-charges', { older_than_seconds: 0 });
      const { settled, failed } = Swept.parse(answer);
      count += settled;
      if (failed.length > 0 && performance.now() < deadline) {
        await delay(AGAIN_AFTER_MS);
        sweeps -= 1;
        continue;
      }
      if (failed.length > 0) return { count, faults: [`the sweeper left open: ${JSON.stringify(failed)}`] };
      if (settled === 0) return { count, faults: [] };
      await delay(100);
    }
    return { count, faults: [`the sweeper still has open work after ${MAX_SWEEPS} runs`] };
  } finally {
    functions.close();
  }
}

async function reconciled(deps: PaymentDeps, run: string): Promise<ReconcileReport> {
  const later = { ...deps, now: () => new Date(Date.now() + LATER_MS), sleep: async () => {} };
  const { state, report } = await reconcile(later, { run });
  if (state !== 'finished') throw new Error(`the reconciliation is ${state}`);
  return report;
}

function faultsOf({ drift, missed, open, days }: ReconcileReport): string[] {
  return [
    ...drift.named.map(({ customerId, message }) => `drift: ${customerId ?? 'no customer'}: ${message}`),
    ...missed.named.map(({ eventId, type }) => `event ${eventId} (${type}) was never recorded`),
    ...open.named.map(({ message }) => `open: ${message}`),
    ...differingDays(days).map(({ day, cents }) => `${day}: Stripe and the ledgers are ${cents} cents apart`),
  ];
}

function booksOf(days: Days): Verified['books'] {
  const all = Object.values(days);
  return {
    days: all.length,
    charged: all.reduce((sum, { charges }) => sum + charges, 0),
    returned: all.reduce((sum, { refunds, disputes }) => sum + refunds + disputes, 0),
    centsApart: differingDays(days).reduce((sum, { cents }) => sum + Math.abs(cents), 0),
  };
}

/** Work still due after the sweeper ran. Warnings and notices have their own schedule. */
async function openWork({ table }: PaymentDeps): Promise<string[]> {
  const open: string[] = [];
  for (const kind of ['charge', 'parked'] as const) {
    for await (const page of readDueWork(table, kind, UNMETERED)) {
      open.push(...page.map(({ stored }) => `${stored['pk']} ${stored['sk']} is still due (${kind})`));
    }
  }
  return open;
}

/** Compares every fix's answers with its ledger entries. */
async function brokenPromises({ table }: PaymentDeps, { people, fixes }: World): Promise<string[]> {
  const fixesOf = Map.groupBy(fixes, ({ person }) => person.id);
  const waiting = [...people];
  const broken: string[] = [];
  const worker = async () => {
    for (let person = waiting.shift(); person !== undefined; person = waiting.shift()) {
      const records = await readLedgerRecords(table, person.id);
      if (records === null) broken.push(`${person.id} signed up but is not stored`);
      else broken.push(...brokenOf(person, fixesOf.get(person.id) ?? [], records));
    }
  };
  await Promise.all(Array.from({ length: PEOPLE_AT_ONCE }, worker));
  return broken;
}

interface Stored {
  readonly entries: readonly LedgerEntry[];
  readonly fixes: readonly { readonly id: string }[];
}

function brokenOf({ id: customerId }: Person, fixes: readonly Fix[], stored: Stored): string[] {
  const recorded = new Set(stored.fixes.map(({ id }) => id));
  const ofFix = Map.groupBy(stored.entries, ({ metadata }) => metadata['fix_attempt_id']);
  const sent = new Set(fixes.map(({ id }) => id));
  const unsent = [...recorded].filter((id) => !sent.has(id));
  return [
    ...unsent.map((id) => `${customerId}: fix ${id} is stored but was never sent`),
    ...fixes.flatMap((fix) =>
      wrongFix(fix, recorded.has(fix.id), ofFix.get(fix.id) ?? []).map(
        (what) => `${customerId}: fix ${fix.id} (#${fix.prNumber}) ${what}`,
      ),
    ),
  ];
}

function wrongFix(fix: Fix, isRecorded: boolean, entries: readonly LedgerEntry[]): string[] {
  const deployed = entries.filter(({ source }) => source === 'fix_deployed').length;
  const purchases = entries.filter(({ source }) => source === 'purchased');
  const paid = purchases.reduce((sum, { metadata }) => sum + Number(metadata['amount_cents']), 0);
  const { paidCents, billedAnswers, alreadyBilledAnswers, lost } = fix;
  if (!isRecorded) return ['was recorded but is not stored'];
  if (paidCents === null) {
    return deployed === 0 && purchases.length === 0 ? [] : ['was billed, but no caller got the answer'];
  }
  return [
    ...(deployed === 1 ? [] : [`was answered as billed but is in the ledger ${deployed} times`]),
    ...(paid === paidCents
      ? []
      : [`was answered as paid with ${paidCents} cents, but the ledger has ${paid}`]),
    ...(purchases.length === (paidCents > 0 ? 1 : 0) ? [] : [`was purchased ${purchases.length} times`]),
    ...(billedAnswers + lost > 0
      ? []
      : [
          `was "Already billed" ${alreadyBilledAnswers} times, but never "Billed", although no answer was lost`,
        ]),
  ];
}

/** Expects that each accepted event has its record, and was answered once as new. */
async function brokenDeliveries({ table }: PaymentDeps, { delivered }: Webhooks): Promise<string[]> {
  const broken: string[] = [];
  const ids = [...delivered.keys()];
  for (let from = 0; from < ids.length; from += EVENTS_AT_ONCE) {
    const some = ids.slice(from, from + EVENTS_AT_ONCE);
    const outcomes = await readEventFates(table, some, UNMETERED);
    for (const id of some) {
      const { newAnswers = 0, duplicateAnswers = 0, lost = 0, isTheirs = false } = delivered.get(id) ?? {};
      const outcome = outcomes.get(id)?.outcome;
      if (outcome !== 'processed' && outcome !== 'ignored')
        broken.push(`event ${id} was accepted but is ${outcome ?? 'not recorded'}`);
      if (newAnswers > 1) broken.push(`event ${id} was reported as new ${newAnswers} times`);
      // Stripe's stand-in may have delivered the event first.
      if (newAnswers + lost === 0 && duplicateAnswers > 0 && !isTheirs)
        broken.push(`event ${id} was never reported as new`);
    }
  }
  return broken;
}
