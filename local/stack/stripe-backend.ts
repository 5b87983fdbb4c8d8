import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type Stripe from 'stripe';
import type { StripeChoice } from '../../cli/stage/local-settings.ts';
import { DEFAULT_PORTS } from '../../cli/stage/local-settings.ts';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { isLoopback, type StripeSettings, WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { explainFailures, openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { ensurePortalConfiguration } from '../../lib/stripe/setup/portal.ts';
import { ensureProPrice, findProPrice } from '../../lib/stripe/setup/price.ts';
import { ensureWebhookEndpoint, listWebhookEndpoints } from '../../lib/stripe/setup/webhook-endpoint.ts';
import { JournalError } from '../stripe-double/journal/error.ts';
import { type StripeDouble, type StripeDoubleOptions, startStripeDouble } from '../stripe-double/server.ts';
import { clockOfStandIn } from './double-clock.ts';
import type { AheadMs } from './moved-clock.ts';
import { openStripeSecrets, type StoredEndpoint, type StripeSecrets } from './stripe-secrets.ts';

const JOURNAL_FILE = 'stripe.jsonl';
/** Retries for over a minute, so that events a killed stack missed reach the API of the next stack. */
const DELIVERY = { deliveryAttempts: 8, deliveryBackoffMs: 500 } as const;

/** The Stripe account or double of a local stack, ready to use. */
export interface StripeBackend {
  readonly settings: StripeSettings;
  /** The address of the stack's own double. Null if it has none. */
  readonly doubleUrl: string | null;
  /** How far Stripe's clock is ahead of real time. Null if that clock cannot be moved. */
  readonly aheadMs: AheadMs | null;
  /** For people, in one line. */
  readonly describe: string;
  stop(): Promise<void>;
}

export interface StripeBackendOptions {
  readonly apiPort: number;
  /** An existing folder. */
  readonly dataDir: string | undefined;
}

type Choice<K extends StripeChoice['kind']> = Extract<StripeChoice, { readonly kind: K }>;

/**
 * Starts a Stripe double and sets it up, or uses the account from the settings. On a user's own local double,
 * missing settings are created. At Stripe itself they are only looked up.
 * @throws SetupError in one line
 */
export async function startStripe(
  choice: StripeChoice,
  options: StripeBackendOptions,
): Promise<StripeBackend> {
  // Not `localhost`: the API listens on this address only.
  const webhookUrl = `http://127.0.0.1:${options.apiPort}${WEBHOOK_PATH}`;
  const secrets = openStripeSecrets(options.dataDir);
  switch (choice.kind) {
    case 'double':
      return startDouble(choice, webhookUrl, secrets, options);
    case 'account':
      return useAccount(choice, webhookUrl, secrets);
    default:
      return choice satisfies never;
  }
}

async function startDouble(
  { port: chosenPort }: Choice<'double'>,
  webhookUrl: string,
  secrets: StripeSecrets,
  { apiPort, dataDir }: StripeBackendOptions,
): Promise<StripeBackend> {
  const secretKey = secrets.read().secretKey ?? `sk_test_${randomBytes(12).toString('hex')}`;
  // Stored before the double starts, because the double's stored state belongs to this key.
  secrets.write({ secretKey });
  const double = await listen(chosenPort === undefined ? defaultPorts(apiPort) : [chosenPort], {
    apiKey: secretKey,
    ...DELIVERY,
    ...(dataDir !== undefined && { journalFile: join(dataDir, JOURNAL_FILE) }),
  });
  const { url } = double;
  try {
    return await explainFailures(url, async () => {
      const stripe = openSetupStripe(secretKey, url);
      const { price } = await ensureProPrice(stripe, { replaceUnfit: true });
      await ensurePortalConfiguration(stripe);
      const endpoint = await ensureEndpointWithSecret(stripe, webhookUrl, secrets);
      await deleteOtherEndpoints(stripe, endpoint.id);
      return {
        settings: { secretKey, apiBase: url, proPriceId: price.id, webhookSecrets: [endpoint.secret] },
        doubleUrl: url,
        aheadMs: () => double.double.clock.nowMs - Date.now(),
        describe: `Stripe double   ${url}   (cards, charges, deliveries; no real money)`,
        stop: () => double.stop(),
      };
    });
  } catch (error) {
    await double.stop();
    throw error;
  }
}

type Ports = readonly [number, ...number[]];

/** The default port, then any free port. Only any free port if the API uses the default port. */
function defaultPorts(apiPort: number): Ports {
  const port = DEFAULT_PORTS.STRIPE_PORT;
  return port === apiPort ? [0] : [port, 0];
}

/** Starts the double on the first free port of the list. */
async function listen(
  [port, next, ...rest]: Ports,
  options: Omit<StripeDoubleOptions, 'port'>,
): Promise<StripeDouble> {
  try {
    return await startStripeDouble({ ...options, port });
  } catch (error) {
    if (error instanceof JournalError) throw new SetupError(error.message);
    const isInUse = errorCode(error) === 'EADDRINUSE';
    if (isInUse && next !== undefined) return listen([next, ...rest], options);
    const advice = isInUse ? ` Choose another port: STRIPE_PORT=${port + 1} npm start` : '';
    throw new SetupError(`The Stripe double did not start: ${reasonOf(error)}.${advice}`);
  }
}

/** Deletes orphaned endpoints of stacks that used the same data on other ports. */
async function deleteOtherEndpoints(stripe: Stripe, ours: string): Promise<void> {
  for (const { id, url } of await listWebhookEndpoints(stripe)) {
    const isOurKind = isLoopback(url) && new URL(url).pathname === WEBHOOK_PATH;
    if (id !== ours && isOurKind) await stripe.webhookEndpoints.del(id);
  }
}

async function useAccount(
  { secretKey, apiBase, ...configured }: Choice<'account'>,
  webhookUrl: string,
  secrets: StripeSecrets,
): Promise<StripeBackend> {
  const stripe = openSetupStripe(secretKey, apiBase);
  const isLocal = apiBase !== undefined && isLoopback(apiBase);
  const isSetUp = configured.webhookSecrets !== undefined && configured.proPriceId !== undefined;
  if (isLocal && !isSetUp) await explainFailures(apiBase, () => ensurePortalConfiguration(stripe));
  const settings = await explainFailures(apiBase, async () => ({
    webhookSecrets:
      configured.webhookSecrets ??
      (isLocal
        ? [(await ensureEndpointWithSecret(stripe, webhookUrl, secrets)).secret]
        : failWithoutSecrets(webhookUrl)),
    proPriceId:
      configured.proPriceId ??
      (isLocal ? (await ensureProPrice(stripe)).price.id : await lookUpPrice(stripe)),
  }));
  const description =
    apiBase === undefined
      ? `Stripe itself, in test mode; its events: stripe listen --latest --forward-to ${webhookUrl}`
      : `your own server at ${apiBase} (STRIPE_API_BASE)`;
  return {
    settings: { secretKey, apiBase, ...settings },
    doubleUrl: null,
    aheadMs: isLocal ? await clockOfStandIn(apiBase) : null,
    describe: `Stripe          ${description}`,
    stop: async () => {},
  };
}

function failWithoutSecrets(webhookUrl: string): never {
  throw new SetupError(
    'STRIPE_WEBHOOK_SECRETS is missing. ' +
      `For this machine, this prints the secret: stripe listen --latest --forward-to ${webhookUrl}; ` +
      'for a public address: npm run stripe:setup -- --url https://…',
  );
}

async function lookUpPrice(stripe: Stripe): Promise<string> {
  const price = await findProPrice(stripe);
  if (price?.active) return price.id;
  throw new SetupError(
    'STRIPE_PRO_PRICE_ID is missing, and this Stripe account has no Pro price. Create it: npm run ' +
      'stripe:setup',
  );
}

/**
 * An endpoint with a known secret: the stored one, or a new one that replaces endpoints whose secret is lost.
 */
async function ensureEndpointWithSecret(
  stripe: Stripe,
  url: string,
  secrets: StripeSecrets,
): Promise<StoredEndpoint> {
  const stored = secrets.read().webhookEndpoint;
  for (;;) {
    const { id, secret: created } = await ensureWebhookEndpoint(stripe, url, { known: stored?.id });
    const secret = created ?? (id === stored?.id ? stored.secret : null);
    if (secret !== null) {
      const endpoint = { id, secret };
      secrets.write({ webhookEndpoint: endpoint });
      return endpoint;
    }
    await stripe.webhookEndpoints.del(id);
  }
}
