import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type Stripe from 'stripe';
import type { StripeChoice } from '../../cli/stage/local-settings.ts';
import { DEFAULT_PORTS } from '../../cli/stage/local-settings.ts';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { isLoopback, type StripeSettings, WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { explainFailures, openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { ensureProPrice, findProPrice } from '../../lib/stripe/setup/price.ts';
import { ensureWebhookEndpoint, listWebhookEndpoints } from '../../lib/stripe/setup/webhook-endpoint.ts';
import { JournalError } from '../stripe-double/journal/error.ts';
import { type StripeDouble, type StripeDoubleOptions, startStripeDouble } from '../stripe-double/server.ts';
import { clockOfStandIn } from './double-clock.ts';
import type { AheadMs } from './moved-clock.ts';
import { type KeptEndpoint, type StripeKeep, stripeKeep } from './stripe-keep.ts';

const JOURNAL_FILE = 'stripe.jsonl';
/** Over a minute: what a killed stack has not heard of yet waits for the API of the next one to be up. */
const DELIVERY = { deliveryAttempts: 8, deliveryBackoffMs: 500 } as const;

/** The Stripe that a local stack works with, ready to charge. */
export interface StripeBackend {
  readonly settings: StripeSettings;
  /** Of the double, when the stack runs one. */
  readonly doubleUrl: string | null;
  /** How far its clock is ahead of real time; null where nobody can move it. */
  readonly aheadMs: AheadMs | null;
  /** For people, in one line. */
  readonly describe: string;
  stop(): Promise<void>;
}

export interface StripeBackendOptions {
  readonly apiPort: number;
  /** Exists already. */
  readonly dataDir: string | undefined;
}

type Choice<K extends StripeChoice['kind']> = Extract<StripeChoice, { readonly kind: K }>;

/**
 * Starts a double of Stripe and sets it up; or takes the account that the settings name. On a double of somebody's own on
 * this machine what is not given is set up, at Stripe itself only looked up.
 * @throws SetupError in one line
 */
export async function startStripe(
  choice: StripeChoice,
  options: StripeBackendOptions,
): Promise<StripeBackend> {
  // Not `localhost`: the API listens on this address only.
  const webhookUrl = `http://127.0.0.1:${options.apiPort}${WEBHOOK_PATH}`;
  const keep = stripeKeep(options.dataDir);
  switch (choice.kind) {
    case 'double':
      return startDouble(choice, webhookUrl, keep, options);
    case 'account':
      return useAccount(choice, webhookUrl, keep);
    default:
      return choice satisfies never;
  }
}

async function startDouble(
  { port: chosenPort }: Choice<'double'>,
  webhookUrl: string,
  keep: StripeKeep,
  { apiPort, dataDir }: StripeBackendOptions,
): Promise<StripeBackend> {
  const secretKey = keep.read().secretKey ?? `sk_test_${randomBytes(12).toString('hex')}`;
  // Written down first: what the double keeps was made under this key.
  keep.write({ secretKey });
  const double = await listen(chosenPort === undefined ? usualPorts(apiPort) : [chosenPort], {
    apiKey: secretKey,
    ...DELIVERY,
    ...(dataDir !== undefined && { journalFile: join(dataDir, JOURNAL_FILE) }),
  });
  const { url } = double;
  try {
    return await explainFailures(url, async () => {
      const stripe = openSetupStripe(secretKey, url);
      const { price } = await ensureProPrice(stripe, { replace: true });
      const endpoint = await ensureKnownEndpoint(stripe, webhookUrl, keep);
      await deleteOtherEndpoints(stripe, endpoint.id);
      return {
        settings: { secretKey, apiBase: url, proPriceId: price.id, webhookSecrets: [endpoint.secret] },
        doubleUrl: url,
        aheadMs: () => double.double.clock.nowMs - Date.now(),
        describe: `Stripe double   ${url}   (cards, charges, deliveries; nothing here is real money)`,
        stop: () => double.stop(),
      };
    });
  } catch (error) {
    await double.stop();
    throw error;
  }
}

type Ports = readonly [number, ...number[]];

/** Any free port when the usual one is taken, or wanted for the API. */
function usualPorts(apiPort: number): Ports {
  const port = DEFAULT_PORTS.STRIPE_PORT;
  return port === apiPort ? [0] : [port, 0];
}

/** On the first of the ports that is free. */
async function listen(
  [port, next, ...rest]: Ports,
  options: Omit<StripeDoubleOptions, 'port'>,
): Promise<StripeDouble> {
  try {
    return await startStripeDouble({ ...options, port });
  } catch (error) {
    if (error instanceof JournalError) throw new SetupError(error.message);
    const taken = errorCode(error) === 'EADDRINUSE';
    if (taken && next !== undefined) return listen([next, ...rest], options);
    const advice = taken ? ` Choose another port: STRIPE_PORT=${port + 1} npm start` : '';
    throw new SetupError(`The Stripe double did not start: ${reasonOf(error)}.${advice}`);
  }
}

/** Endpoints of stacks that ran on other ports over the same data: nobody listens there any more. */
async function deleteOtherEndpoints(stripe: Stripe, ours: string): Promise<void> {
  for (const { id, url } of await listWebhookEndpoints(stripe)) {
    const isOurKind = isLoopback(url) && new URL(url).pathname === WEBHOOK_PATH;
    if (id !== ours && isOurKind) await stripe.webhookEndpoints.del(id);
  }
}

async function useAccount(
  { secretKey, apiBase, ...given }: Choice<'account'>,
  webhookUrl: string,
  keep: StripeKeep,
): Promise<StripeBackend> {
  const stripe = openSetupStripe(secretKey, apiBase);
  const local = apiBase !== undefined && isLoopback(apiBase);
  const settings = await explainFailures(apiBase, async () => ({
    webhookSecrets:
      given.webhookSecrets ??
      (local ? [(await ensureKnownEndpoint(stripe, webhookUrl, keep)).secret] : noSecrets(webhookUrl)),
    proPriceId:
      given.proPriceId ?? (local ? (await ensureProPrice(stripe)).price.id : await lookUpPrice(stripe)),
  }));
  const where =
    apiBase === undefined
      ? `Stripe itself, in test mode; its events: stripe listen --latest --forward-to ${webhookUrl}`
      : `your own server at ${apiBase} (STRIPE_API_BASE)`;
  return {
    settings: { secretKey, apiBase, ...settings },
    doubleUrl: null,
    aheadMs: local ? await clockOfStandIn(apiBase) : null,
    describe: `Stripe          ${where}`,
    stop: async () => {},
  };
}

function noSecrets(webhookUrl: string): never {
  throw new SetupError(
    `STRIPE_WEBHOOK_SECRETS is missing. On this machine: stripe listen --latest --forward-to ${webhookUrl} prints the secret to set; ` +
      'for an address that Stripe reaches: npm run stripe:setup -- --url https://…',
  );
}

async function lookUpPrice(stripe: Stripe): Promise<string> {
  const price = await findProPrice(stripe);
  if (price?.active) return price.id;
  throw new SetupError(
    'STRIPE_PRO_PRICE_ID is missing, and this Stripe account has no price for Pro. Make it: npm run stripe:setup',
  );
}

/** An endpoint whose secret we know: the one kept, or a new one in place of those whose secret is lost. */
async function ensureKnownEndpoint(stripe: Stripe, url: string, keep: StripeKeep): Promise<KeptEndpoint> {
  const kept = keep.read().webhookEndpoint;
  for (;;) {
    const { id, secret: told } = await ensureWebhookEndpoint(stripe, url, { known: kept?.id });
    const secret = told ?? (id === kept?.id ? kept.secret : null);
    if (secret !== null) {
      const endpoint = { id, secret };
      keep.write({ webhookEndpoint: endpoint });
      return endpoint;
    }
    await stripe.webhookEndpoints.del(id);
  }
}
