import { type Drift, driftOfEvents, type MissedEvent, withEvents } from '../../domain/reconciliation.ts';
import { BillingError, PROBLEMS } from '../../errors.ts';
import { type EventFate, readEventFates } from '../../store/audit/stripe.ts';
import { type StripeEvent, subjectOf } from '../../stripe/event.ts';
import { isFault } from '../../stripe/fault.ts';
import type { Page } from '../../stripe/port.ts';
import { applyEvent } from '../events/apply-event.ts';
import { assertNoOutage, reasonOf } from './outage.ts';
import { removedAmong } from './removed-customers.ts';
import { asOf, DAY_MS, endOf, type Work } from './work.ts';

/** As long as Stripe keeps events. Our own records live 90 days, so they outlast the events. */
const WINDOW_DAYS = 30;
const MAX_TRIES = 2;
/** Stripe repeats a delivery for three days, so an event that only met an outage may still be applied. */
const DELIVERED_FOR_MS = 3 * DAY_MS;

/** Why an event could not be applied. */
interface Failure {
  readonly reason: string;
  /** The same may succeed later. */
  readonly isTransient: boolean;
}

/**
 * Applies Stripe's events that were never accepted: day by day, oldest day first. Stripe lists a day's events
 * in pages, newest first. The order does not change the result.
 * @throws StripeFault, BillingError if Stripe or the ledger cannot be reached
 */
export async function applyMissedEvents(work: Work): Promise<void> {
  const { lease } = work;
  while (!lease.mustStop && lease.run.position.events.day < WINDOW_DAYS) await takePage(work);
}

async function takePage(work: Work): Promise<void> {
  const { deps, lease, meter } = work;
  const { day, after, announced } = lease.run.position.events;
  const page = await listPage(work, day, after);
  const fatesOf = (events: readonly StripeEvent[]) =>
    readEventFates(
      deps.table,
      events.map(({ id }) => id),
      meter,
    );
  const before = await fatesOf(page.items);
  const unknown = page.items.filter(({ id }) => !before.has(id) || announced.includes(id)).toReversed();
  const missed = await withoutRemoved(work, unknown);
  const failures = await applyAll(work, missed, before);
  if (failures === null) return;

  // The records decide: Stripe's own delivery may have been faster.
  const fates = new Map([...before, ...(await fatesOf(missed))]);
  const deliveredSince = asOf(work).getTime() - DELIVERED_FOR_MS;
  const waiting = new Set(
    missed
      .filter(({ id, created }) => failures.get(id)?.isTransient && created * 1000 > deliveredSince)
      .map(({ id }) => id),
  );
  const next = page.next === null ? { day: day + 1, after: null } : { day, after: page.next };
  await lease.advance(({ report, position }) => ({
    report: withEvents(report, {
      known: page.items.length - unknown.length,
      removed: unknown.length - missed.length,
      missed: missed.map((event) => missedOf(event, fates.get(event.id), failures.get(event.id)?.reason)),
      drift: [...new Set([...before.keys(), ...missed.map(({ id }) => id)])].flatMap((id) =>
        waiting.has(id) ? [] : driftOf(id, fates.get(id), failures.get(id)?.reason),
      ),
    }),
    position: { ...position, events: { ...next, announced: [] } },
  }));
}

/** Leaves out events of customers that the smoke test removed: these events have no owner. */
async function withoutRemoved(work: Work, events: readonly StripeEvent[]): Promise<StripeEvent[]> {
  const about = events.map(stripeCustomerOf);
  const removed = await removedAmong(
    work,
    about.filter((id) => id !== null),
  );
  return events.filter((_, i) => !removed.has(about[i] ?? ''));
}

/** The Stripe customer of an event, if the event names one. */
function stripeCustomerOf(event: StripeEvent): string | null {
  const subject = subjectOf(event);
  return 'stripeCustomerId' in subject ? subject.stripeCustomerId : null;
}

async function listPage(
  { deps, lease, beforeAsking }: Work,
  day: number,
  after: string | null,
): Promise<Page<StripeEvent>> {
  const from = new Date(asOf({ lease }).getTime() - (WINDOW_DAYS - day) * DAY_MS);
  const until = day === WINDOW_DAYS - 1 ? endOf({ lease }) : new Date(from.getTime() + DAY_MS);
  const stripe = await deps.stripe();
  await beforeAsking(1);
  try {
    return await stripe.listEvents({ from, until, after });
  } catch (error) {
    // Stripe has deleted the event that the page starts after, and all older ones.
    const isForgetting = deps.now().getTime() - from.getTime() > WINDOW_DAYS * DAY_MS;
    if (after !== null && isForgetting && isFault(error, 'refused')) return { items: [], next: null };
    throw error;
  }
}

/**
 * Applies the events without a record. The missing events are saved first, so an interrupted run still
 * reports all of them. Returns the reasons for failures by event id; null if the run must stop first.
 */
async function applyAll(
  work: Work,
  missed: readonly StripeEvent[],
  recorded: ReadonlyMap<string, EventFate>,
): Promise<ReadonlyMap<string, Failure> | null> {
  const { lease } = work;
  const failures = new Map<string, Failure>();
  if (missed.length === 0) return failures;
  await lease.advance(({ report, position }) => ({
    report,
    position: { ...position, events: { ...position.events, announced: missed.map(({ id }) => id) } },
  }));
  await lease.save();
  for (const event of missed) {
    if (lease.mustStop) return null;
    const failure = recorded.has(event.id) ? null : await applyOne(work, event);
    if (failure !== null) failures.set(event.id, failure);
  }
  return failures;
}

/**
 * Null if applied, otherwise the reason. An outage of a single kind of call at Stripe does not stop the run.
 * @throws StripeFault, BillingError if Stripe or the ledger is down
 */
async function applyOne(work: Work, event: StripeEvent): Promise<Failure | null> {
  for (let tries = 1; ; tries++) {
    try {
      await applyEvent(work.deps, event, { anyVersion: true });
      return null;
    } catch (error) {
      await assertNoOutage(work, error);
      if (tries === MAX_TRIES) return { reason: reasonOf(error), isTransient: isTransient(error) };
    }
  }
}

/** Answered 503 to Stripe's own delivery, which then comes again. */
const isTransient = (error: unknown): boolean =>
  error instanceof BillingError && PROBLEMS[error.code].status === 503;

function missedOf(event: StripeEvent, fate: EventFate | undefined, failure: string | undefined): MissedEvent {
  return {
    eventId: event.id,
    type: event.type,
    createdAt: new Date(event.created * 1000).toISOString(),
    outcome: outcomeOf(fate),
    customerId: fate?.customerId ?? null,
    reason: fate?.reason ?? failure ?? 'it is not recorded',
  };
}

function outcomeOf(fate: EventFate | undefined): MissedEvent['outcome'] {
  switch (fate?.outcome) {
    case 'processed':
    case 'ignored':
    case 'parked':
      return fate.outcome;
    default:
      return 'failed';
  }
}

function driftOf(id: string, fate: EventFate | undefined, failure: string | undefined): Drift[] {
  return driftOfEvents([{ id, outcome: fate?.outcome ?? null }]).map((drift) => ({
    ...drift,
    customerId: fate?.customerId ?? null,
    message: failure === undefined ? drift.message : `${drift.message}; applying it failed: ${failure}`,
  }));
}
