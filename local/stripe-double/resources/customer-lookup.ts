import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import type { Scope } from '../scope.ts';

/** An existing customer. A deleted customer counts as missing in every other call. */
export function customerIn(
  scope: Scope,
  id: string,
  where: 'path' | { readonly param: string },
): Stripe.Customer {
  return scope.state.customers.get(id, where);
}

/** The default card that pays for a subscription or an invoice. */
export function defaultMethodOf(customer: Stripe.Customer): string | null {
  return idOf(customer.invoice_settings.default_payment_method) ?? idOf(customer.default_source);
}
