import * as z from 'zod/mini';
import { isPlan, isSold, PLANS, SOLD_PLANS, type SoldPlan, type SoldPrice } from '../../lib/domain/plans.ts';
import { formatUsd } from '../../lib/domain/pricing.ts';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { ApiBase, isLiveKey, SecretKey, WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import { lookupKeyOf } from '../../lib/stripe/prices.ts';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import type { Ensured } from '../../lib/stripe/setup/create-once.ts';
import { explainFailures, openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { ensurePortalConfiguration } from '../../lib/stripe/setup/portal.ts';
import {
  ensureProPrice,
  type PlanPrice,
  type ProPrice,
  type Replacement,
} from '../../lib/stripe/setup/price.ts';
import { ensureWebhookEndpoint, type WebhookEndpoint } from '../../lib/stripe/setup/webhook-endpoint.ts';
import { EXIT_USAGE, readFlags, UsageError } from '../stack/flags.ts';

const USAGE = `Sets up a Stripe account for this service: product, monthly price, portal and webhook endpoint.
Idempotent: what is already right is not changed.

  npm run stripe:setup -- [--url URL] [--live] [--json]
                          [--replace-price [--plan PLAN] [--month-cents CENTS] [--credits COUNT]]

  --url URL             the webhook address: the service's address and ${WEBHOOK_PATH};
                        without it, only the price and the portal are set up
  --replace-price       moves the plan's lookup key (${lookupKeyOf('pro')}) to a price with the amount and
                        credits below; reuses an earlier price that has them. Subscribers keep their price
  --plan PLAN           the plan whose price is replaced: ${SOLD_PLANS.join(', ')}; default: pro
  --month-cents CENTS   US cents a month: 64900 is $649.00; default for Pro: ${PLANS.pro.sold.monthCents}
  --credits COUNT       credits for each paid month; default for Pro: ${PLANS.pro.sold.credits}
  --live                confirms the setup of a live account
  --json                prints the result as JSON, for programs

  read -rs STRIPE_SECRET_KEY                           # paste sk_test_…; it stays out of the shell's history
  export STRIPE_SECRET_KEY
  npm run stripe:setup                                 # enough for a stack on this machine
  npm run stripe:setup -- --url https://billing.example.com${WEBHOOK_PATH}
  npm run stripe:setup -- --replace-price --month-cents 64900 --credits 65

At the end it prints the variables to set.
STRIPE_API_BASE names a server other than Stripe, for example a double.`;

const COMMAND = 'npm run stripe:setup --';

const OPTIONS = {
  url: { type: 'string' },
  'replace-price': { type: 'boolean', default: false },
  plan: { type: 'string' },
  'month-cents': { type: 'string' },
  credits: { type: 'string' },
  live: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

interface Account {
  readonly secretKey: string;
  readonly apiBase: string | undefined;
}

interface SetupResult extends ProPrice {
  readonly live: boolean;
  readonly portal: Ensured;
  /** Null without --url. */
  readonly endpoint: WebhookEndpoint | null;
  readonly url: string | null;
}

/** Prints the result and the faults. */
export interface SetupOutput {
  readonly print: (text: string) => void;
  readonly fault: (text: string) => void;
}

/** Runs `npm run stripe:setup` with these arguments and variables. Returns the exit code. */
export async function stripeSetup(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { print, fault }: SetupOutput,
): Promise<number> {
  try {
    const values = readFlags(COMMAND, OPTIONS, args);
    if (values.help) {
      print(USAGE);
      return 0;
    }
    const replacement = readReplacement(values);
    const account = readAccount(env, values.live);
    const url = values.url === undefined ? null : webhookUrl(values.url, account);
    const result = await setUp(account, url, replacement);
    print(values.json ? JSON.stringify(asJson(result), null, 2) : asText(result).join('\n'));
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    fault(error.message);
    return error instanceof UsageError ? EXIT_USAGE : 1;
  }
}

async function setUp(
  { secretKey, apiBase }: Account,
  url: string | null,
  replacement: Replacement | null,
): Promise<SetupResult> {
  const stripe = openSetupStripe(secretKey, apiBase);
  return explainFailures(apiBase, async () => {
    const prices = await ensureProPrice(stripe, { replacement });
    const portal = await ensurePortalConfiguration(stripe);
    const endpoint = url === null ? null : await ensureWebhookEndpoint(stripe, url);
    return { live: isLiveKey(secretKey), ...prices, portal, endpoint, url };
  });
}

interface PriceFlags {
  readonly 'replace-price': boolean;
  readonly plan?: string | undefined;
  readonly 'month-cents'?: string | undefined;
  readonly credits?: string | undefined;
}

/** Null where no price is to be replaced. @throws UsageError */
function readReplacement(flags: PriceFlags): Replacement | null {
  const { plan = 'pro', 'month-cents': monthCents, credits } = flags;
  if (!flags['replace-price']) {
    const needless = (['plan', 'month-cents', 'credits'] as const).find((name) => flags[name] !== undefined);
    if (needless === undefined) return null;
    throw misused(`--${needless} is about the price that replaces another: add --replace-price.`);
  }
  if (!isPlan(plan) || !isSold(plan)) {
    throw misused(`--plan is "${plan}"; it must be a plan that is sold: ${SOLD_PLANS.join(', ')}.`);
  }
  const { sold } = PLANS[plan];
  return {
    plan,
    monthCents: readCount('--month-cents', monthCents, MAX_MONTH_CENTS) ?? sold.monthCents,
    credits: readCount('--credits', credits, MAX_CREDITS) ?? sold.credits,
  };
}

const misused = (why: string): UsageError => new UsageError(`${why} ${COMMAND} --help lists the flags.`);

/** What Stripe takes as an amount, and what the service reads as credits. */
const MAX_MONTH_CENTS = 99_999_999;
const MAX_CREDITS = 999_999;

function readCount(flag: string, value: string | undefined, max: number): number | null {
  if (value === undefined) return null;
  const count = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (count >= 1 && count <= max) return count;
  throw misused(`${flag} is "${value}"; it must be a whole number from 1 to ${max}.`);
}

/** @throws SetupError if the key is missing, malformed or of the wrong mode */
function readAccount(env: NodeJS.ProcessEnv, live: boolean): Account {
  const secretKey = env['STRIPE_SECRET_KEY'] || undefined;
  if (secretKey === undefined) {
    throw new SetupError('STRIPE_SECRET_KEY is missing. Set it to the secret key of the account: sk_test_…');
  }
  // A malformed value is not printed, because it may still be a secret.
  if (!SecretKey.safeParse(secretKey).success) {
    throw new SetupError('STRIPE_SECRET_KEY is not a Stripe secret key; it must be sk_test_… or rk_test_….');
  }
  const apiBase = readApiBase(env['STRIPE_API_BASE'] || undefined);
  if (isLiveKey(secretKey) && !live) {
    throw new SetupError(
      'STRIPE_SECRET_KEY is a live key, so this would change the live account. To confirm, add --live.',
    );
  }
  if (!isLiveKey(secretKey) && live) {
    throw new SetupError(
      '--live is set, but STRIPE_SECRET_KEY is a test key. Set the live key, or remove --live.',
    );
  }
  if (live && apiBase !== undefined) {
    throw new SetupError('A live key is sent to Stripe only. Unset STRIPE_API_BASE.');
  }
  return { secretKey, apiBase };
}

function readApiBase(value: string | undefined): string | undefined {
  const parsed = z.optional(ApiBase).safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SetupError(
    `STRIPE_API_BASE is "${value}"; ` +
      'it must be an http or https URL without a path, like http://127.0.0.1:8420.',
  );
}

function webhookUrl(value: string, { apiBase }: Account): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  // Stripe itself delivers only to https.
  const scheme = apiBase === undefined ? /^https:$/ : /^https?:$/;
  if (url !== null && scheme.test(url.protocol) && url.pathname.endsWith(WEBHOOK_PATH)) return url.href;
  throw new SetupError(
    `--url is "${value}"; it must be the https URL of the service's webhook route, ` +
      `like https://billing.example.com${WEBHOOK_PATH}.`,
  );
}

function environmentOf({ price, endpoint }: SetupResult): Record<string, string> {
  return {
    STRIPE_PRO_PRICE_ID: price.id,
    ...(endpoint?.secret && { STRIPE_WEBHOOK_SECRETS: endpoint.secret }),
  };
}

function asJson(result: SetupResult): object {
  const item = ({ id, outcome, notes }: Ensured) => ({ id, outcome, notes });
  const priced = (price: Ensured, { monthCents, credits }: SoldPrice) => ({
    ...item(price),
    month_cents: monthCents,
    credits,
  });
  return {
    livemode: result.live,
    product: item(result.product),
    price: priced(result.price, result.sold),
    ...(result.others.length > 0 && {
      plans: result.others.map(({ plan, product, price, sold }) => ({
        plan,
        product: item(product),
        price: priced(price, sold),
      })),
    }),
    portal: item(result.portal),
    webhook_endpoint: result.endpoint && { ...item(result.endpoint), url: result.url },
    environment: environmentOf(result),
  };
}

function asText(result: SetupResult): string[] {
  const { live, endpoint, url } = result;
  const item = (label: string, { id, outcome, notes }: Ensured, more: string) => [
    `${label.padEnd(9)} ${outcome.padEnd(8)} ${id}   ${more}`,
    ...notes.map((note) => `${' '.repeat(19)}${note}`),
  ];
  const pair = (plan: SoldPlan, { product, price, sold }: PlanPrice) => [
    ...item('product', product, `RSOLV ${PLANS[plan].name}`),
    ...item(
      'price',
      price,
      `${formatUsd(sold.monthCents)} a month for ${sold.credits} credits, lookup key ${lookupKeyOf(plan)}`,
    ),
  ];
  const variables = Object.entries(environmentOf(result)).map(([name, value]) => `${name}=${value}`);
  return [
    live ? 'Live mode: real money.' : 'Test mode.',
    ...pair('pro', result),
    ...result.others.flatMap((other) => pair(other.plan, other)),
    ...item('portal', result.portal, "invoices, address and tax id on Stripe's portal"),
    ...(endpoint === null
      ? [`${'webhook'.padEnd(9)} skipped: no --url`]
      : item(
          'webhook',
          endpoint,
          `${url}, ${HANDLED_EVENT_TYPES.length} event types at ${STRIPE_API_VERSION}`,
        )),
    '',
    ...variables,
    ...(endpoint !== null && endpoint.secret === null
      ? ['# Keep STRIPE_WEBHOOK_SECRETS: Stripe returns a secret only when the endpoint is created.']
      : []),
  ];
}
