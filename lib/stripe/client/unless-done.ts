import Stripe from 'stripe';

/**
 * Null where Stripe refuses because it is gone, or over. That is asked, not guessed: such a refusal has no code and names no
 * parameter, and one for another reason must not be taken for done.
 */
export async function unlessDone<T>(
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
