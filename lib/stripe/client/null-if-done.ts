import Stripe from 'stripe';

/**
 * Returns null if Stripe rejects the call because the object is deleted or ended. `isDone` asks Stripe: such
 * an error has no code and no parameter, and looks like an error for another reason.
 */
export async function nullIfDone<T>(
  ask: () => Promise<T>,
  isDone: () => Promise<boolean>,
): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError) || !(await isDone())) throw error;
    return null;
  }
}

/** Whether Stripe has deleted a customer. */
export const isDeleted = async (stripe: Stripe, stripeCustomerId: string): Promise<boolean> =>
  (await stripe.customers.retrieve(stripeCustomerId)).deleted === true;
