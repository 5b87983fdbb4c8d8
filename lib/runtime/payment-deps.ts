import { withStripe } from './connect-stripe.ts';
import type { Deps, PaymentDeps } from './deps.ts';

/** The dependencies of a function that may move money. */
export const paymentDeps = (deps: Deps): PaymentDeps => withStripe(deps, process.env);
