import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import type { WebhookSecrets } from '../../runtime/webhook-secrets.ts';
import { isLiveStage } from '../../settings/stripe.ts';
import { endpointFault, parseEvent, type StripeEvent } from '../../stripe/event.ts';
import { parseThinEvent, type ThinEvent } from '../../stripe/thin-event.ts';
import { type AppliedEvent, applyEvent } from './apply-event.ts';
import { ignoreThinEvent } from './ignore-thin-event.ts';

export interface Delivery {
  /** Exactly as signed. */
  readonly body: string;
  readonly signature: string | undefined;
}

/**
 * Receives one delivery from Stripe: verifies it, applies the event and reports the outcome. Idempotent.
 * @throws BillingError invalid_signature, malformed_json, wrong_mode, invalid_request, and what `applyEvent`
 * throws; what `secrets.current` throws
 */
export async function receiveEvent(
  deps: PaymentDeps,
  delivery: Delivery,
  secrets: WebhookSecrets,
): Promise<AppliedEvent> {
  // A failure to read the secrets says nothing about the signature.
  const trusted = await secrets.current();
  const event = await signedEvent(deps, delivery, trusted, secrets).catch((error: unknown) => {
    // Unsigned deliveries are internet noise, so no alarm counts them.
    if (delivery.signature !== undefined) deps.report({ kind: 'signature_refused' });
    throw error;
  });
  const applied = await apply(deps, event).catch((error: unknown) => {
    deps.report({ kind: 'event_failed' });
    throw error;
  });
  const { id: eventId, type } = event;
  deps.report({ kind: 'event_received', eventId, type, ...applied });
  const fault = endpointFault(event);
  if (fault !== null) deps.report({ kind: 'endpoint_misconfigured', eventId, type, reason: fault });
  return applied;
}

const isThin = (event: StripeEvent | ThinEvent): event is ThinEvent => event.object === 'v2.core.event';

const apply = (deps: PaymentDeps, event: StripeEvent | ThinEvent): Promise<AppliedEvent> =>
  isThin(event) ? ignoreThinEvent(deps, event) : applyEvent(deps, event);

async function signedEvent(
  { stage, now }: PaymentDeps,
  { body, signature }: Delivery,
  trusted: readonly string[],
  { rotated }: WebhookSecrets,
): Promise<StripeEvent | ThinEvent> {
  const { verifiedPayload } = await import('../../stripe/verify-signature.ts');
  const verified = (accepted: readonly string[]) => verifiedPayload(body, signature, accepted, now());
  // Without a signature, other secrets make no difference.
  const newer = signature === undefined ? async () => undefined : rotated;
  const event = readable(await verifiedWith(verified, trusted, newer));
  if (event.livemode === isLiveStage(stage)) return event;
  const mode = event.livemode ? 'Live' : 'Test';
  throw new BillingError('wrong_mode', `${mode} events are not accepted by the stage ${stage}.`);
}

/** Verifies again if the secrets were rotated since they were read. */
async function verifiedWith(
  verified: (accepted: readonly string[]) => unknown,
  trusted: readonly string[],
  rotated: WebhookSecrets['rotated'],
): Promise<unknown> {
  try {
    return verified(trusted);
  } catch (error) {
    const isRefused = error instanceof BillingError && error.code === 'invalid_signature';
    const accepted = isRefused ? await rotated() : undefined;
    if (accepted === undefined) throw error;
    return verified(accepted);
  }
}

/**
 * @throws BillingError invalid_request for a signed body that is no event: it has no id to be recorded under.
 */
function readable(payload: unknown): StripeEvent | ThinEvent {
  const event = parseEvent(payload) ?? parseThinEvent(payload);
  if (event !== null) return event;
  throw new BillingError('invalid_request', 'The body is signed, but it is not a snapshot event.');
}
