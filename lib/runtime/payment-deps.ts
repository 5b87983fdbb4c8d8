import { withStripe } from './connect-stripe.ts';
import type { Deps, PaymentDeps } from './deps.ts';

/** What a function works with that may move money. */
export const paymentDeps = (deps: Deps): PaymentDeps => withStripe(deps, process.env);
