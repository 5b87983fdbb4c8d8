import type Stripe from 'stripe';
import { COLLECTABLE, collect } from '../billing/invoice-life.ts';
import { methodOf, subscriptionOf } from '../billing/subscription-status.ts';
import { isCardName } from '../cards.ts';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import type { Scope } from '../scope.ts';
import { createPaymentMethod } from './payment-methods.ts';

/**
 * The customer pays on the invoice page with a new card or the default card. After a decline the invoice
 * stays open.
 */
export function payOnPage(
  scope: Scope,
  invoice: Stripe.Invoice,
  newCard: string | undefined,
): Stripe.Invoice {
  if (!COLLECTABLE.includes(invoice.status ?? '') || invoice.amount_remaining === 0) {
    throw invalid(`This invoice has nothing to pay: it is ${invoice.status}.`);
  }
  const method =
    newCard !== undefined && isCardName(newCard)
      ? createPaymentMethod(scope, newCard)
      : methodOf(scope, subscriptionOf(scope, invoice), idOf(invoice.customer));
  if (method === undefined) throw invalid('The customer has no card on file.');
  const retryAt = invoice.next_payment_attempt;
  collect(scope, invoice, { method, offSession: false, refuseAction: false, retryAt });
  return invoice;
}
