import * as z from 'zod/mini';

/** The service's settings for its Stripe account. */
export interface StripeSettings {
  readonly secretKey: string;
  /** One, or two while a secret is being rolled. */
  readonly webhookSecrets: readonly string[];
  /** A server other than Stripe's own, such as the stand-in. */
  readonly apiBase?: string | undefined;
  readonly proPriceId: string;
}

/** The route that receives Stripe's webhooks. */
export const WEBHOOK_PATH = '/api/webhooks/stripe';

/** The environment variables that the functions read. */
export function stripeEnvironment(settings: StripeSettings): NodeJS.ProcessEnv {
  return {
    STRIPE_SECRET_KEY: settings.secretKey,
    STRIPE_WEBHOOK_SECRETS: settings.webhookSecrets.join(','),
    STRIPE_API_BASE: settings.apiBase,
    STRIPE_PRO_PRICE_ID: settings.proPriceId,
    STRIPE_SUPPRESS_NOTICES: 'true', // the SDK's own advertisements, on stderr
  };
}

export const SecretKey = z.string().check(z.regex(/^(?:sk|rk)_(?:test|live)_\w+$/));

/** Scheme, host and port only: Stripe's SDK accepts no path. */
export const ApiBase = z.pipe(
  z.url({ protocol: /^https?$/ }).check(z.refine((text) => /^\/?$/.test(pathOf(text)))),
  z.transform((text) => new URL(text).origin),
);

/** Whether the key moves real money. */
export const isLiveKey = (secretKey: string): boolean => /^[a-z]+_live_/.test(secretKey);

export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function pathOf(url: string): string {
  if (!URL.canParse(url)) return '';
  const { pathname, search, hash } = new URL(url);
  return pathname + search + hash;
}
