import Stripe from 'stripe';
import { isLiveStage, parseWebhookSecrets } from '../../lib/settings/stripe.ts';
import { isLiveKey, SecretKey } from '../../lib/settings/stripe-environment.ts';
import { findPortalConfiguration, portalFaults } from '../../lib/stripe/setup/portal.ts';
import { canBeSold, describePrice, whatIsWrong } from '../../lib/stripe/setup/price.ts';
import { type Check, type Finding, ok, wrong } from './check.ts';
import { orRestart, storeParameter } from './remedies.ts';
import { absentOnLocalStack, type ParameterName, type Site } from './site.ts';

/** The stage's Stripe parameters, and whether Stripe accepts the key. Needs nothing that is deployed. */
export const PARAMETER_CHECKS: readonly Check<Site>[] = [
  {
    id: 'stripe-secret-key',
    title: 'Parameter stripe-secret-key',
    absentReason: absentOnLocalStack,
    run: (site) =>
      secretParameter(site, 'stripe-secret-key', {
        isWellFormed: (value) => SecretKey.safeParse(value).success,
        shape: 'sk_… or rk_…',
      }),
  },
  {
    id: 'stripe-webhook-secrets',
    title: 'Parameter stripe-webhook-secrets',
    absentReason: absentOnLocalStack,
    run: (site) =>
      secretParameter(site, 'stripe-webhook-secrets', {
        isWellFormed: areWebhookSecrets,
        shape: 'whsec_…, or two separated by a comma',
      }),
  },
  {
    id: 'stripe-pro-price-id',
    title: 'Parameter stripe-pro-price-id',
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const name = 'stripe-pro-price-id';
      const found = await site.parameter(name);
      const remedy = storeParameter(site, name, { type: 'String', shape: 'price_…' });
      if (found === null) return wrong('missing', remedy);
      return /^price_\w+$/.test(found.value) ? ok(found.value) : wrong('not a price id', remedy);
    },
  },
  {
    id: 'stripe-key-mode',
    title: 'Mode of the Stripe key',
    needs: ['stripe-secret-key'],
    run: async (site) => {
      const { stage } = site.definition;
      const [actual, expected] = [isLiveKey(await site.secretKey()), isLiveStage(stage)].map((live) =>
        live ? 'live' : 'test',
      );
      if (actual === expected) return ok(`${actual}, as ${stage} requires`);
      return wrong(
        `a ${actual} key, but ${stage} requires a ${expected} key and sends nothing to Stripe without one`,
        storeParameter(site, 'stripe-secret-key', { type: 'SecureString', shape: `sk_${expected}_…` }),
      );
    },
  },
  {
    id: 'stripe-access',
    title: 'Stripe accepts the key',
    needs: ['stripe-key-mode'],
    run: async (site) => {
      const stripe = await site.stripe();
      try {
        await stripe.prices.list({ limit: 1 });
      } catch (error) {
        if (!(error instanceof Stripe.errors.StripeAuthenticationError)) throw error;
        const advice =
          'It was rolled or has expired. The valid key is in the dashboard under Developers, API keys.';
        return wrong(
          'Stripe rejects it',
          storeParameter(site, 'stripe-secret-key', { type: 'SecureString', shape: 'sk_…', advice }),
        );
      }
      return ok('yes');
    },
  },
];

/** The stage's Stripe parameters, and whether Stripe accepts them. */
export const STRIPE_CHECKS: readonly Check<Site>[] = [
  ...PARAMETER_CHECKS,
  {
    id: 'price',
    title: 'Price of Pro',
    needs: ['stripe-access', 'stripe-pro-price-id'],
    run: priceOfPro,
  },
  {
    id: 'portal',
    title: "Stripe's customer portal",
    needs: ['stripe-access'],
    run: async (site) => {
      const remedy = orRestart(site, {
        advice: 'The portal shows invoices and changes address and tax id, and nothing else:',
        command: ['npm run stripe:setup'],
      });
      const found = await findPortalConfiguration(await site.stripe());
      if (found === null) return wrong('no configuration of stripe:setup', remedy);
      const faults = portalFaults(found);
      return faults.length === 0 ? ok(found.id) : wrong(`${found.id}: ${faults.join(', ')}`, remedy);
    },
  },
];

interface Secret {
  readonly isWellFormed: (value: string) => boolean;
  readonly shape: string;
}

async function secretParameter(
  site: Site,
  name: ParameterName,
  { isWellFormed, shape }: Secret,
): Promise<Finding> {
  const found = await site.parameter(name);
  const store = (advice = '') => storeParameter(site, name, { type: 'SecureString', shape, advice });
  if (found === null) return wrong('missing', store());
  if (found.type !== 'SecureString') {
    const advice = 'Roll the secret at Stripe, because others could read it, and delete the parameter.';
    return wrong(`stored as ${found.type}, which more people can read`, store(advice));
  }
  // A malformed value is not printed, because it may still be a secret.
  return isWellFormed(found.value) ? ok('SecureString') : wrong(`not of the form ${shape}`, store());
}

function areWebhookSecrets(value: string): boolean {
  try {
    return parseWebhookSecrets(value).length > 0;
  } catch {
    return false;
  }
}

async function priceOfPro(site: Site): Promise<Finding> {
  const stripe = await site.stripe();
  const id = await site.proPriceId();
  const remedy = orRestart(site, {
    advice:
      'Create a price of Pro and store its id in stripe-pro-price-id. ' +
      'With subscribers: "Rotate" in docs/operate.md.',
    command: ['npm run stripe:setup'],
  });
  const price = await stripe.prices.retrieve(id).catch((error: unknown) => {
    if (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing')
      return null;
    throw error;
  });
  if (price === null) return wrong(`Stripe has no price ${id}`, remedy);
  if (!canBeSold(price, 'pro')) {
    return wrong(`${id} is ${describePrice(price)}: ${whatIsWrong(price, 'pro')}`, remedy);
  }
  const archived = orRestart(site, {
    advice: 'Customers cannot subscribe. Activate it again:',
    command: ['npm run stripe:setup'],
  });
  if (!price.active) return wrong(`${id} is archived`, archived);
  const productId = typeof price.product === 'string' ? price.product : price.product.id;
  const { active } = await stripe.products.retrieve(productId);
  return active
    ? ok(`${id}, ${describePrice(price)}`)
    : wrong(`its product ${productId} is archived`, archived);
}
