import * as z from 'zod/mini';
import { invalid, missing } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { flag, inRange, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import type { Scope } from '../scope.ts';

const KEPT_SECONDS = 30 * 24 * 60 * 60;
const MAX_TYPES = 20;

export const eventRoutes = [
  route(
    'GET',
    '/v1/events',
    {
      type: z.optional(text()),
      types: z.optional(z.array(text())),
      delivery_success: z.optional(flag),
      created: range,
      ...page,
    },
    (scope, { type, types, delivery_success: delivered, created, ...window }) => {
      if (type !== undefined && types !== undefined)
        throw invalid('type and types exclude each other.', { param: 'types' });
      if (types !== undefined && types.length > MAX_TYPES) {
        throw invalid(`types has at most ${MAX_TYPES} entries.`, { param: 'types' });
      }
      const wanted = types ?? (type === undefined ? undefined : [type]);
      const events = kept(scope).filter(
        (event) =>
          (wanted === undefined || wanted.some((pattern) => matches(pattern, event.type))) &&
          (delivered === undefined || delivered === isDelivered(scope, event.id)) &&
          inRange(event.created, created),
      );
      return paginate('/v1/events', events, window);
    },
  ),
  route('GET', '/v1/events/:id', {}, (scope, _, { id = '' }) => {
    const event = kept(scope).find((one) => one.id === id);
    if (event === undefined) throw missing('event', id, 'path');
    return event;
  }),
  // The call of `stripe events resend`. Without an endpoint, that command resends to itself; here to every
  // endpoint.
  route(
    'POST',
    '/v1/events/:id/retry',
    {
      webhook_endpoint: z.optional(text()),
      for_stripecli: z.optional(flag),
      account: z.optional(text()),
    },
    (scope, { webhook_endpoint: endpoint }, { id = '' }) => {
      const event = kept(scope).find((one) => one.id === id);
      if (event === undefined) throw missing('event', id, 'path');
      if (endpoint !== undefined) scope.state.webhookEndpoints.get(endpoint, { param: 'webhook_endpoint' });
      scope.resend(event, endpoint);
      return event;
    },
  ),
];

const kept = (scope: Scope) =>
  scope.state.events.newestFirst.filter(({ created }) => created > scope.now - KEPT_SECONDS);

/** A final `*` in a pattern matches any ending. */
const matches = (pattern: string, type: string): boolean =>
  pattern === type || (pattern.endsWith('*') && type.startsWith(pattern.slice(0, -1)));

const isDelivered = (scope: Scope, id: string): boolean => (scope.state.undelivered.get(id)?.size ?? 0) === 0;
