import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeEvent, type EventRecord, recordEvent } from '../../store/events.ts';
import { keys } from '../../store/keys.ts';
import { decodeOwner } from '../../store/owners.ts';
import { readTogether, writeTogether } from '../../store/table.ts';
import {
  type EventSubject,
  isOurVersion,
  objectIdOf,
  type StripeEvent,
  subjectOf,
} from '../../stripe/event.ts';
import { isFault } from '../../stripe/fault.ts';
import type { FixPayment, StripePort } from '../../stripe/port.ts';
import { settleFixPayment } from '../fixes/record-payment.ts';
import { AlreadyRecorded, type Receipt } from '../ledger/change-ledger.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { paymentsFault } from '../payments/payment-problems.ts';
import { grantInvoice } from '../plans/grant-invoice.ts';
import { syncAccount } from '../plans/sync-account.ts';
import { reverseReturnedMoney } from '../plans/take-back-credits.ts';

export interface AppliedEvent {
  /** `duplicate`: it was recorded before, and nothing happened now. */
  readonly outcome: EventRecord['outcome'] | 'duplicate';
  readonly reason: string;
  readonly customerId: string | null;
}

/** What is said of an event whose effect is in the ledger. */
const APPLIED = 'applied';

/** Why an event cannot be applied now; it waits, visible, until somebody replays it. */
class Unappliable extends Error {}

/**
 * Applies one event of Stripe's: the one reducer for live deliveries, replays and backfills. An event says that something
 * happened, never how things are: that is asked of Stripe, so any order and any number of deliveries end the same. The event
 * is recorded in the transaction of its effect. Safe to repeat.
 * @param options.anyVersion also an event told in another API version: an operator says so, or Stripe's own list does
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable: not recorded, so
 * Stripe has to send it again
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
  if (subject.kind === 'nothing') {
    return record(deps, event, {
      outcome: 'ignored',
      reason: 'of a type that changes nothing here',
      customerId: null,
    });
  }
  if (!anyVersion && !isOurVersion(event)) {
    const reason = `told in API version ${event.api_version ?? 'none'}, not in ours`;
    return record(deps, event, { outcome: 'parked', reason, customerId: null });
  }
  try {
    return await apply(deps, event, subject);
  } catch (error) {
    if (error instanceof AlreadyRecorded) return { outcome: 'duplicate', reason: APPLIED, customerId: null };
    const reason = whyParked(error);
    if (reason === null) throw paymentsFault(error);
    return record(deps, event, { outcome: 'parked', reason, customerId: null });
  }
}

function whyParked(error: unknown): string | null {
  if (error instanceof Unappliable) return error.message;
  if (isFault(error, 'refused')) return `Stripe does not have what it names: ${error.message}`;
  if (error instanceof BillingError && error.code === 'fix_attempt_not_found')
    return 'pays for a fix that is not recorded';
  return null;
}

async function apply(deps: PaymentDeps, event: StripeEvent, subject: EventSubject): Promise<AppliedEvent> {
  const stripe = await deps.stripe();
  switch (subject.kind) {
    case 'account': {
      const { stripeCustomerId } = subject;
      const customerId = await ownerOf(deps, stripeCustomerId);
      const receipt = receiptFor(deps, event, customerId);
      const { wrote } = await syncAccount(deps, customerId, { of: stripeCustomerId, receipt });
      return applied(deps, event, customerId, wrote);
    }
    case 'failed_invoice': {
      const { stripeCustomerId, invoiceId } = subject;
      const customerId = await ownerOf(deps, stripeCustomerId);
      const receipt = receiptFor(deps, event, customerId);
      const failedRenewal = await stripe.readFailedRenewal(invoiceId);
      const { wrote } = await syncAccount(deps, customerId, { of: stripeCustomerId, receipt, failedRenewal });
      return applied(deps, event, customerId, wrote);
    }
    case 'detached_card': {
      const customerId = await ownerOf(deps, subject.stripeCustomerId ?? subject.paymentMethodId);
      const { wrote } = await syncAccount(deps, customerId, { receipt: receiptFor(deps, event, customerId) });
      return applied(deps, event, customerId, wrote);
    }
    case 'paid_invoice': {
      const customerId = await ownerOf(deps, subject.stripeCustomerId);
      const invoice = await stripe.readInvoice(subject.invoiceId);
      const wrote = await grantInvoice(deps, customerId, invoice, receiptFor(deps, event, customerId));
      return applied(deps, event, customerId, wrote);
    }
    case 'payment': {
      const payment = await stripe.readFixPayment(subject.paymentIntentId);
      if (payment === null) {
        const reason = 'a payment that is not for a fix';
        return record(deps, event, { outcome: 'ignored', reason, customerId: null });
      }
      const customerId = await payerOf(deps, payment);
      const { wrote } = await settleFixPayment(deps, payment, receiptFor(deps, event, customerId));
      return applied(deps, event, customerId, wrote);
    }
    case 'returned_money':
      return applyReturnedMoney(deps, stripe, event, subject.chargeId);
    case 'unreadable':
      throw new Unappliable('its object is not of a shape that we can read');
    case 'nothing':
      throw new Error('an event without a subject is not applied');
    default:
      return subject satisfies never;
  }
}

async function applyReturnedMoney(
  deps: PaymentDeps,
  stripe: StripePort,
  event: StripeEvent,
  chargeId: string,
): Promise<AppliedEvent> {
  const money = await stripe.readReturnedMoney(chargeId);
  if (money.stripeCustomerId === null) throw new Unappliable('its charge names no customer');
  const customerId = await ownerOf(deps, money.stripeCustomerId);
  if (money.paidFor.kind === 'fix' && money.paymentIntentId !== null) {
    // Should the payment not have been counted yet, it is counted before it is counted back.
    const payment = await stripe.readFixPayment(money.paymentIntentId);
    if (payment?.state === 'succeeded' && (await payerOf(deps, payment)) === customerId) {
      await settleFixPayment(deps, payment);
    }
  }
  await reverseReturnedMoney(deps, customerId, money, receiptFor(deps, event, customerId));
  return applied(deps, event, customerId, true);
}

/** Whose a Stripe id is. */
async function ownerOf(deps: PaymentDeps, stripeId: string): Promise<string> {
  const [binding] = await readTogether(deps.table, [keys.stripe(stripeId)]);
  if (binding === undefined) throw new Unappliable(`no customer is known for ${stripeId}`);
  return decodeOwner(binding);
}

/** The metadata of a payment can be written by whoever has our key; the binding cannot. */
async function payerOf(deps: PaymentDeps, { stripeCustomerId, customerId }: FixPayment): Promise<string> {
  if (stripeCustomerId === null) throw new Unappliable('its payment names no customer');
  const owner = await ownerOf(deps, stripeCustomerId);
  if (owner !== customerId) throw new Unappliable("its payment names another customer's fix");
  return owner;
}

function receiptFor(deps: PaymentDeps, event: StripeEvent, customerId: string): Receipt {
  const entry = recordOf(deps, event, { outcome: 'processed', reason: APPLIED, customerId });
  return { key: keys.event(event.id), write: recordEvent(entry) };
}

/** Where nothing was left to do, the event is recorded by itself. */
async function applied(
  deps: PaymentDeps,
  event: StripeEvent,
  customerId: string,
  wrote: boolean,
): Promise<AppliedEvent> {
  const processed = { outcome: 'processed', reason: APPLIED, customerId } as const;
  return wrote ? processed : record(deps, event, processed);
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
    createdAt: new Date(event.created * 1000).toISOString(),
    receivedAt: now().toISOString(),
    ...fate,
  };
}
