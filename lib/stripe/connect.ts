import type { Deps, PaymentDeps } from '../deps.ts';
import { readParameter } from '../parameters.ts';
import { parseStripeConfig } from './config.ts';
import type { StripePort } from './port.ts';

/**
 * What a function works with that may move money. Imported by those functions alone: nobody else's bundle holds the SDK, and
 * theirs load it when the first request needs it.
 */
export function withStripe(deps: Deps, env: NodeJS.ProcessEnv = process.env): PaymentDeps {
  return { ...deps, stripe: () => connected(env) };
}

const connections = new WeakMap<NodeJS.ProcessEnv, Promise<StripePort>>();

/** One connection for each environment, which is one for each running function. */
function connected(env: NodeJS.ProcessEnv): Promise<StripePort> {
  const known = connections.get(env);
  if (known !== undefined) return known;
  const connection = connect(env).catch((error: unknown) => {
    // The next request tries again: what was missing may be there by then.
    connections.delete(env);
    throw error;
  });
  connections.set(env, connection);
  return connection;
}

/** @throws Error naming the setting that is missing or wrong, never its value */
async function connect(env: NodeJS.ProcessEnv): Promise<StripePort> {
  const [{ stripePort }, secretKey, priceId] = await Promise.all([
    import('./client.ts'),
    readParameter(env, 'STRIPE_SECRET_KEY'),
    readParameter(env, 'STRIPE_PRO_PRICE_ID'),
  ]);
  return stripePort(
    parseStripeConfig({ ...env, STRIPE_SECRET_KEY: secretKey, STRIPE_PRO_PRICE_ID: priceId }),
  );
}
