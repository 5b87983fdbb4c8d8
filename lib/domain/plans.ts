/*
 * The plans: one row per plan, with everything that differs between plans. A plan sold as a subscription has
 * `sold`. To add a plan, see docs/change-it.md.
 */

interface PlanTerms {
  /** The name that customers see. */
  readonly name: string;
  /** The rate of a fix without credits: the name of the plan whose price applies. */
  readonly rate: string;
  /** US cents for a fix when no credits are left. */
  readonly fixCents: number;
  /** Null for a plan that cannot be subscribed to. */
  readonly sold: SoldPrice | null;
}

/**
 * What new subscribers of a plan pay and get. The table below has the first price, which the setup creates.
 * After that the price at Stripe counts, and a price change needs no change here.
 */
export interface SoldPrice {
  /** US cents a month. */
  readonly monthCents: number;
  /** Credits for each paid month of one unit. */
  readonly credits: number;
}

const PER_FIX = { rate: 'pay_as_you_go', fixCents: 2_900, sold: null } as const;

export const PLANS = {
  trial: { name: 'Trial', ...PER_FIX },
  pay_as_you_go: { name: 'Pay as you go', ...PER_FIX },
  pro: { name: 'Pro', rate: 'pro', fixCents: 1_500, sold: { monthCents: 59_900, credits: 60 } },
} as const satisfies Readonly<Record<string, PlanTerms>>;

export type SubscriptionType = keyof typeof PLANS;
export type FixRate = (typeof PLANS)[SubscriptionType]['rate'];
/** A plan that customers can subscribe to. */
export type SoldPlan = {
  [P in SubscriptionType]: (typeof PLANS)[P]['sold'] extends null ? never : P;
}[SubscriptionType];

export const isPlan = (name: string): name is SubscriptionType => Object.hasOwn(PLANS, name);
export const isSold = (plan: SubscriptionType): plan is SoldPlan => PLANS[plan].sold !== null;

export const PLAN_NAMES: readonly SubscriptionType[] = Object.keys(PLANS).filter(isPlan);
export const SOLD_PLANS: readonly SoldPlan[] = PLAN_NAMES.filter(isSold);

/** One value for each rate. */
export const byRate = <T>(of: (rate: FixRate) => T): Readonly<Record<FixRate, T>> => ({
  pay_as_you_go: of('pay_as_you_go'),
  pro: of('pro'),
});

export const RATES: readonly FixRate[] = [...new Set(PLAN_NAMES.map((plan) => PLANS[plan].rate))];

/** The rate of a fix without credits. A trial customer with a card pays as they go. */
export const fixRate = (plan: SubscriptionType): FixRate => PLANS[plan].rate;

/** US cents for a fix without credits, by rate. */
export const FIX_PRICE_CENTS: Readonly<Record<FixRate, number>> = byRate((rate) => PLANS[rate].fixCents);

/** A price at Stripe whose payment grants credits. */
export interface KnownPrice {
  readonly id: string;
  readonly plan: SoldPlan;
  /** Credits for one paid period of one unit. */
  readonly credits: number;
  /** US cents for one period of one unit. */
  readonly unitCents: number;
}

/** The price that each plan is sold at now, as last read from Stripe. */
export type SoldPrices = ReadonlyMap<SoldPlan, SoldPrice>;

/** Before the first read from Stripe. */
export const NO_SOLD_PRICES: SoldPrices = new Map();

/** The price that customers see: Stripe's price, or the table's before the first read. */
export const soldPriceOf = (prices: SoldPrices, plan: SoldPlan): SoldPrice =>
  prices.get(plan) ?? PLANS[plan].sold;
