import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { decodeOwner } from '../../store/owners.ts';
import { readTogether } from '../../store/table.ts';
import type { FixPayment } from '../../stripe/port.ts';

/** Why an event cannot be applied now. The event is parked, visible, until an operator replays it. */
export class Unappliable extends Error {}

/** An event of another product on the same Stripe account. It is ignored. */
export class NotOurs extends Error {}

/**
 * The customer that a Stripe customer is bound to.
 * @throws Unappliable where Stripe's metadata names a customer of ours, but no binding does; NotOurs without either; StripeFault
 */
export async function ownerOf(deps: PaymentDeps, stripeCustomerId: string): Promise<string> {
  const owner = await boundOwnerOf(deps, stripeCustomerId);
  if (owner !== null) return owner;
  const claim = await (await deps.stripe()).readCustomerClaim(stripeCustomerId);
  if (claim === null) throw new NotOurs(`${stripeCustomerId} is not a customer of this service`);
  throw new Unappliable(`no customer is known for ${stripeCustomerId}`);
}

/**
 * The customer that a payment method is bound to: every card that was ever on file.
 * @throws NotOurs without a binding
 */
export async function cardOwnerOf(deps: PaymentDeps, paymentMethodId: string): Promise<string> {
  const owner = await boundOwnerOf(deps, paymentMethodId);
  if (owner === null) throw new NotOurs(`${paymentMethodId} was never on file here`);
  return owner;
}

async function boundOwnerOf({ table }: PaymentDeps, stripeId: string): Promise<string | null> {
  const [binding] = await readTogether(table, [keys.stripe(stripeId)]);
  return binding === undefined ? null : decodeOwner(binding);
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
  const owner = await boundOwnerOf(deps, stripeCustomerId);
  // Money that our own metadata is on is never ignored.
  if (owner === null) throw new Unappliable(`no customer is known for ${stripeCustomerId}`);
  if (owner !== customerId) throw new Unappliable("its payment names another customer's fix");
  return owner;
}
