import Stripe from 'stripe';

/** The double speaks the version that the installed SDK is made for. */
export const STRIPE_API_VERSION: string = Stripe.API_VERSION;
