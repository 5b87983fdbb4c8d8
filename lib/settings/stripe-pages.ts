import * as z from 'zod/mini';
import { faultsOf } from './environment.ts';

const Environment = z.object({
  /** Empty if the stage has none. */
  STRIPE_PUBLISHABLE_KEY: z._default(
    z.string().check(z.regex(/^(pk_(test|live)_\w+)?$/, 'must be a publishable key of Stripe')),
    '',
  ),
  STRIPE_API_BASE: z.optional(z.url({ protocol: /^https?$/ })),
});

const STRIPE = 'https://*.stripe.com';

/** Stripe as the customer's browser reaches it. */
export interface StripePages {
  /** Null without a key: then Stripe's script cannot be used. */
  readonly publishableKey: string | null;
  readonly scriptUrl: string;
  /** Of a policy: what the page with Stripe's script loads, asks and frames. */
  readonly script: string;
  readonly connect: string;
  readonly frames: string;
  /** Of a policy: where a form may lead after a redirect. */
  readonly forms: string;
}

/** @throws Error naming each variable that is wrong, never its value */
export function parseStripePages(env: NodeJS.ProcessEnv): StripePages {
  const parsed = Environment.safeParse(env);
  if (!parsed.success)
    throw new Error(`The settings for Stripe's pages are not usable. ${faultsOf(parsed.error)}`);
  const { STRIPE_PUBLISHABLE_KEY: key, STRIPE_API_BASE: standIn } = parsed.data;
  const publishableKey = key === '' ? null : key;
  if (standIn !== undefined) {
    const { origin } = new URL(standIn);
    const scriptUrl = `${origin}/stripe.js`;
    return {
      publishableKey,
      scriptUrl,
      script: origin,
      connect: origin,
      frames: origin,
      forms: `${STRIPE} ${origin}`,
    };
  }
  return {
    publishableKey,
    scriptUrl: 'https://js.stripe.com/v3/',
    script: 'https://js.stripe.com',
    connect: 'https://api.stripe.com',
    frames: 'https://js.stripe.com https://hooks.stripe.com',
    forms: STRIPE,
  };
}
