/*
 * The plans: one row per plan says all that differs between them. A plan that is sold as a subscription has `sold`. To add a plan,
 * see docs/change-it.md.
 */

interface PlanTerms {
  /** As customers read it. */
  readonly name: string;
  /** At which rate a fix without credits is charged: the name of the plan whose price counts. */
  readonly rate: string;
  /** US cents for a fix when no credits are left. */
  readonly fixCents: number;
  /** Null for a plan that cannot be subscribed to. */
  readonly sold: SoldPrice | null;
}

/**
 * What new subscribers pay for a plan, and get. In the table below: the first price that the setup makes. After that Stripe's
 * price counts, and a price change needs no change here.
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
/** A plan that customers subscribe to. */
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

/** The rate a fix without credits is charged at; a trial customer with a card pays as they go. */
export const fixRate = (plan: SubscriptionType): FixRate => PLANS[plan].rate;

/** US cents for a fix without credits, by rate. */
export const FIX_PRICE_CENTS: Readonly<Record<FixRate, number>> = byRate((rate) => PLANS[rate].fixCents);

/** A price at Stripe whose payment brings credits. */
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

/** Before the first reading. */
export const NO_SOLD_PRICES: SoldPrices = new Map();

/** What customers are shown: the price at Stripe, and before the first reading the numbers of the table. */
export const soldPriceOf = (prices: SoldPrices, plan: SoldPlan): SoldPrice =>
  prices.get(plan) ?? PLANS[plan].sold;
