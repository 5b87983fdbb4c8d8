import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import type { Scope } from '../scope.ts';

/** A customer that is there: a deleted one is, for every other call, not there. */
export function customerIn(
  scope: Scope,
  id: string,
  where: 'path' | { readonly param: string },
): Stripe.Customer {
  return scope.state.customers.get(id, where);
}

/** The card on file that a subscription or an invoice is paid with. */
export function defaultMethodOf(customer: Stripe.Customer): string | null {
  return idOf(customer.invoice_settings.default_payment_method) ?? idOf(customer.default_source);
}
