import * as z from 'zod/mini';
import { balanceNow, movementAt } from '../balance.ts';
import { page, paginate } from '../http/pagination.ts';
import { currency, inRange, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { paidOutIn } from './payouts.ts';

export const balanceRoutes = [
  route('GET', '/v1/balance', {}, balanceNow),
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
      const isPaidOut = payout === undefined ? () => true : paidOutIn(scope, payout);
      const found = scope.state.balanceTransactions.newestFirst.filter(
        (one) =>
          isPaidOut(one) &&
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
