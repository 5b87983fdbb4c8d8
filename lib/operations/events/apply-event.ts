import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeEvent, type EventRecord, recordEvent } from '../../store/events.ts';
import { keys } from '../../store/keys.ts';
import { readTogether, writeTogether } from '../../store/table.ts';
import { isOurVersion, moneyOf, objectIdOf, type StripeEvent, subjectOf } from '../../stripe/event.ts';
import { isFault } from '../../stripe/fault.ts';
import { AlreadyRecorded, type Receipt } from '../ledger/change-ledger.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { paymentsFault } from '../payments/payment-problems.ts';
import { applyEffect } from './effects.ts';
import { Unappliable } from './owner.ts';

export interface AppliedEvent {
  /** `duplicate`: it was recorded before, and this call did nothing. */
  readonly outcome: EventRecord['outcome'] | 'duplicate';
  readonly reason: string;
  readonly customerId: string | null;
}

/** What is said of an event whose effect is in the ledger. */
const APPLIED = 'applied';

/**
 * Applies one Stripe event. Live deliveries, replays and backfills all use this function. An event only says
 * that something changed; the current state is read from Stripe, so order and number of deliveries do not
 * matter. The event is recorded in the transaction of its effect. Idempotent.
 * @param options.anyVersion also applies an event of another API version: for an operator's replay, or an
 * event from Stripe's own list
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable: the
 * event is not recorded, so that Stripe sends it again
 */
export async function applyEvent(
  deps: PaymentDeps,
  event: StripeEvent,
  { anyVersion = false } = {},
): Promise<AppliedEvent> {
  const [stored] = await readTogether(deps.table, [keys.event(event.id)]);
  if (stored !== undefined) {
    const { outcome, reason, customerId } = decodeEvent(stored);
    if (outcome !== 'parked') return { outcome: 'duplicate', reason, customerId };
  }
  const subject = subjectOf(event);
  if (subject.kind !== 'nothing' && !anyVersion && !isOurVersion(event)) {
    const reason = `its API version is ${event.api_version ?? 'none'}, not ours`;
    return record(deps, event, { outcome: 'parked', reason, customerId: null });
  }
  try {
    const effect = await applyEffect(deps, subject, (customerId) => receiptFor(deps, event, customerId));
    if (effect.kind === 'ignored') {
      return await record(deps, event, { outcome: 'ignored', reason: effect.reason, customerId: null });
    }
    const { customerId, wrote } = effect;
    const processed = { outcome: 'processed', reason: APPLIED, customerId } as const;
    // If the effect wrote nothing, the event is recorded alone.
    return wrote ? processed : await record(deps, event, processed);
  } catch (error) {
    if (error instanceof AlreadyRecorded) return { outcome: 'duplicate', reason: APPLIED, customerId: null };
    const reason = parkedReason(error);
    if (reason === null) throw paymentsFault(error);
    return record(deps, event, { outcome: 'parked', reason, customerId: null });
  }
}

function parkedReason(error: unknown): string | null {
  if (error instanceof Unappliable) return error.message;
  if (isFault(error, 'refused')) return `Stripe does not have an object that it names: ${error.message}`;
  if (error instanceof BillingError && error.code === 'fix_attempt_not_found')
    return 'it pays for a fix that is not recorded';
  return null;
}

function receiptFor(deps: PaymentDeps, event: StripeEvent, customerId: string): Receipt {
  const entry = recordOf(deps, event, { outcome: 'processed', reason: APPLIED, customerId });
  return { key: keys.event(event.id), write: recordEvent(entry) };
}

type Fate = Pick<EventRecord, 'outcome' | 'reason' | 'customerId'>;

async function record(deps: PaymentDeps, event: StripeEvent, fate: Fate): Promise<AppliedEvent> {
  const write = recordEvent(recordOf(deps, event, fate));
  const result = await retryContended(deps, () => writeTogether(deps.table, [write]));
  return result.kind === 'written' ? fate : { ...fate, outcome: 'duplicate' };
}

function recordOf({ now }: PaymentDeps, event: StripeEvent, fate: Fate): EventRecord {
  return {
    eventId: event.id,
    type: event.type,
    objectId: objectIdOf(event),
    ...moneyOf(event),
    createdAt: new Date(event.created * 1000).toISOString(),
    receivedAt: now().toISOString(),
    ...fate,
  };
}
