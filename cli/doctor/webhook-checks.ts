import type Stripe from 'stripe';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import { WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { eventDifference } from '../../lib/stripe/setup/webhook-endpoint.ts';
import { type Check, ok, wrong } from './check.ts';
import { runStripeSetup } from './remedies.ts';
import type { Site } from './site.ts';

const NEEDS_ENDPOINT = ['webhook-endpoint'] as const;

/** A local stack on Stripe itself has no endpoint: Stripe's command line forwards its events. */
const absentWithStripeListen = ({ local }: Site): string | null =>
  local !== null && local.stripe.apiBase === undefined ? 'stripe listen forwards the events' : null;

/** Whether Stripe sends our events, each once, in the API version that we parse. */
export const WEBHOOK_CHECKS: readonly Check<Site>[] = [
  {
    id: 'webhook-endpoint',
    title: 'Webhook endpoint',
    needs: ['stripe-access', 'stack'],
    absentReason: absentWithStripeListen,
    run: async (site) => {
      const url = await site.webhookUrl();
      const endpoint = await findOurEndpoint(site);
      return endpoint === undefined
        ? wrong(
            `Stripe has none at ${url}`,
            await runStripeSetup(site, 'Run this, then store the secret that it prints:'),
          )
        : ok(`${endpoint.id} at ${url}`);
    },
  },
  {
    id: 'webhook-enabled',
    title: 'Webhook endpoint is on',
    needs: NEEDS_ENDPOINT,
    absentReason: absentWithStripeListen,
    run: async (site) => {
      const { id, status } = await ourEndpoint(site);
      if (status === 'enabled') return ok(status);
      return wrong(
        `${id} is ${status}: Stripe sends nothing`,
        await runStripeSetup(site, 'Enable it again:'),
      );
    },
  },
  {
    id: 'webhook-version',
    title: 'Webhook API version',
    needs: NEEDS_ENDPOINT,
    absentReason: absentWithStripeListen,
    run: async (site) => {
      const { id, api_version: version } = await ourEndpoint(site);
      if (version === STRIPE_API_VERSION) return ok(STRIPE_API_VERSION);
      const actual = version ?? "the account's default";
      const advice =
        'It cannot be changed. This creates another endpoint and disables this one. Store the secret that ' +
        'it prints beside the old one:';
      return wrong(
        `${id} sends ${actual}, but the service parses ${STRIPE_API_VERSION}`,
        await runStripeSetup(site, advice),
      );
    },
  },
  {
    id: 'webhook-events',
    title: 'Webhook events',
    needs: NEEDS_ENDPOINT,
    absentReason: absentWithStripeListen,
    run: async (site) => {
      const { missing, unwanted } = eventDifference((await ourEndpoint(site)).enabled_events);
      const faults = [
        ...(missing.length === 0 ? [] : [`missing: ${missing.join(', ')}`]),
        ...(unwanted.length === 0 ? [] : [`not handled: ${unwanted.join(', ')}`]),
      ];
      if (faults.length === 0) return ok(`exactly the ${HANDLED_EVENT_TYPES.length} handled types`);
      return wrong(faults.join('; '), await runStripeSetup(site, 'Correct them:'));
    },
  },
  {
    id: 'webhook-single',
    title: 'No second endpoint',
    needs: NEEDS_ENDPOINT,
    absentReason: absentWithStripeListen,
    run: async (site) => {
      const { id: ours } = await ourEndpoint(site);
      const url = await site.webhookUrl();
      // Test stages may share a Stripe account. The live stage has its own, so another address there is an
      // old one.
      const isLive = isLiveStage(site.definition.stage);
      const others = (await site.webhookEndpoints()).filter(
        (one) =>
          one.id !== ours &&
          one.status === 'enabled' &&
          (isAtAddress(one.url, url) || (isLive && new URL(one.url).pathname === WEBHOOK_PATH)),
      );
      if (others.length === 0) return ok('only one');
      return wrong(others.map(secondEndpoint).join('; '), {
        advice:
          'Each event arrives twice. Delete the extra endpoints in the dashboard under Developers, ' +
          'Webhooks, and remove their secrets from stripe-webhook-secrets.',
      });
    },
  },
];

/** The gateway ignores the query and the fragment, so events sent to such an address reach us too. */
function isAtAddress(one: string, ours: string): boolean {
  const [a, b] = [new URL(one), new URL(ours)];
  return a.origin === b.origin && a.pathname === b.pathname;
}

/**
 * Describes a second endpoint. Another API version or unhandled events are signs that it was created by hand.
 */
function secondEndpoint({
  id,
  url,
  api_version: version,
  enabled_events: events,
}: Stripe.WebhookEndpoint): string {
  const { unwanted } = eventDifference(events);
  return [
    `${id} at ${url} is also enabled`,
    ...(version === STRIPE_API_VERSION ? [] : [`uses ${version ?? "the account's default version"}`]),
    ...(unwanted.length === 0 ? [] : [`sends ${unwanted.join(', ')}`]),
  ].join(', ');
}

/** The endpoint at our address. If there are several, an enabled one with the right version is preferred. */
async function findOurEndpoint(site: Site): Promise<Stripe.WebhookEndpoint | undefined> {
  const url = await site.webhookUrl();
  const fitness = ({ api_version: version, status }: Stripe.WebhookEndpoint) =>
    2 * Number(status === 'enabled') + Number(version === STRIPE_API_VERSION);
  return (await site.webhookEndpoints())
    .filter((one) => one.url === url)
    .sort((a, b) => fitness(b) - fitness(a) || a.created - b.created)[0];
}

/** The endpoint exists, because `needs` requires it. @throws Error otherwise */
async function ourEndpoint(site: Site): Promise<Stripe.WebhookEndpoint> {
  const endpoint = await findOurEndpoint(site);
  if (endpoint === undefined) throw new Error('there is no endpoint');
  return endpoint;
}
