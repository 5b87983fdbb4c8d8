import type Stripe from 'stripe';

/** The one version whose shapes the double speaks. It does not compile beside an SDK of another version. */
export const STRIPE_API_VERSION: typeof Stripe.API_VERSION = '2026-10-28.endive';
