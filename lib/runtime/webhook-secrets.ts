import { parseWebhookSecrets } from '../settings/stripe.ts';
import type { Deps } from './deps.ts';
import { parametersOf } from './parameters.ts';

/** The secrets that Stripe signs events with. */
export interface WebhookSecrets {
  /**
   * @throws BillingError payments_unavailable if SSM does not answer; Error if they are missing or malformed
   */
  readonly current: () => Promise<readonly string[]>;
  /** The secrets after a refused signature; undefined if they are the same. Costs at most a call a minute. */
  readonly rotated: () => Promise<readonly string[] | undefined>;
}

export function webhookSecrets(deps: Deps, env: NodeJS.ProcessEnv): WebhookSecrets {
  const parameters = parametersOf(deps, env);
  const name = 'STRIPE_WEBHOOK_SECRETS';
  let used: string | undefined;
  return {
    current: async () => {
      used = await parameters.get(name);
      return parseWebhookSecrets(used);
    },
    rotated: async () => {
      const newer = used === undefined ? undefined : await parameters.afterRefusal(name, used);
      return newer === undefined ? undefined : parseWebhookSecrets(newer);
    },
  };
}
