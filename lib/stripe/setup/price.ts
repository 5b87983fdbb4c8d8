import Stripe from 'stripe';
import { PRO_MONTH_CENTS } from '../../domain/pricing.ts';
import { SetupError } from '../../settings/setup-error.ts';
import { createOnce, type Ensured } from './create-once.ts';

/*
 * The product and the price of Pro. Each is looked for first and changed only where it differs, so the setup can run any
 * number of times, also concurrently.
 */

export const PRO_LOOKUP_KEY = 'rsolv_pro_monthly';
/** Chosen by us: Stripe refuses a second product of this id, so there is never one. */
const PRO_PRODUCT_ID = 'rsolv_pro';
const PRO_PRODUCT_NAME = 'RSOLV Pro';
const CURRENCY = 'usd';
const INTERVAL = 'month';

export interface ProPrice {
  readonly product: Ensured;
  readonly price: Ensured;
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
 * what Pro costs; existing subscribers keep the old price.
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

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Stripe.errors.StripeError && error.code === code;
}
