import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { isEventType } from '../event-types.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, flag, metadata, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import type { RandomBytes } from '../ids.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { STRIPE_API_VERSION } from '../version.ts';

const MAX_ENDPOINTS = 16;

const fields = {
  description: z.optional(clearable(text())),
  enabled_events: z.optional(z.array(text())),
  url: z.optional(text(2_048)),
  metadata,
};

export const webhookEndpointRoutes = [
  route(
    'POST',
    '/v1/webhook_endpoints',
    {
      ...fields,
      enabled_events: z.array(text()),
      url: text(2_048),
      api_version: z.optional(
        z.literal(STRIPE_API_VERSION, `parameter_invalid: the double supports only ${STRIPE_API_VERSION}`),
      ),
    },
    (scope, { api_version: version, description, enabled_events: events, url, metadata }) => {
      assertUrl(url);
      assertEvents(events);
      if (scope.state.webhookEndpoints.size >= MAX_ENDPOINTS) {
        throw invalid(`An account has at most ${MAX_ENDPOINTS} test webhook endpoints.`);
      }
      const secret = newSecret(scope.random);
      const endpoint: Stripe.WebhookEndpoint = {
        id: scope.newId('we'),
        object: 'webhook_endpoint',
        api_version: version ?? null,
        application: null,
        created: scope.now,
        description: description ?? null,
        enabled_events: events,
        livemode: false,
        metadata: mergeMetadata({}, metadata),
        status: 'enabled',
        url,
      };
      scope.state.webhookEndpoints.add(endpoint);
      scope.state.webhookSecrets.set(endpoint.id, [secret]);
      // The secret is returned only here.
      return { ...endpoint, secret };
    },
  ),
  route('GET', '/v1/webhook_endpoints', page, (scope, window) =>
    paginate('/v1/webhook_endpoints', scope.state.webhookEndpoints.newestFirst, window),
  ),
  route('GET', '/v1/webhook_endpoints/:id', {}, (scope, _, { id = '' }) =>
    scope.state.webhookEndpoints.get(id, 'path'),
  ),
  route(
    'POST',
    '/v1/webhook_endpoints/:id',
    { ...fields, disabled: z.optional(flag) },
    (scope, { disabled, metadata, ...rest }, { id = '' }) => {
      const endpoint = scope.state.webhookEndpoints.get(id, 'path');
      if (rest.url !== undefined) assertUrl(rest.url);
      if (rest.enabled_events !== undefined) assertEvents(rest.enabled_events);
      Object.assign(endpoint, withoutUndefined(rest), {
        metadata: mergeMetadata(endpoint.metadata, metadata),
      });
      if (disabled !== undefined) endpoint.status = disabled ? 'disabled' : 'enabled';
      return endpoint;
    },
  ),
  route('DELETE', '/v1/webhook_endpoints/:id', {}, (scope, _, { id = '' }): Stripe.DeletedWebhookEndpoint => {
    scope.state.webhookEndpoints.get(id, 'path');
    scope.state.webhookEndpoints.delete(id);
    scope.state.webhookSecrets.delete(id);
    return { id, object: 'webhook_endpoint', deleted: true };
  }),
];

export const newSecret = (random: RandomBytes): string => `whsec_${random(24).toString('hex')}`;

function assertUrl(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
  throw invalid('Invalid URL: an http or https URL is needed.', { code: 'url_invalid', param: 'url' });
}

function assertEvents(events: readonly string[]): void {
  const wrong = events.find((event) => event !== '*' && !isEventType(event));
  if (wrong === undefined && events.length > 0) return;
  throw invalid(`Invalid enabled_events: ${wrong ?? 'at least one is needed'}`, { param: 'enabled_events' });
}
