import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { ApiBase, isLiveKey, SecretKey } from '../../lib/settings/stripe-environment.ts';

/** Default ports. */
export const DEFAULT_PORTS = {
  PORT: 4_000,
  STRIPE_PORT: 8_420,
  MAILBOX_PORT: 8_425,
  DEBUG_PORT: 9_229,
} as const;
export type PortSetting = keyof typeof DEFAULT_PORTS;

/** The levels of lib/runtime/output.ts. */
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
  MAILBOX_PORT: z.optional(Port),
  DEBUG_PORT: z.optional(Port),
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

/** The description of a setting, for people. */
export interface SettingText {
  /** The allowed values, for the error message. Null if any text is allowed. */
  readonly allowed: string | null;
  /** In `npm start -- --help`. */
  readonly example: string;
  readonly unset: string;
  readonly meaning: string;
}

const A_PORT = 'a whole number from 1 to 65535';

/** Every variable that the local stack reads. `npm start -- --help` prints this table, in this order. */
export const SETTINGS: Readonly<Record<keyof z.output<typeof Environment>, SettingText>> = {
  PORT: {
    allowed: A_PORT,
    example: '4001',
    unset: '4000',
    meaning: 'the port of the API',
  },
  DATA_DIR: {
    allowed: null,
    example: '.data',
    unset: 'in memory',
    meaning: 'a folder that keeps the ledger, the demo customer, Stripe and the mail across restarts',
  },
  LOG_LEVEL: {
    allowed: `one of ${LOG_LEVELS.join(', ')}`,
    example: 'INFO',
    unset: 'WARN',
    meaning: 'log level of the functions; INFO logs one line per request',
  },
  STRIPE_PORT: {
    allowed: A_PORT,
    example: '8421',
    unset: '8420, or any free port',
    meaning: 'the port of the Stripe double',
  },
  MAILBOX_PORT: {
    allowed: A_PORT,
    example: '8426',
    unset: '8425, or any free port',
    meaning: 'the port of the mailbox',
  },
  DEBUG_PORT: {
    allowed: A_PORT,
    example: '9229',
    unset: 'no inspector',
    meaning: "the port of the functions' inspector; disables their timeouts",
  },
  DYNAMODB_ENDPOINT: {
    allowed: 'an http or https URL, like http://127.0.0.1:8000',
    example: 'http://127.0.0.1:8000',
    unset: 'the embedded engine',
    meaning: 'your own DynamoDB engine; the embedded one runs on Linux x64 only',
  },
  STRIPE_SECRET_KEY: {
    allowed: "a secret key of Stripe's test mode, sk_test_… or rk_test_…",
    example: 'sk_test_…',
    unset: 'a double of Stripe',
    meaning: 'uses Stripe itself in test mode, or the server at STRIPE_API_BASE',
  },
  STRIPE_API_BASE: {
    allowed: 'an http or https URL without a path, like http://127.0.0.1:8420',
    example: 'http://127.0.0.1:8420',
    unset: 'Stripe itself',
    meaning: 'the server to use with STRIPE_SECRET_KEY, for example your own Stripe double',
  },
  STRIPE_WEBHOOK_SECRETS: {
    allowed: 'one or two webhook signing secrets with a comma between them: whsec_…,whsec_…',
    example: 'whsec_…',
    unset: 'created on a double',
    meaning: 'the signing secrets of the webhook endpoint; required with Stripe itself',
  },
  STRIPE_PRO_PRICE_ID: {
    allowed: "the id of Pro's price at Stripe, price_…",
    example: 'price_…',
    unset: 'looked up',
    meaning: "Pro's price at Stripe",
  },
};
/** Messages never print these values. */
const SECRETS: ReadonlySet<string> = new Set(['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRETS']);

/** Which Stripe the stack works with. */
export type StripeChoice =
  /** The stack's own double, on this port, or on the default or a free one. */
  | { readonly kind: 'double'; readonly port: number | undefined }
  /** An existing account: at Stripe, or on the server at `apiBase`. */
  | {
      readonly kind: 'account';
      readonly secretKey: string;
      readonly apiBase: string | undefined;
      readonly webhookSecrets: readonly string[] | undefined;
      readonly proPriceId: string | undefined;
    };

export interface Settings {
  readonly port: number;
  /** The folder that keeps the data across restarts. Undefined keeps the ledger in memory. */
  readonly dataDir: string | undefined;
  /** Another DynamoDB engine that is already running. */
  readonly dynamodbEndpoint: string | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Undefined for the default port, or a free one if it is in use. */
  readonly mailboxPort: number | undefined;
  /** The port where a debugger attaches to the functions. Undefined for no inspector. */
  readonly debugPort: number | undefined;
  readonly stripe: StripeChoice;
}

/** @throws SetupError that names each invalid variable, its value, and the allowed values */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  // An empty variable (`PORT= npm start`) counts as unset.
  const variables = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(variables);
  if (!parsed.success) {
    const refused = new Set(parsed.error.issues.map(({ path }) => String(path[0])));
    const faults = Object.entries(SETTINGS)
      .filter(([name]) => refused.has(name))
      .map(([name, { allowed }]) => {
        const value = SECRETS.has(name) ? 'is not usable' : `is "${variables[name]}"`;
        return `${name} ${value}; it must be ${allowed}.`;
      });
    throw new SetupError(faults.join(' '));
  }
  const { PORT, DATA_DIR, DYNAMODB_ENDPOINT, LOG_LEVEL, STRIPE_PORT, MAILBOX_PORT, DEBUG_PORT } = parsed.data;
  const stripe = stripeChoice(parsed.data);
  refuseSharedPorts({
    PORT,
    ...(stripe.kind === 'double' && { STRIPE_PORT }),
    MAILBOX_PORT,
    DEBUG_PORT,
  });
  return {
    port: PORT,
    dataDir: DATA_DIR,
    dynamodbEndpoint: DYNAMODB_ENDPOINT,
    logLevel: LOG_LEVEL,
    mailboxPort: MAILBOX_PORT,
    debugPort: DEBUG_PORT,
    stripe,
  };
}

/** @throws SetupError that names the first two settings with the same port */
function refuseSharedPorts(ports: Readonly<Partial<Record<PortSetting, number | undefined>>>): void {
  const takenBy = new Map<number, string>();
  for (const [name, port] of Object.entries(ports)) {
    if (port === undefined) continue;
    const other = takenBy.get(port);
    if (other !== undefined)
      throw new SetupError(`${other} and ${name} are both ${port}. Choose different ports.`);
    takenBy.set(port, name);
  }
}

function stripeChoice(environment: z.output<typeof Environment>): StripeChoice {
  const { STRIPE_PORT: port, STRIPE_SECRET_KEY: secretKey } = environment;
  if (secretKey === undefined) {
    const names = ['STRIPE_API_BASE', 'STRIPE_WEBHOOK_SECRETS', 'STRIPE_PRO_PRICE_ID'] as const;
    const name = names.find((one) => environment[one] !== undefined);
    if (name !== undefined) {
      throw new SetupError(
        `${name} is set without STRIPE_SECRET_KEY. Set the key too, or unset ${name} to use a Stripe double.`,
      );
    }
    return { kind: 'double', port };
  }
  if (isLiveKey(secretKey)) {
    throw new SetupError(
      'STRIPE_SECRET_KEY is a live key, which moves real money. The local stack needs a test key: sk_test_…',
    );
  }
  return {
    kind: 'account',
    secretKey,
    apiBase: environment.STRIPE_API_BASE,
    webhookSecrets: environment.STRIPE_WEBHOOK_SECRETS,
    proPriceId: environment.STRIPE_PRO_PRICE_ID,
  };
}

function upperCase(text: string): string {
  return text.toUpperCase();
}
