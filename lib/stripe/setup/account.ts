import { createHash } from 'node:crypto';
import Stripe from 'stripe';
import { PRO_MONTH_CENTS } from '../../domain/pricing.ts';
import { reasonOf, SetupError } from '../../settings/setup-error.ts';
import { HANDLED_EVENT_TYPES } from '../event-types.ts';
import { openStripe, STRIPE_API_VERSION } from '../sdk.ts';

/*
 * What the service needs at Stripe: the Pro price and a webhook endpoint. Each is looked for first and changed only where
 * it differs, so all of this can be done any number of times, and by two at once.
 */

export const PRO_LOOKUP_KEY = 'rsolv_pro_monthly';
/** Chosen by us: Stripe refuses a second product of this id, so there is never one. */
const PRO_PRODUCT_ID = 'rsolv_pro';
const PRO_PRODUCT_NAME = 'RSOLV Pro';
const CURRENCY = 'usd';
const INTERVAL = 'month';

const MAX_RETRIES = 3;
/** Stripe allows 16 for each mode. */
const MAX_ENDPOINTS = 1_000;
const MAX_STALE_ANSWERS = 8;

/** What is there now, and what was done for it. */
export interface Ensured {
  readonly id: string;
  readonly outcome: 'created' | 'found' | 'updated';
  /** What somebody should know of it besides, a line each. */
  readonly notes: readonly string[];
}

export interface ProPrice {
  readonly product: Ensured;
  readonly price: Ensured;
}

export interface WebhookEndpoint extends Ensured {
  /** Stripe's API tells it once, to who creates the endpoint. */
  readonly secret: string | null;
}

/** The SDK for people who wait at a terminal: more tries than a function has time for. `apiBase`: a stand-in's origin. */
export const openSetupStripe = (secretKey: string, apiBase?: string): Stripe =>
  openStripe(
    { secretKey, apiBase: apiBase === undefined ? null : new URL(apiBase) },
    { maxNetworkRetries: MAX_RETRIES },
  );

/** Runs calls to Stripe; what can be expected to go wrong with them is a SetupError in one line. */
export async function explainFailures<T>(apiBase: string | undefined, calls: () => Promise<T>): Promise<T> {
  try {
    return await calls();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    const server = apiBase === undefined ? 'Stripe' : `${apiBase} (STRIPE_API_BASE)`;
    if (error instanceof Stripe.errors.StripeConnectionError) {
      throw new SetupError(
        `${server} does not answer: ${reasonOf(error.detail ?? error)}. Start it, or check the network.`,
      );
    }
    if (
      error instanceof Stripe.errors.StripeAuthenticationError ||
      error instanceof Stripe.errors.StripePermissionError
    ) {
      throw new SetupError(
        `${server} refuses STRIPE_SECRET_KEY: ${reasonOf(error)} Use a key of that account that may do this.`,
      );
    }
    throw new SetupError(`${server} refused a request: ${reasonOf(error)}`);
  }
}

/**
 * The price of Pro under its lookup key, if there is one.
 * @throws SetupError when it is not what Pro costs
 */
export async function findProPrice(stripe: Stripe): Promise<Stripe.Price | null> {
  const price = await priceUnderKey(stripe);
  if (price !== null) assertProPrice(price);
  return price;
}

/**
 * Makes sure of the product and its monthly price. With `replace`, a new price takes the lookup key from one that is not
 * what Pro costs; whoever subscribed under that one keeps it.
 * @throws SetupError when there is such a wrong price and it is not to be replaced
 */
export async function ensureProPrice(
  stripe: Stripe,
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<ProPrice> {
  const found = await priceUnderKey(stripe);
  if (found === null) {
    const product = await ensureProduct(stripe);
    return { product, price: await createPrice(stripe, product.id, null) };
  }
  if (!isProPrice(found) && !replace) assertProPrice(found);

  const productId = typeof found.product === 'string' ? found.product : found.product.id;
  const product = await activateProduct(stripe, productId);
  if (!isProPrice(found)) return { product, price: await createPrice(stripe, productId, found) };
  if (found.active) return { product, price: { id: found.id, outcome: 'found', notes: [] } };
  await stripe.prices.update(found.id, { active: true });
  return { product, price: { id: found.id, outcome: 'updated', notes: ['It was archived: active again.'] } };
}

async function priceUnderKey(stripe: Stripe): Promise<Stripe.Price | null> {
  const { data } = await stripe.prices.list({ lookup_keys: [PRO_LOOKUP_KEY], limit: 1 });
  return data[0] ?? null;
}

/** Whether it is what Pro costs; not whether it can be subscribed to. */
export function isProPrice({ unit_amount: amount, currency, recurring }: Stripe.Price): boolean {
  return (
    amount === PRO_MONTH_CENTS &&
    currency === CURRENCY &&
    recurring?.interval === INTERVAL &&
    recurring.interval_count === 1 &&
    recurring.usage_type === 'licensed'
  );
}

function assertProPrice(price: Stripe.Price): void {
  if (isProPrice(price)) return;
  throw new SetupError(
    `The price ${price.id} under the lookup key ${PRO_LOOKUP_KEY} is ${inWords(price)}; ` +
      `Pro is ${PRO_MONTH_CENTS} ${CURRENCY} a ${INTERVAL}. ` +
      'To move the key to a new price: npm run stripe:setup -- --replace-price',
  );
}

/** What it costs and how often. */
export function inWords({ unit_amount: amount, currency, recurring }: Stripe.Price): string {
  const each = `${amount ?? 'no fixed amount of'} ${currency}`;
  if (recurring === null) return `${each} once`;
  const { interval, interval_count: count, usage_type: usage } = recurring;
  const often = count === 1 ? `a ${interval}` : `every ${count} ${interval}s`;
  return `${each} ${often}${usage === 'metered' ? ', by metered use' : ''}`;
}

async function ensureProduct(stripe: Stripe): Promise<Ensured> {
  try {
    return await activateProduct(stripe, PRO_PRODUCT_ID);
  } catch (error) {
    if (!hasCode(error, 'resource_missing')) throw error;
  }
  try {
    await stripe.products.create({ id: PRO_PRODUCT_ID, name: PRO_PRODUCT_NAME });
    return { id: PRO_PRODUCT_ID, outcome: 'created', notes: [] };
  } catch (error) {
    // Somebody else made it since we looked.
    if (!hasCode(error, 'resource_already_exists')) throw error;
    return { id: PRO_PRODUCT_ID, outcome: 'found', notes: [] };
  }
}

/** The product that is there. Nobody can subscribe to a price of an archived one. */
async function activateProduct(stripe: Stripe, id: string): Promise<Ensured> {
  const { active } = await stripe.products.retrieve(id);
  if (active) return { id, outcome: 'found', notes: [] };
  await stripe.products.update(id, { active: true });
  return { id, outcome: 'updated', notes: ['It was archived: active again.'] };
}

async function createPrice(stripe: Stripe, product: string, wrong: Stripe.Price | null): Promise<Ensured> {
  const { id } = await createOnce(
    ['price', product, PRO_MONTH_CENTS, wrong?.id ?? 'first'],
    (idempotencyKey) =>
      stripe.prices.create(
        {
          product,
          unit_amount: PRO_MONTH_CENTS,
          currency: CURRENCY,
          recurring: { interval: INTERVAL },
          lookup_key: PRO_LOOKUP_KEY,
          transfer_lookup_key: wrong !== null,
        },
        { idempotencyKey },
      ),
    async (made) => (await stripe.prices.retrieve(made.id)).lookup_key === PRO_LOOKUP_KEY,
  );
  const notes =
    wrong === null
      ? []
      : [`The lookup key moved here from ${wrong.id} (${inWords(wrong)}), which its subscribers keep.`];
  return { id, outcome: 'created', notes };
}

/**
 * Makes sure of one endpoint at `url` that speaks our version and gets exactly the events we handle. The version of an
 * endpoint can never be changed: one of another version is disabled once a new one is there. `known` is the id of an
 * endpoint that is ours wherever it points now; it is moved to `url`.
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
      notes.push(`${id} is at this url too: each event comes twice. Delete one of them.`);
  }
  for (const { id, api_version: version, status } of ours) {
    if (version === STRIPE_API_VERSION || status !== 'enabled') continue;
    await stripe.webhookEndpoints.update(id, { disabled: true });
    if (outcome === 'found') outcome = 'updated';
    notes.push(
      `Disabled ${id}, which spoke ${version ?? "the account's default version"} at this url: the version of an endpoint cannot be changed.`,
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
    notes.push('It was disabled: enabled again.');
  }
  const { id } = endpoint;
  if (notes.length === 0) return { id, outcome: 'found', notes, secret: null };
  await stripe.webhookEndpoints.update(id, changes);
  return { id, outcome: 'updated', notes, secret: null };
}

/** Types that an endpoint should be sent and is not, and the other way round. */
export function eventDifference(enabled: readonly string[]): { missing: string[]; unwanted: string[] } {
  const wanted: ReadonlySet<string> = new Set(HANDLED_EVENT_TYPES);
  return {
    missing: [...wanted].filter((type) => !enabled.includes(type)),
    unwanted: enabled.filter((type) => !wanted.has(type)),
  };
}

/**
 * Creates a thing under an idempotency key made of what it is, so that two who find it missing at the same time make one.
 * Stripe keeps the answer to a key for a day, even if the thing is deleted or changed meanwhile; then a next key is tried,
 * again the same one for everybody.
 */
async function createOnce<T extends { readonly id: string }>(
  what: readonly (string | number)[],
  create: (idempotencyKey: string) => Promise<T>,
  isThere: (made: T) => Promise<boolean>,
): Promise<T> {
  let after = '';
  for (let tries = 0; tries < MAX_STALE_ANSWERS; tries += 1) {
    const made = await create(['rsolv-setup', ...what, after].join('/'));
    if (await isThere(made)) return made;
    after = made.id;
  }
  throw new SetupError(
    `What Stripe answers to be created (${after}) is not there, ${MAX_STALE_ANSWERS} times over. Try again tomorrow.`,
  );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Stripe.errors.StripeError && error.code === code;
}
