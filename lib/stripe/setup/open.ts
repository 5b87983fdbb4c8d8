import Stripe from 'stripe';
import { reasonOf, SetupError } from '../../settings/setup-error.ts';
import { openStripe } from '../sdk.ts';

const MAX_RETRIES = 3;

/**
 * The SDK for the command line: more retries than a function has time for. `apiBase`: the origin of a
 * stand-in.
 */
export const openSetupStripe = (secretKey: string, apiBase?: string): Stripe =>
  openStripe(
    { secretKey, apiBase: apiBase === undefined ? null : new URL(apiBase) },
    { maxNetworkRetries: MAX_RETRIES },
  );

/** Runs calls to Stripe. Expected failures become a SetupError of one line. */
export async function explainFailures<T>(apiBase: string | undefined, calls: () => Promise<T>): Promise<T> {
  try {
    return await calls();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    const server = apiBase === undefined ? 'Stripe' : `${apiBase} (STRIPE_API_BASE)`;
    if (error instanceof Stripe.errors.StripeConnectionError) {
      throw new SetupError(
        `${server} does not answer: ${reasonOf(error.detail ?? error)}. Start it, or check the network.`,
      );
    }
    if (
      error instanceof Stripe.errors.StripeAuthenticationError ||
      error instanceof Stripe.errors.StripePermissionError
    ) {
      throw new SetupError(
        `${server} refuses STRIPE_SECRET_KEY: ${reasonOf(error)} Use a key of that account that may do this.`,
      );
    }
    throw new SetupError(`${server} refused a request: ${reasonOf(error)}`);
  }
}
