import type { PaymentDeps } from '../lib/deps.ts';
import { startRuntime } from '../lib/runtime.ts';
import { withStripe } from '../lib/stripe/connect.ts';
import { type StripeSettings, stripeEnvironment } from './stripe-settings.ts';

/** What operations work with when they are called on this machine rather than over HTTP. */
export function localDeps(endpoint: string, tableName: string, stripe?: StripeSettings): PaymentDeps {
  const env = {
    TABLE_NAME: tableName,
    STAGE: 'dev',
    DYNAMODB_ENDPOINT: endpoint,
    ...(stripe !== undefined && stripeEnvironment(stripe)),
  };
  return withStripe(startRuntime(env), env);
}
