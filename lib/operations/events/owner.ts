import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { decodeOwner } from '../../store/owners.ts';
import { readTogether } from '../../store/table.ts';
import type { FixPayment } from '../../stripe/port.ts';

/** Why an event cannot be applied now. The event is parked, visible, until an operator replays it. */
export class Unappliable extends Error {}

/**
 * The customer to whom a Stripe id is bound.
 * @throws Unappliable without a binding
 */
export async function ownerOf(deps: PaymentDeps, stripeId: string): Promise<string> {
  const [binding] = await readTogether(deps.table, [keys.stripe(stripeId)]);
  if (binding === undefined) throw new Unappliable(`no customer is known for ${stripeId}`);
  return decodeOwner(binding);
}

/**
 * The customer who made a payment. Anyone with our key can write a payment's metadata; only we can write the binding.
 * @throws Unappliable where the two differ
 */
export async function payerOf(
  deps: PaymentDeps,
  { stripeCustomerId, customerId }: FixPayment,
): Promise<string> {
  if (stripeCustomerId === null) throw new Unappliable('its payment names no customer');
  const owner = await ownerOf(deps, stripeCustomerId);
  if (owner !== customerId) throw new Unappliable("its payment names another customer's fix");
  return owner;
}
