import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { readOrder } from '../../lib/store/orders.ts';

/** A card whose bank asks its cardholder to approve a payment. */
export const ASKS = 'pm_card_authenticationRequired';

/** The cardholder orders on the billing page. */
export const PRESENT = {
  returnUrl: 'https://billing.test/billing/plan/return?customer=c1',
  mostCents: 59_900,
};

/** Orders Pro as the billing page does: the cardholder is present. */
export const orderOnPage = async (deps: PaymentDeps, customerId: string) =>
  subscribeToPro(deps, customerId, await readOrder(deps.table, customerId), 'pro', PRESENT);

/** Orders Pro as the API does. */
export const orderByApi = async (deps: PaymentDeps, customerId: string) =>
  subscribeToPro(deps, customerId, await readOrder(deps.table, customerId));
