import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { isPaidOutBy } from '../balance.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { currency, inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { changeAndEmit, type Scope } from '../scope.ts';
import { availableIn, cancelPayout, createPayout } from './payout-life.ts';

const STATUSES = ['canceled', 'failed', 'in_transit', 'paid', 'pending'] as const;

export const payoutRoutes = [
  route(
    'POST',
    '/v1/payouts',
    {
      amount: integer,
      currency,
      description: z.optional(text()),
      metadata,
      method: z.optional(
        z.literal('standard', 'parameter_invalid: the double supports only standard payouts'),
      ),
      source_type: z.optional(z.literal('card', 'parameter_invalid: must be card')),
      statement_descriptor: z.optional(text(22)),
    },
    (scope, input): Stripe.Payout => {
      const unit = input.currency.toLowerCase();
      if (input.amount <= 0) {
        throw invalid('This value must be greater than or equal to 1.', {
          code: 'parameter_invalid_integer',
          param: 'amount',
        });
      }
      if (input.amount > availableIn(scope, unit)) {
        throw invalid('You have insufficient funds in your Stripe account for this payout.', {
          code: 'balance_insufficient',
        });
      }
      return createPayout(scope, {
        amount: input.amount,
        currency: unit,
        automatic: false,
        description: input.description ?? null,
        statementDescriptor: input.statement_descriptor ?? null,
        metadata: mergeMetadata({}, input.metadata),
      });
    },
  ),
  route(
    'GET',
    '/v1/payouts',
    {
      arrival_date: range,
      created: range,
      destination: z.optional(text()),
      status: z.optional(z.enum(STATUSES, 'parameter_invalid: must be a valid status')),
      ...page,
    },
    (scope, { arrival_date: arrives, created, destination, status, ...window }) => {
      const found = scope.state.payouts.newestFirst.filter(
        (one) =>
          inRange(one.arrival_date, arrives) &&
          inRange(one.created, created) &&
          (destination === undefined || one.destination === destination) &&
          (status === undefined || one.status === status),
      );
      return paginate('/v1/payouts', found, window);
    },
  ),
  route('GET', '/v1/payouts/:id', {}, (scope, _, { id = '' }) => scope.state.payouts.get(id, 'path')),
  route('POST', '/v1/payouts/:id', { metadata }, (scope, input, { id = '' }) => {
    const payout = scope.state.payouts.get(id, 'path');
    changeAndEmit(scope, 'payout.updated', payout, {
      metadata: mergeMetadata(payout.metadata ?? {}, input.metadata),
    });
    return payout;
  }),
  route('POST', '/v1/payouts/:id/cancel', {}, (scope, _, { id = '' }) => {
    const payout = scope.state.payouts.get(id, 'path');
    if (payout.automatic || payout.status !== 'pending') {
      throw invalid('Only a manual payout that is pending can be canceled.', {
        code: 'payouts_cancel_not_allowed',
      });
    }
    return cancelPayout(scope, payout);
  }),
];

/**
 * Selects the transactions of a payout. Only an automatic payout has them, once Stripe has matched them.
 * @throws Refusal for a payout made by hand.
 */
export function paidOutIn(scope: Scope, payoutId: string): (one: Stripe.BalanceTransaction) => boolean {
  const payout = scope.state.payouts.get(payoutId, { param: 'payout' });
  if (!payout.automatic) {
    throw invalid('Balance transaction history can only be filtered on automatic transfers, not manual.', {
      param: 'payout',
    });
  }
  const isMatched = payout.reconciliation_status === 'completed';
  return ({ id }) => isMatched && isPaidOutBy(scope.state, id, payoutId);
}
