import { readParameter } from '../settings/parameters.ts';
import { parseStripeConfig } from '../settings/stripe.ts';
import type { StripePort } from '../stripe/port.ts';
import type { Deps, PaymentDeps } from './deps.ts';
import { timeLeftMs } from './time-left.ts';

/**
 * The dependencies of a function that may move money. Only such functions import this file, so no other
 * bundle contains the SDK. The SDK is loaded when the first request needs it.
 */
export const withStripe = (deps: Deps, env: NodeJS.ProcessEnv = process.env): PaymentDeps => ({
  ...deps,
  stripe: () => connected(env, deps),
});

interface Connection {
  readonly secretKey: string | undefined;
  readonly port: StripePort;
}

/** One per environment, and so one per running function. */
const connections = new WeakMap<NodeJS.ProcessEnv, Connection>();

/**
 * Reads the parameters each time, which costs a call only if they are old. So a rolled key is picked up.
 * @throws Error naming the setting that is missing or wrong, never its value
 */
async function connected(
  env: NodeJS.ProcessEnv,
  { sleep, random }: Pick<Deps, 'sleep' | 'random'>,
): Promise<StripePort> {
  const [{ stripePort }, secretKey, priceId] = await Promise.all([
    import('../stripe/client.ts'),
    readParameter(env, 'STRIPE_SECRET_KEY'),
    readParameter(env, 'STRIPE_PRO_PRICE_ID'),
  ]);
  const known = connections.get(env);
  if (known !== undefined && known.secretKey === secretKey && known.port.proPriceId === priceId)
    return known.port;
  const port = stripePort(
    parseStripeConfig({ ...env, STRIPE_SECRET_KEY: secretKey, STRIPE_PRO_PRICE_ID: priceId }),
    { sleep, random, timeLeftMs },
  );
  connections.set(env, { secretKey, port });
  return port;
}
