import Stripe from 'stripe';
import { PLANS, SOLD_PLANS, type SoldPlan } from '../../domain/plans.ts';
import { SetupError } from '../../settings/setup-error.ts';
import { PAGE } from '../paging.ts';
import { lookupKeyOf } from '../prices.ts';
import { createOnce, type Ensured } from './create-once.ts';

/*
 * The product and the price of each plan that is sold. Each is looked for first and changed only where it differs, so the setup can
 * run any number of times, also concurrently. Every price says in its metadata which plan it is for and how many credits it brings.
 */

export const PRO_LOOKUP_KEY = lookupKeyOf('pro');
/** Chosen by us: Stripe refuses a second product of this id, so there is never one. */
const productIdOf = (plan: SoldPlan): string => `rsolv_${plan}`;
const productNameOf = (plan: SoldPlan): string => `RSOLV ${PLANS[plan].name}`;
const CURRENCY = 'usd';
const INTERVAL = 'month';

export interface PlanPrice {
  readonly product: Ensured;
  readonly price: Ensured;
}

export interface ProPrice extends PlanPrice {
  /** Of the other plans that are sold. */
  readonly others: readonly (PlanPrice & { readonly plan: SoldPlan })[];
}

/**
 * The price of Pro under its lookup key, if there is one.
 * @throws SetupError when it is not what Pro costs
 */
export async function findProPrice(stripe: Stripe): Promise<Stripe.Price | null> {
  const price = await priceUnderKey(stripe, 'pro');
  if (price !== null) assertPlanPrice(price, 'pro');
  return price;
}

/**
 * Makes sure of the product and the monthly price of Pro, and of every other plan that is sold. With `replace`, a new price takes
 * the lookup key from one that is not what the plan costs; existing subscribers keep the old price, and its credits.
 * @throws SetupError when there is such a wrong price and it is not to be replaced
 */
export async function ensureProPrice(
  stripe: Stripe,
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<ProPrice> {
  const pro = await ensurePlanPrice(stripe, 'pro', replace);
  const others: (PlanPrice & { readonly plan: SoldPlan })[] = [];
  for (const plan of SOLD_PLANS.filter((one) => one !== 'pro')) {
    others.push({ plan, ...(await ensurePlanPrice(stripe, plan, replace)) });
  }
  return { ...pro, others };
}

async function ensurePlanPrice(stripe: Stripe, plan: SoldPlan, replace: boolean): Promise<PlanPrice> {
  const found = await priceUnderKey(stripe, plan);
  if (found === null) {
    const product = await ensureProduct(stripe, plan);
    return { product, price: await createPrice(stripe, plan, product.id, null) };
  }
  const isRight = isPlanPrice(found, plan);
  if (!isRight && !replace) assertPlanPrice(found, plan);
  const productId = typeof found.product === 'string' ? found.product : found.product.id;
  const product = await activateProduct(stripe, productId);
  const labelled = await labelPrices(stripe, plan, productId);
  if (!isRight) {
    const price = await createPrice(stripe, plan, productId, found);
    return { product, price: { ...price, notes: [...price.notes, ...labelled] } };
  }
  const notes = [...labelled];
  if (!found.active) {
    await stripe.prices.update(found.id, { active: true });
    notes.push('It was archived: active again.');
  }
  return { product, price: { id: found.id, outcome: notes.length === 0 ? 'found' : 'updated', notes } };
}

const labelOf = (plan: SoldPlan) => ({ plan, credits: String(PLANS[plan].sold.credits) });

/** Monthly prices of a release that wrote no metadata get it now: their subscribers' payments bring credits by it. */
async function labelPrices(stripe: Stripe, plan: SoldPlan, product: string): Promise<string[]> {
  const notes: string[] = [];
  for await (const price of stripe.prices.list({ product, limit: PAGE })) {
    if (price.metadata['plan'] !== undefined) continue;
    if (!isMonthly(price)) {
      notes.push(
        `${price.id} (${inWords(price)}) has no plan and credits in its metadata: its payments bring none.`,
      );
      continue;
    }
    const metadata = labelOf(plan);
    await stripe.prices.update(price.id, { metadata });
    notes.push(`${price.id} says now that it is for ${plan} and brings ${metadata.credits} credits.`);
  }
  return notes;
}

async function priceUnderKey(stripe: Stripe, plan: SoldPlan): Promise<Stripe.Price | null> {
  const { data } = await stripe.prices.list({ lookup_keys: [lookupKeyOf(plan)], limit: 1 });
  return data[0] ?? null;
}

const isMonthly = ({ currency, recurring }: Stripe.Price): boolean =>
  currency === CURRENCY &&
  recurring?.interval === INTERVAL &&
  recurring.interval_count === 1 &&
  recurring.usage_type === 'licensed';

/** Whether it is what a plan costs and brings; not whether it can be subscribed to. */
export function isPlanPrice(price: Stripe.Price, plan: SoldPlan): boolean {
  const { monthCents, credits } = PLANS[plan].sold;
  const { plan: labelled = plan, credits: brings = String(credits) } = price.metadata;
  return (
    price.unit_amount === monthCents && isMonthly(price) && labelled === plan && brings === String(credits)
  );
}

function assertPlanPrice(price: Stripe.Price, plan: SoldPlan): void {
  if (isPlanPrice(price, plan)) return;
  const { monthCents, credits } = PLANS[plan].sold;
  throw new SetupError(
    `The price ${price.id} under the lookup key ${lookupKeyOf(plan)} is ${inWords(price)}; ` +
      `${PLANS[plan].name} is ${monthCents} ${CURRENCY} a ${INTERVAL} for ${credits} credits. ` +
      'To move the key to a new price: npm run stripe:setup -- --replace-price',
  );
}

/** What it costs and how often. */
export function inWords({ unit_amount: amount, currency, recurring, metadata }: Stripe.Price): string {
  const each = `${amount ?? 'no fixed amount of'} ${currency}`;
  if (recurring === null) return `${each} once`;
  const { interval, interval_count: count, usage_type: usage } = recurring;
  const often = count === 1 ? `a ${interval}` : `every ${count} ${interval}s`;
  const brings = metadata['credits'] === undefined ? '' : ` for ${metadata['credits']} credits`;
  return `${each} ${often}${usage === 'metered' ? ', by metered use' : ''}${brings}`;
}

async function ensureProduct(stripe: Stripe, plan: SoldPlan): Promise<Ensured> {
  const id = productIdOf(plan);
  try {
    return await activateProduct(stripe, id);
  } catch (error) {
    if (!hasCode(error, 'resource_missing')) throw error;
  }
  try {
    await stripe.products.create({ id, name: productNameOf(plan) });
    return { id, outcome: 'created', notes: [] };
  } catch (error) {
    // Somebody else made it since we looked.
    if (!hasCode(error, 'resource_already_exists')) throw error;
    return { id, outcome: 'found', notes: [] };
  }
}

/** The product that is there. Nobody can subscribe to a price of an archived one. */
async function activateProduct(stripe: Stripe, id: string): Promise<Ensured> {
  const { active } = await stripe.products.retrieve(id);
  if (active) return { id, outcome: 'found', notes: [] };
  await stripe.products.update(id, { active: true });
  return { id, outcome: 'updated', notes: ['It was archived: active again.'] };
}

async function createPrice(
  stripe: Stripe,
  plan: SoldPlan,
  product: string,
  wrong: Stripe.Price | null,
): Promise<Ensured> {
  const { monthCents, credits } = PLANS[plan].sold;
  const key = lookupKeyOf(plan);
  const { id } = await createOnce(
    ['price', product, monthCents, credits, wrong?.id ?? 'first'],
    (idempotencyKey) =>
      stripe.prices.create(
        {
          product,
          unit_amount: monthCents,
          currency: CURRENCY,
          recurring: { interval: INTERVAL },
          lookup_key: key,
          transfer_lookup_key: wrong !== null,
          metadata: labelOf(plan),
        },
        { idempotencyKey },
      ),
    async (made) => (await stripe.prices.retrieve(made.id)).lookup_key === key,
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
