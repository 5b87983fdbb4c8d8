import Stripe from 'stripe';
import { PLANS, SOLD_PLANS, type SoldPlan, type SoldPrice } from '../../domain/plans.ts';
import { SetupError } from '../../settings/setup-error.ts';
import { PAGE } from '../paging.ts';
import { CURRENCY, INTERVAL, isMonthly, lookupKeyOf, priceUnderKey, soldPriceIn } from '../prices.ts';
import { createOnce, type Ensured } from './create-once.ts';

/*
 * The product and the price of each sold plan. Each is searched first and changed only if it differs. So the
 * setup is idempotent, also when run concurrently. Every price states its plan and its credits in its
 * metadata.
 */

/** We choose the id. Stripe rejects a second product of the same id, so there is only one. */
const productIdOf = (plan: SoldPlan): string => `rsolv_${plan}`;
const productNameOf = (plan: SoldPlan): string => `RSOLV ${PLANS[plan].name}`;

export interface PlanPrice {
  readonly product: Ensured;
  readonly price: Ensured;
  /** The price's amount and credits. */
  readonly sold: SoldPrice;
}

export interface ProPrice extends PlanPrice {
  /** The other sold plans. */
  readonly others: readonly (PlanPrice & { readonly plan: SoldPlan })[];
}

/** The price to find or create in place of the current one. */
export interface Replacement extends SoldPrice {
  readonly plan: SoldPlan;
}

export interface SetupOptions {
  /**
   * Moves the plan's lookup key to a price of this amount and these credits. Subscribers keep their price.
   */
  readonly replacement?: Replacement | null;
  /** Also replaces a price that does not fit the plan, by the plan's first price. */
  readonly replaceUnfit?: boolean;
}

/**
 * The price of Pro under its lookup key, if there is one.
 * @throws SetupError if Pro cannot be sold at this price
 */
export async function findProPrice(stripe: Stripe): Promise<Stripe.Price | null> {
  const price = await priceUnderKey(stripe, 'pro');
  if (price !== null) assertCanBeSold(price, 'pro');
  return price;
}

/**
 * Ensures the product and the monthly price of Pro and of every other sold plan. A price of any amount stays.
 * @throws SetupError if a plan cannot be sold at its price, and no option replaces the price
 */
export async function ensureProPrice(stripe: Stripe, options: SetupOptions = {}): Promise<ProPrice> {
  const pro = await ensurePlanPrice(stripe, 'pro', options);
  const others: (PlanPrice & { readonly plan: SoldPlan })[] = [];
  for (const plan of SOLD_PLANS.filter((one) => one !== 'pro')) {
    others.push({ plan, ...(await ensurePlanPrice(stripe, plan, options)) });
  }
  return { ...pro, others };
}

async function ensurePlanPrice(stripe: Stripe, plan: SoldPlan, options: SetupOptions): Promise<PlanPrice> {
  const { replacement = null, replaceUnfit = false } = options;
  const wanted = replacement?.plan === plan ? replacement : null;
  const sold = wanted ?? PLANS[plan].sold;
  const found = await priceUnderKey(stripe, plan);
  if (found === null) {
    const product = await ensureProduct(stripe, plan);
    return { product, price: await createPrice(stripe, plan, sold, product.id, null), sold };
  }
  const isRight = wanted === null ? canBeSold(found, plan) : isSoldAt(found, plan, wanted);
  if (!isRight && wanted === null && !replaceUnfit) assertCanBeSold(found, plan);
  const productId = typeof found.product === 'string' ? found.product : found.product.id;
  const product = await activateProduct(stripe, productId);
  const labelled = await labelPrices(stripe, plan, productId);
  if (!isRight) {
    const price = await replacePrice(stripe, plan, sold, productId, found);
    return { product, price: { ...price, notes: [...price.notes, ...labelled] }, sold };
  }
  const notes = [...labelled];
  if (!found.active) {
    await stripe.prices.update(found.id, { active: true });
    notes.push('It was archived and is active again.');
  }
  const price = { id: found.id, outcome: notes.length === 0 ? 'found' : 'updated', notes } as const;
  return { product, price, sold: termsOf(found, plan) ?? sold };
}

/** Moves the lookup key to an earlier price of the same amount and credits, or to a new price. */
async function replacePrice(
  stripe: Stripe,
  plan: SoldPlan,
  sold: SoldPrice,
  product: string,
  replaced: Stripe.Price,
): Promise<Ensured> {
  for await (const price of stripe.prices.list({ product, limit: PAGE })) {
    if (!isSoldAt(price, plan, sold)) continue;
    const key = { lookup_key: lookupKeyOf(plan), transfer_lookup_key: true };
    await stripe.prices.update(price.id, { ...key, active: true });
    return { id: price.id, outcome: 'updated', notes: [movedFrom(replaced)] };
  }
  return createPrice(stripe, plan, sold, product, replaced);
}

const movedFrom = (replaced: Stripe.Price): string =>
  `The lookup key was moved from ${replaced.id} (${describePrice(replaced)}). Its subscribers keep that ` +
  'price.';

const labelOf = (plan: SoldPlan, credits: number) => ({ plan, credits: String(credits) });

/** Adds metadata to monthly prices of an older release, so that their subscribers' payments bring credits. */
async function labelPrices(stripe: Stripe, plan: SoldPlan, product: string): Promise<string[]> {
  const notes: string[] = [];
  for await (const price of stripe.prices.list({ product, limit: PAGE })) {
    if (price.metadata['plan'] !== undefined) continue;
    if (!isMonthly(price)) {
      notes.push(
        `${price.id} (${describePrice(price)}) has no plan and credits in its metadata: its payments ` +
          'grant nothing.',
      );
      continue;
    }
    const metadata = labelOf(plan, PLANS[plan].sold.credits);
    await stripe.prices.update(price.id, { metadata });
    notes.push(`The metadata of ${price.id} now has plan ${plan} and ${metadata.credits} credits.`);
  }
  return notes;
}

/** Amount and credits of a price as the plan's sold price; null if the plan cannot be sold at it. */
function termsOf(price: Stripe.Price, plan: SoldPlan): SoldPrice | null {
  const known = soldPriceIn(price, plan);
  return known === null ? null : { monthCents: known.unitCents, credits: known.credits };
}

/**
 * Whether a plan can be sold at a price: monthly, in US dollars, one amount per unit, metadata with plan and
 * credits. Only the plan's first price may lack metadata. The price may be archived.
 */
export function canBeSold(price: Stripe.Price, plan: SoldPlan): boolean {
  const terms = termsOf(price, plan);
  if (terms === null) return false;
  const isLabelled = price.metadata['plan'] !== undefined && price.metadata['credits'] !== undefined;
  return isLabelled || terms.monthCents === PLANS[plan].sold.monthCents;
}

function isSoldAt(price: Stripe.Price, plan: SoldPlan, { monthCents, credits }: SoldPrice): boolean {
  const terms = termsOf(price, plan);
  return canBeSold(price, plan) && terms?.monthCents === monthCents && terms.credits === credits;
}

function assertCanBeSold(price: Stripe.Price, plan: SoldPlan): void {
  if (canBeSold(price, plan)) return;
  const { monthCents, credits } = PLANS[plan].sold;
  throw new SetupError(
    `The price ${price.id} under the lookup key ${lookupKeyOf(plan)} is ${describePrice(price)}: ` +
      `${whatIsWrong(price, plan)} ` +
      `To move the key to a price of ${monthCents} ${CURRENCY} a ${INTERVAL} for ${credits} credits: ` +
      `npm run stripe:setup -- --replace-price${plan === 'pro' ? '' : ` --plan ${plan}`}`,
  );
}

/** A sentence that explains why a plan cannot be sold at a price. */
export function whatIsWrong(price: Stripe.Price, plan: SoldPlan): string {
  const { name } = PLANS[plan];
  if (!isMonthly(price) || price.unit_amount === null) {
    return `${name} is sold by the month, in ${CURRENCY}, at one amount for each unit.`;
  }
  return `its metadata must have the plan "${plan}" and the number of credits.`;
}

/** The price's amount, interval and credits, in words. */
export function describePrice({ unit_amount: amount, currency, recurring, metadata }: Stripe.Price): string {
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
    // Created concurrently by another run.
    if (!hasCode(error, 'resource_already_exists')) throw error;
    return { id, outcome: 'found', notes: [] };
  }
}

/** Reactivates an archived product: its prices cannot be subscribed to. */
async function activateProduct(stripe: Stripe, id: string): Promise<Ensured> {
  const { active } = await stripe.products.retrieve(id);
  if (active) return { id, outcome: 'found', notes: [] };
  await stripe.products.update(id, { active: true });
  return { id, outcome: 'updated', notes: ['It was archived and is active again.'] };
}

async function createPrice(
  stripe: Stripe,
  plan: SoldPlan,
  { monthCents, credits }: SoldPrice,
  product: string,
  replaced: Stripe.Price | null,
): Promise<Ensured> {
  const key = lookupKeyOf(plan);
  const { id } = await createOnce(
    ['price', product, monthCents, credits, replaced?.id ?? 'first'],
    (idempotencyKey) =>
      stripe.prices.create(
        {
          product,
          unit_amount: monthCents,
          currency: CURRENCY,
          recurring: { interval: INTERVAL },
          lookup_key: key,
          transfer_lookup_key: replaced !== null,
          metadata: labelOf(plan, credits),
        },
        { idempotencyKey },
      ),
    async (made) => (await stripe.prices.retrieve(made.id)).lookup_key === key,
  );
  return { id, outcome: 'created', notes: replaced === null ? [] : [movedFrom(replaced)] };
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Stripe.errors.StripeError && error.code === code;
}
