import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { parseEvent } from '../../stripe/event.ts';
import { isFault } from '../../stripe/fault.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { type AppliedEvent, applyEvent } from './apply-event.ts';

/**
 * Fetches an event from Stripe, which keeps it for 30 days, and applies it. For parked and missed events; an
 * applied event is not applied again.
 * @throws BillingError event_not_found, payments_unavailable, payments_misconfigured, ledger_busy,
 * ledger_unavailable
 */
export async function replayEvent(deps: PaymentDeps, eventId: string): Promise<AppliedEvent> {
  const stripe = await deps.stripe();
  const found = await askStripe(() => stripe.readEvent(eventId).catch(nothingIfMissing));
  const event = parseEvent(found);
  if (event === null) {
    throw new BillingError('event_not_found', `Stripe has no event ${eventId}; it keeps them for 30 days.`);
  }
  return applyEvent(deps, event, { anyVersion: true });
}

const nothingIfMissing = (error: unknown): null => {
  if (isFault(error, 'refused')) return null;
  throw error;
};
