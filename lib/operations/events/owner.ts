import type { PaymentDeps } from '../../runtime/deps.ts';
import { keys } from '../../store/keys.ts';
import { decodeOwner } from '../../store/owners.ts';
import { readTogether } from '../../store/table.ts';
import type { FixPayment } from '../../stripe/port.ts';

/** An event cannot be applied now. It is parked, visibly, until an operator replays it. */
export class Unappliable extends Error {}

/** An event of another product on the same Stripe account. It is ignored. */
export class NotOurs extends Error {}

/**
 * The customer that a Stripe customer is bound to.
 * @throws Unappliable if Stripe's metadata names one of our customers without a binding; NotOurs without
 * either; StripeFault
 */
export async function ownerOf(deps: PaymentDeps, stripeCustomerId: string): Promise<string> {
  const owner = await boundOwnerOf(deps, stripeCustomerId);
  if (owner !== null) return owner;
  const claim = await (await deps.stripe()).readCustomerClaim(stripeCustomerId);
  if (claim === null) throw new NotOurs(`${stripeCustomerId} is not a customer of this service`);
  throw new Unappliable(`no customer is known for ${stripeCustomerId}`);
}

/**
 * The customer that a payment method is bound to. Every card that was ever on file is bound.
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
 * The customer who made a payment. Anyone with our key can write a payment's metadata; only we write the
 * binding.
 * @throws Unappliable if metadata and binding differ
 */
export async function payerOf(
  deps: PaymentDeps,
  { stripeCustomerId, customerId }: FixPayment,
): Promise<string> {
  if (stripeCustomerId === null) throw new Unappliable('its payment names no customer');
  const owner = await boundOwnerOf(deps, stripeCustomerId);
  // A payment that has our metadata is never ignored.
  if (owner === null) throw new Unappliable(`no customer is known for ${stripeCustomerId}`);
  if (owner !== customerId) throw new Unappliable("its payment names another customer's fix");
  return owner;
}
