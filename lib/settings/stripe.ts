import * as z from 'zod/mini';
import { faultsOf } from './environment.ts';

const LIVE_STAGE = 'production';

const Environment = z.object({
  STAGE: z.string().check(z.minLength(1)),
  STRIPE_SECRET_KEY: z.string().check(z.regex(/^(sk|rk)_(test|live)_\w+$/, 'must be a secret key of Stripe')),
  STRIPE_PRO_PRICE_ID: z.string().check(z.regex(/^price_\w+$/, 'must be the id of a price')),
  /** A local server that speaks Stripe's API. */
  STRIPE_API_BASE: z.optional(z.url({ protocol: /^https?$/ })),
  /** Whether Stripe mails its own receipts for charges. */
  STRIPE_RECEIPT_EMAILS: z._default(z.enum(['on', 'off'], 'must be on or off'), 'off'),
});

export interface StripeConfig {
  readonly secretKey: string;
  readonly proPriceId: string;
  readonly apiBase: URL | null;
  /** Whether Stripe mails its own receipts for charges; not if absent. */
  readonly mailsReceipts?: boolean;
}

/** Only one stage takes real money. */
export const isLiveStage = (stage: string): boolean => stage === LIVE_STAGE;

/**
 * The settings to reach Stripe, parsed on first use.
 * @throws Error naming each variable that is missing or wrong, never its value; also for a live key outside
 *   production, or a test key in production.
 */
export function parseStripeConfig(env: NodeJS.ProcessEnv): StripeConfig {
  const parsed = Environment.safeParse(env);
  if (!parsed.success) throw new Error(`The settings for Stripe are not usable. ${faultsOf(parsed.error)}`);
  const { STAGE, STRIPE_SECRET_KEY, STRIPE_PRO_PRICE_ID, STRIPE_API_BASE, STRIPE_RECEIPT_EMAILS } =
    parsed.data;
  if (STRIPE_SECRET_KEY.includes('_live_') !== isLiveStage(STAGE)) {
    throw new Error(
      `STRIPE_SECRET_KEY: a live key belongs to the stage ${LIVE_STAGE}, a test key to all others.`,
    );
  }
  return {
    secretKey: STRIPE_SECRET_KEY,
    proPriceId: STRIPE_PRO_PRICE_ID,
    apiBase: STRIPE_API_BASE === undefined ? null : new URL(STRIPE_API_BASE),
    mailsReceipts: STRIPE_RECEIPT_EMAILS === 'on',
  };
}

const WEBHOOK_SECRETS = /^whsec_[^\s,]+(,whsec_[^\s,]+)?$/;

/**
 * The accepted signing secrets: one, or two while a secret is being rolled.
 * @throws Error if they are missing or malformed, without their value.
 */
export function parseWebhookSecrets(value: string | undefined): readonly string[] {
  if (value !== undefined && WEBHOOK_SECRETS.test(value)) return value.split(',');
  throw new Error(
    'STRIPE_WEBHOOK_SECRETS: must be one or two signing secrets (whsec_…), with a comma between',
  );
}
