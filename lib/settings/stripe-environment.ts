import * as z from 'zod/mini';

/** What the service needs to know of its Stripe account. */
export interface StripeSettings {
  readonly secretKey: string;
  /** One, or two while a secret is being rolled. */
  readonly webhookSecrets: readonly string[];
  /** Another server than Stripe's own, like a double's. */
  readonly apiBase?: string | undefined;
  readonly proPriceId: string;
}

/** The route that Stripe's webhooks come to. */
export const WEBHOOK_PATH = '/api/webhooks/stripe';

/** The service's variables, by the names its functions read. */
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

/** Scheme, host and port: Stripe's SDK takes no path. */
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
