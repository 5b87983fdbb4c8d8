import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { HANDLED_EVENT_TYPES } from '../event-types.ts';
import { STRIPE_API_VERSION } from '../sdk.ts';
import { createOnce, type Ensured } from './create-once.ts';

/* The webhook endpoint: searched first and changed only if it differs, like the price. */

/** Stripe allows 16 per mode. */
const MAX_ENDPOINTS = 1_000;

/** The endpoint after the setup: found, created or updated. */
export interface WebhookEndpoint extends Ensured {
  /** Null unless the endpoint was just created: Stripe's API returns the secret once. */
  readonly secret: string | null;
}

/**
 * Ensures one endpoint at `url` with our API version and exactly the events we handle. An endpoint's version
 * cannot be changed, so an endpoint of another version is disabled once a new one exists. `known` is the id
 * of our endpoint at any URL; it is moved to `url`.
 */
export async function ensureWebhookEndpoint(
  stripe: Stripe,
  url: string,
  { known }: { readonly known?: string | undefined } = {},
): Promise<WebhookEndpoint> {
  const ours = (await listWebhookEndpoints(stripe)).filter((one) => one.url === url || one.id === known);
  const right = ours
    .filter(({ api_version: version }) => version === STRIPE_API_VERSION)
    .sort((a, b) => Number(b.id === known) - Number(a.id === known) || a.created - b.created);
  const [kept, ...more] = right;

  const endpoint =
    kept === undefined ? await createEndpoint(stripe, url) : await correctEndpoint(stripe, kept, url);
  const notes = [...endpoint.notes];
  let { outcome } = endpoint;
  for (const { id, status } of more) {
    if (status === 'enabled')
      notes.push(`${id} has the same URL, so each event arrives twice. Delete one of them.`);
  }
  for (const { id, api_version: version, status } of ours) {
    if (version === STRIPE_API_VERSION || status !== 'enabled') continue;
    await stripe.webhookEndpoints.update(id, { disabled: true });
    if (outcome === 'found') outcome = 'updated';
    notes.push(
      `Disabled ${id}, which had ${version ?? "the account's default version"} at this URL: the API ` +
        'version of an endpoint cannot be changed.',
    );
  }
  return { ...endpoint, outcome, notes };
}

export function listWebhookEndpoints(stripe: Stripe): Promise<Stripe.WebhookEndpoint[]> {
  return stripe.webhookEndpoints.list({ limit: 100 }).autoPagingToArray({ limit: MAX_ENDPOINTS });
}

async function createEndpoint(stripe: Stripe, url: string): Promise<WebhookEndpoint> {
  const wanted = {
    url,
    api_version: STRIPE_API_VERSION,
    enabled_events: [...HANDLED_EVENT_TYPES],
    description: 'RSOLV billing',
  };
  const { id, secret = null } = await createOnce(
    ['webhook', createHash('sha256').update(JSON.stringify(wanted)).digest('hex')],
    (idempotencyKey) => stripe.webhookEndpoints.create(wanted, { idempotencyKey }),
    async (made) => {
      const present = await listWebhookEndpoints(stripe);
      return present.some((one) => one.id === made.id && one.url === url);
    },
  );
  return { id, outcome: 'created', notes: [], secret };
}

async function correctEndpoint(
  stripe: Stripe,
  endpoint: Stripe.WebhookEndpoint,
  url: string,
): Promise<WebhookEndpoint> {
  const changes: Stripe.WebhookEndpointUpdateParams = {};
  const notes: string[] = [];
  if (endpoint.url !== url) {
    changes.url = url;
    notes.push(`It was at ${endpoint.url}.`);
  }
  const { missing, unwanted } = eventDifference(endpoint.enabled_events);
  if (missing.length + unwanted.length > 0) {
    changes.enabled_events = [...HANDLED_EVENT_TYPES];
    const parts = [...missing.map((type) => `+${type}`), ...unwanted.map((type) => `-${type}`)];
    notes.push(`Its events: ${parts.join(' ')}`);
  }
  if (endpoint.status !== 'enabled') {
    changes.disabled = false;
    notes.push('It was disabled and is enabled again.');
  }
  const { id } = endpoint;
  if (notes.length === 0) return { id, outcome: 'found', notes, secret: null };
  await stripe.webhookEndpoints.update(id, changes);
  return { id, outcome: 'updated', notes, secret: null };
}

/** Event types that the endpoint lacks, and those it has in excess. */
export function eventDifference(enabled: readonly string[]): { missing: string[]; unwanted: string[] } {
  const wanted: ReadonlySet<string> = new Set(HANDLED_EVENT_TYPES);
  return {
    missing: [...wanted].filter((type) => !enabled.includes(type)),
    unwanted: enabled.filter((type) => !wanted.has(type)),
  };
}
