import { withStripe } from '../../lib/runtime/connect-stripe.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { startRuntime } from '../../lib/runtime/start.ts';
import { type StripeSettings, stripeEnvironment } from '../../lib/settings/stripe-environment.ts';

/** The dependencies of operations that run in this process, on the local stack's table. */
export function localDeps(endpoint: string, tableName: string, stripe?: StripeSettings): PaymentDeps {
  const env = {
    TABLE_NAME: tableName,
    STAGE: 'dev',
    DYNAMODB_ENDPOINT: endpoint,
    ...(stripe !== undefined && stripeEnvironment(stripe)),
  };
  return withStripe(startRuntime(env), env);
}
