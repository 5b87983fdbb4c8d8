import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import { missing } from '../http/errors.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import type { CustomerSource } from '../state.ts';

/** A customer's cards and bank accounts of the older kind, newest first, as in lists. */
export const sourcesOf = ({ state }: Pick<Scope, 'state'>, customer: string): CustomerSource[] =>
  state.sources.newestFirst.filter((one) => idOf(one.customer) === customer);

/** @throws Refusal for an object that is not a source of the customer. */
export function assertSourceOf(scope: Scope, customer: string | null, id: string, param: string): void {
  if (idOf(scope.state.sources.get(id, { param }).customer) !== customer)
    throw missing('source', id, { param });
}

export function setDefaultSource(scope: Scope, customer: Stripe.Customer, id: string | null): void {
  changeAndEmit(scope, 'customer.updated', customer, { default_source: id });
}

/**
 * The customer's newest other source becomes the default. A subscription with this source as its own loses
 * it.
 */
export function deleteSource(scope: Scope, id: string): void {
  const { state } = scope;
  const source = state.sources.find(id);
  if (source === undefined) return;
  const customer = state.customers.find(idOf(source.customer));
  state.sources.delete(id);
  const method = state.paymentMethods.find(id);
  if (method !== undefined) method.customer = null;
  const facts = state.cardFacts.get(id);
  if (facts !== undefined) facts.spent = true;
  emit(scope, 'customer.source.deleted', source);
  for (const subscription of state.subscriptions.newestFirst) {
    if (subscription.default_source !== id) continue;
    changeAndEmit(scope, 'customer.subscription.updated', subscription, { default_source: null });
  }
  if (customer?.default_source !== id) return;
  setDefaultSource(scope, customer, sourcesOf(scope, customer.id)[0]?.id ?? null);
}
