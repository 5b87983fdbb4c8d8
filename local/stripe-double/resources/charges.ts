import * as z from 'zod/mini';
import { page, paginate } from '../http/pagination.ts';
import { clearable, inRange, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit } from '../scope.ts';
import { customerIn } from './customer-lookup.ts';

export const chargeRoutes = [
  route(
    'GET',
    '/v1/charges',
    { customer: z.optional(text()), payment_intent: z.optional(text()), created: range, ...page },
    (scope, { customer, payment_intent: intent, created, ...window }) => {
      if (customer !== undefined) customerIn(scope, customer, { param: 'customer' });
      const charges = scope.state.charges.newestFirst.filter(
        (charge) =>
          (customer === undefined || charge.customer === customer) &&
          (intent === undefined || charge.payment_intent === intent) &&
          inRange(charge.created, created),
      );
      return paginate('/v1/charges', charges, window);
    },
  ),
  route('GET', '/v1/charges/:id', {}, (scope, _, { id = '' }) => scope.state.charges.get(id, 'path')),
  route(
    'POST',
    '/v1/charges/:id',
    { description: z.optional(clearable(text())), metadata },
    (scope, { description, metadata }, { id = '' }) => {
      const charge = scope.state.charges.get(id, 'path');
      changeAndEmit(scope, 'charge.updated', charge, {
        ...withoutUndefined({ description }),
        metadata: mergeMetadata(charge.metadata, metadata),
      });
      return charge;
    },
  ),
];
