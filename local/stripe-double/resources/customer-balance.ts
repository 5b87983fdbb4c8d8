import * as z from 'zod/mini';
import { postToBalance } from '../billing/balance.ts';
import { invalid, missing } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { currency, inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import type { Scope } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';

const PATH = '/v1/customers/:id/balance_transactions';

/** The entries of a customer's balance: credit is negative, debt positive. */
export const customerBalanceRoutes = [
  route(
    'POST',
    PATH,
    { amount: integer, currency, description: z.optional(text(350)), metadata },
    (scope, { amount, currency, description, metadata }, { id = '' }) => {
      const customer = customerIn(scope, id, 'path');
      const wanted = currency.toLowerCase();
      if (typeof customer.currency === 'string' && customer.currency !== wanted) {
        throw invalid(`The balance of this customer is in ${customer.currency}.`, { param: 'currency' });
      }
      return postToBalance(scope, customer, 'adjustment', amount, {
        currency: wanted,
        description: description ?? null,
        metadata: mergeMetadata({}, metadata),
      });
    },
  ),
  route(
    'GET',
    PATH,
    { created: range, invoice: z.optional(text()), ...page },
    (scope, { created, invoice, ...window }, { id = '' }) => {
      customerIn(scope, id, 'path');
      const entries = scope.state.balanceEntries.newestFirst.filter(
        (one) =>
          one.customer === id &&
          (invoice === undefined || one.invoice === invoice) &&
          inRange(one.created, created),
      );
      return paginate(`/v1/customers/${id}/balance_transactions`, entries, window);
    },
  ),
  route('GET', `${PATH}/:entry`, {}, (scope, _, { id = '', entry = '' }) => entryOf(scope, id, entry)),
  route(
    'POST',
    `${PATH}/:entry`,
    { description: z.optional(text(350)), metadata },
    (scope, { description, metadata }, { id = '', entry: entryId = '' }) => {
      const entry = entryOf(scope, id, entryId);
      if (description !== undefined) entry.description = description;
      entry.metadata = mergeMetadata(entry.metadata ?? {}, metadata);
      return entry;
    },
  ),
];

function entryOf(scope: Scope, customerId: string, entryId: string) {
  const entry = scope.state.balanceEntries.get(entryId, 'path');
  if (entry.customer !== customerId) throw missing('customer balance transaction', entryId, 'path');
  return entry;
}
