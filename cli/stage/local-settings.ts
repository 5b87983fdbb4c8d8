import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { ApiBase, isLiveKey, SecretKey } from '../../lib/settings/stripe-environment.ts';

/** Where things listen if no setting says otherwise. */
export const DEFAULT_PORTS = { PORT: 4_000, STRIPE_PORT: 8_420 } as const;

/** Powertools' own names. */
const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL', 'SILENT'] as const;

const Port = z.pipe(
  z.string().check(z.regex(/^\d{1,5}$/)),
  z.pipe(z.transform(Number), z.int().check(z.minimum(1), z.maximum(65_535))),
);

const Environment = z.object({
  PORT: z._default(Port, DEFAULT_PORTS.PORT),
  DATA_DIR: z.optional(z.string()),
  DYNAMODB_ENDPOINT: z.optional(z.url({ protocol: /^https?$/ })),
  LOG_LEVEL: z._default(z.pipe(z.pipe(z.string(), z.transform(upperCase)), z.enum(LOG_LEVELS)), 'WARN'),
  STRIPE_PORT: z.optional(Port),
  STRIPE_SECRET_KEY: z.optional(SecretKey),
  STRIPE_API_BASE: z.optional(ApiBase),
  STRIPE_WEBHOOK_SECRETS: z.optional(
    z.pipe(
      z.string().check(z.regex(/^whsec_[^\s,]+(?:,whsec_[^\s,]+)?$/)),
      z.transform((text) => text.split(',')),
    ),
  ),
  STRIPE_PRO_PRICE_ID: z.optional(z.string().check(z.regex(/^price_\w+$/))),
});

const A_PORT = 'a whole number from 1 to 65535';
const ALLOWED: Readonly<Record<string, string>> = {
  PORT: A_PORT,
  DYNAMODB_ENDPOINT: 'an http or https URL, like http://127.0.0.1:8000',
  LOG_LEVEL: `one of ${LOG_LEVELS.join(', ')}`,
  STRIPE_PORT: A_PORT,
  STRIPE_SECRET_KEY: "a secret key of Stripe's test mode, sk_test_… or rk_test_…",
  STRIPE_API_BASE: 'an http or https URL without a path, like http://127.0.0.1:8420',
  STRIPE_WEBHOOK_SECRETS: 'one or two secrets, whsec_…, with a comma between them',
  STRIPE_PRO_PRICE_ID: 'the id of a price, price_…',
};
/** A wrong one may still be somebody's secret: it is not repeated on the screen. */
const SECRETS: ReadonlySet<string> = new Set(['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRETS']);

/** Which Stripe the stack works with. */
export type StripeChoice =
  /** A double of its own, on this port or on any. */
  | { readonly kind: 'double'; readonly port: number | undefined }
  /** An account that is there already: at Stripe, or on the server at `apiBase`. */
  | {
      readonly kind: 'account';
      readonly secretKey: string;
      readonly apiBase: string | undefined;
      readonly webhookSecrets: readonly string[] | undefined;
      readonly proPriceId: string | undefined;
    };

export interface Settings {
  readonly port: number;
  /** Where the data outlives the stack; without it the ledger is in memory. */
  readonly dataDir: string | undefined;
  /** Another DynamoDB engine, already running. */
  readonly dynamodbEndpoint: string | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly stripe: StripeChoice;
}

/** @throws SetupError naming each variable that is wrong, its value, and what it may be. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  // `PORT= npm start` means no choice, the same as leaving it out.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const names = new Set(parsed.error.issues.map(({ path }) => String(path[0])));
    const faults = [...names].map((name) => {
      const is = SECRETS.has(name) ? 'is not usable' : `is "${given[name]}"`;
      return `${name} ${is}; it must be ${ALLOWED[name]}.`;
    });
    throw new SetupError(faults.join(' '));
  }
  const { PORT, DATA_DIR, DYNAMODB_ENDPOINT, LOG_LEVEL } = parsed.data;
  return {
    port: PORT,
    dataDir: DATA_DIR,
    dynamodbEndpoint: DYNAMODB_ENDPOINT,
    logLevel: LOG_LEVEL,
    stripe: stripeChoice(parsed.data),
  };
}

function stripeChoice(given: z.output<typeof Environment>): StripeChoice {
  const { PORT: port, STRIPE_PORT: stripePort, STRIPE_SECRET_KEY: secretKey } = given;
  if (secretKey === undefined) {
    const names = ['STRIPE_API_BASE', 'STRIPE_WEBHOOK_SECRETS', 'STRIPE_PRO_PRICE_ID'] as const;
    const name = names.find((one) => given[one] !== undefined);
    if (name !== undefined) {
      throw new SetupError(
        `${name} is set without STRIPE_SECRET_KEY. Set the key it goes with, or unset ${name}: the stack then starts a Stripe double of its own.`,
      );
    }
    if (stripePort === port) throw new SetupError(`PORT and STRIPE_PORT are both ${port}. Choose two ports.`);
    return { kind: 'double', port: stripePort };
  }
  if (isLiveKey(secretKey)) {
    throw new SetupError(
      'STRIPE_SECRET_KEY is a live key, which moves real money; the local stack takes a test key only: sk_test_…',
    );
  }
  return {
    kind: 'account',
    secretKey,
    apiBase: given.STRIPE_API_BASE,
    webhookSecrets: given.STRIPE_WEBHOOK_SECRETS,
    proPriceId: given.STRIPE_PRO_PRICE_ID,
  };
}

function upperCase(text: string): string {
  return text.toUpperCase();
}
