import { parseStripeConfig } from '../settings/stripe.ts';
import type { StripePort } from '../stripe/port.ts';
import type { Deps, PaymentDeps } from './deps.ts';
import { parametersOf } from './parameters.ts';
import { noteCall, timeLeftMs } from './request-scope.ts';

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
 * Asks for the parameters each time, which costs a call only if they are old. So a rotated key comes into
 * use.
 * @throws BillingError payments_unavailable if SSM does not answer; Error naming the setting that is missing
 *   or wrong, never its value
 */
async function connected(env: NodeJS.ProcessEnv, deps: Deps): Promise<StripePort> {
  const parameters = parametersOf(deps, env);
  const [{ stripePort }, secretKey, priceId] = await Promise.all([
    import('../stripe/client.ts'),
    parameters.get('STRIPE_SECRET_KEY'),
    parameters.get('STRIPE_PRO_PRICE_ID'),
  ]);
  const known = connections.get(env);
  if (known !== undefined && known.secretKey === secretKey && known.port.proPriceId === priceId)
    return known.port;
  const configWith = (key: string | undefined) =>
    parseStripeConfig({ ...env, STRIPE_SECRET_KEY: key, STRIPE_PRO_PRICE_ID: priceId });
  const newerKey = async (refused: string) => {
    const newer = await parameters.afterRefusal('STRIPE_SECRET_KEY', refused);
    return newer === undefined ? undefined : configWith(newer).secretKey;
  };
  const { sleep, random } = deps;
  const port = stripePort(configWith(secretKey), {
    sleep,
    random,
    timeLeftMs,
    newerKey,
    onCall: (ms, isRetry) => noteCall('stripe', ms, isRetry ? 1 : 0),
  });
  connections.set(env, { secretKey, port });
  return port;
}
