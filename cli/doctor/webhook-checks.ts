import type Stripe from 'stripe';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import { WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { eventDifference } from '../../lib/stripe/setup/webhook-endpoint.ts';
import { type Check, ok, wrong } from './check.ts';
import { setStripeUp } from './remedies.ts';
import type { Site } from './site.ts';

const NEEDS_ENDPOINT = ['webhook-endpoint'] as const;

/** With Stripe itself, a stack on one machine is sent its events by Stripe's command line. */
const withoutEndpoint = ({ local }: Site): string | null =>
  local !== null && local.stripe.apiBase === undefined ? 'events come by stripe listen' : null;

/** Whether Stripe tells us what happens, once, and in words that we read. */
export const WEBHOOK_CHECKS: readonly Check<Site>[] = [
  {
    id: 'webhook-endpoint',
    title: 'Webhook endpoint',
    needs: ['stripe-access', 'stack'],
    absent: withoutEndpoint,
    run: async (site) => {
      const url = await site.webhookUrl();
      const endpoint = await ours(site);
      return endpoint === undefined
        ? wrong(`Stripe has none at ${url}`, await setStripeUp(site, 'Then store the secret that it prints.'))
        : ok(`${endpoint.id} at ${url}`);
    },
  },
  {
    id: 'webhook-enabled',
    title: 'Webhook endpoint is on',
    needs: NEEDS_ENDPOINT,
    absent: withoutEndpoint,
    run: async (site) => {
      const { id, status } = await known(site);
      if (status === 'enabled') return ok(status);
      return wrong(
        `${id} is ${status}: nothing is sent`,
        await setStripeUp(site, 'It is turned on again by:'),
      );
    },
  },
  {
    id: 'webhook-version',
    title: 'Webhook API version',
    needs: NEEDS_ENDPOINT,
    absent: withoutEndpoint,
    run: async (site) => {
      const { id, api_version: version } = await known(site);
      if (version === STRIPE_API_VERSION) return ok(STRIPE_API_VERSION);
      const is = version ?? "the account's default";
      const advice =
        'It cannot be changed. This makes another endpoint and disables this one; store the secret that it prints beside the old one:';
      return wrong(`${id} speaks ${is}, we read ${STRIPE_API_VERSION}`, await setStripeUp(site, advice));
    },
  },
  {
    id: 'webhook-events',
    title: 'Webhook events',
    needs: NEEDS_ENDPOINT,
    absent: withoutEndpoint,
    run: async (site) => {
      const { missing, unwanted } = eventDifference((await known(site)).enabled_events);
      const faults = [
        ...(missing.length === 0 ? [] : [`missing: ${missing.join(', ')}`]),
        ...(unwanted.length === 0 ? [] : [`not wanted: ${unwanted.join(', ')}`]),
      ];
      if (faults.length === 0) return ok(`exactly our ${HANDLED_EVENT_TYPES.length}`);
      return wrong(faults.join('; '), await setStripeUp(site, 'They are put right by:'));
    },
  },
  {
    id: 'webhook-single',
    title: 'No second endpoint',
    needs: NEEDS_ENDPOINT,
    absent: withoutEndpoint,
    run: async (site) => {
      const { id: kept } = await known(site);
      const url = await site.webhookUrl();
      // Test stages may share an account; the live one has its own, so there another address is an old one.
      const isLive = isLiveStage(site.definition.stage);
      const others = (await site.webhookEndpoints()).filter(
        (one) =>
          one.id !== kept &&
          one.status === 'enabled' &&
          (isAtAddress(one.url, url) || (isLive && new URL(one.url).pathname === WEBHOOK_PATH)),
      );
      if (others.length === 0) return ok('only one');
      return wrong(others.map(secondEndpoint).join('; '), {
        advice:
          'Each event comes twice. Delete those in the dashboard under Developers, Webhooks, and take their secrets out of stripe-webhook-secrets.',
      });
    },
  },
];

/** The gateway takes no notice of a query or a fragment: such an address reaches us too. */
function isAtAddress(one: string, ours: string): boolean {
  const [a, b] = [new URL(one), new URL(ours)];
  return a.origin === b.origin && a.pathname === b.pathname;
}

/** A second endpoint, and the signs that it was set up by hand: another API version, or events that we do not subscribe to. */
function secondEndpoint({
  id,
  url,
  api_version: version,
  enabled_events: events,
}: Stripe.WebhookEndpoint): string {
  const { unwanted } = eventDifference(events);
  return [
    `${id} at ${url} is enabled too`,
    ...(version === STRIPE_API_VERSION ? [] : [`speaks ${version ?? "the account's default version"}`]),
    ...(unwanted.length === 0 ? [] : [`sends ${unwanted.join(', ')}`]),
  ].join(', ');
}

/** The one at our address; of several, the one that is most as it should be. */
async function ours(site: Site): Promise<Stripe.WebhookEndpoint | undefined> {
  const url = await site.webhookUrl();
  const fitness = ({ api_version: version, status }: Stripe.WebhookEndpoint) =>
    2 * Number(status === 'enabled') + Number(version === STRIPE_API_VERSION);
  return (await site.webhookEndpoints())
    .filter((one) => one.url === url)
    .sort((a, b) => fitness(b) - fitness(a) || a.created - b.created)[0];
}

/** @throws Error when there is none, which `needs` has seen to */
async function known(site: Site): Promise<Stripe.WebhookEndpoint> {
  const endpoint = await ours(site);
  if (endpoint === undefined) throw new Error('there is no endpoint');
  return endpoint;
}
