import * as z from 'zod/mini';
import { page, paginate } from '../http/pagination.ts';
import type { Shape } from '../http/parameters.ts';
import { range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { customerIn } from './customer-lookup.ts';

/*
 * Kinds of objects that the stand-in never makes. Their lists are empty, as in an account without them, so
 * that a client that reads everything can finish.
 */

const dated = { created: range, ...page };

/** By path, the list's parameters beside paging. */
const EMPTY: readonly (readonly [path: `/v1/${string}`, filters: Shape])[] = [
  ['/v1/promotion_codes', { code: z.optional(text()), customer: z.optional(text()), ...dated }],
  ['/v1/plans', { product: z.optional(text()), ...dated }],
  ['/v1/shipping_rates', { currency: z.optional(text(3)), ...dated }],
  ['/v1/subscription_schedules', { customer: z.optional(text()), ...dated }],
  ['/v1/tax_rates', dated],
  ['/v1/tax_ids', page],
  ['/v1/application_fees', { charge: z.optional(text()), ...dated }],
  ['/v1/transfers', { destination: z.optional(text()), ...dated }],
  ['/v1/files', { purpose: z.optional(text()), ...dated }],
  ['/v1/file_links', { file: z.optional(text()), ...dated }],
  ['/v1/reviews', dated],
  ['/v1/quotes', { customer: z.optional(text()), ...page }],
  ['/v1/payment_links', page],
  ['/v1/entitlements/features', page],
  ['/v1/entitlements/active_entitlements', { customer: text(), ...page }],
  ['/v1/identity/verification_sessions', dated],
  ['/v1/identity/verification_reports', dated],
  ['/v1/issuing/authorizations', dated],
  ['/v1/issuing/cardholders', dated],
  ['/v1/issuing/cards', dated],
  ['/v1/issuing/disputes', dated],
  ['/v1/issuing/transactions', dated],
];

export const emptyListRoutes = [
  // A session in setup mode has no line items.
  route('GET', '/v1/checkout/sessions/:id/line_items', page, (scope, _window, { id = '' }) => {
    scope.state.checkoutSessions.get(id, 'path');
    return paginate(`/v1/checkout/sessions/${id}/line_items`, [], {});
  }),
  route('GET', '/v1/products/:id/features', page, (scope, window, { id = '' }) => {
    scope.state.products.get(id, 'path');
    return paginate(`/v1/products/${id}/features`, [], window);
  }),
  ...EMPTY.map(([path, filters]) => route('GET', path, filters, () => paginate(path, [], {}))),
  route('GET', '/v1/customers/:id/tax_ids', page, (scope, window, { id = '' }) => {
    customerIn(scope, id, 'path');
    return paginate(`/v1/customers/${id}/tax_ids`, [], window);
  }),
];
