import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { movementAt } from '../balance.ts';
import { page, paginate } from '../http/pagination.ts';
import { currency, inRange, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import type { Scope } from '../scope.ts';

export const balanceRoutes = [
  route('GET', '/v1/balance', {}, (scope): Stripe.Balance => {
    return {
      object: 'balance',
      available: sums(scope, 'available'),
      livemode: false,
      pending: sums(scope, 'pending'),
    };
  }),
  route(
    'GET',
    '/v1/balance_transactions',
    {
      currency: z.optional(currency),
      payout: z.optional(text()),
      source: z.optional(text()),
      type: z.optional(text()),
      created: range,
      ...page,
    },
    (scope, { currency, payout, source, type, created, ...window }) => {
      const found = scope.state.balanceTransactions.newestFirst.filter(
        (one) =>
          // No payout takes money from this balance.
          payout === undefined &&
          (currency === undefined || one.currency === currency) &&
          (source === undefined || one.source === source) &&
          (type === undefined || one.type === type) &&
          inRange(one.created, created),
      );
      const shown = paginate('/v1/balance_transactions', found, window);
      return { ...shown, data: shown.data.map((one) => movementAt(one, scope.now)) };
    },
  ),
  route('GET', '/v1/balance_transactions/:id', {}, (scope, _, { id = '' }) =>
    movementAt(scope.state.balanceTransactions.get(id, 'path'), scope.now),
  ),
];

function sums({ state, now }: Scope, status: 'available' | 'pending'): Stripe.Balance.Available[] {
  const amounts = new Map<string, number>();
  for (const one of state.balanceTransactions.newestFirst) {
    const before = amounts.get(one.currency) ?? 0;
    amounts.set(one.currency, before + (movementAt(one, now).status === status ? one.net : 0));
  }
  if (amounts.size === 0) amounts.set('usd', 0);
  return [...amounts].map(([currency, amount]) => ({ amount, currency, source_types: { card: amount } }));
}
